"""Models, calibration and blend in time order: later weeks change nothing, known means are found."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml import metrics
from aipro_ml.enums import DevigMethod
from aipro_ml.props.frames import DID_NOT_PLAY, NO_BOX, learning_rows, line_rows, outcomes, own_lines, with_outcomes
from aipro_ml.props.market import known_prices, offers
from aipro_ml.props.matching import match_players, squads
from aipro_ml.props.report import report
from aipro_ml.props.walkforward import fit_calibration, fit_models, walk_forward
from tests.props.random_props import CONFIG, random_props


def lines_of(league):
    prices = known_prices(league.prices, league.decided, 24)
    market = offers(prices, DevigMethod.POWER)
    wanted = market.lines.assign(as_of=market.lines["game_id"].map(league.decided))
    pairs = wanted.drop_duplicates(["game_id", "player_id"])[["game_id", "player_id", "as_of"]]
    asked = pairs.join(league.games[["home_team_id", "away_team_id"]], on="game_id")
    matched = match_players(asked, league.players, league.versions)
    lines = line_rows(wanted, matched, league.past, CONFIG).lines
    lines = with_outcomes(lines, outcomes(lines, league.past, CONFIG))
    return market, lines.assign(season=2022)


def walked(league):
    market, lines = lines_of(league)
    rows = learning_rows(league.past, league.decided, CONFIG)
    return market, rows, walk_forward(rows, lines, CONFIG, lambda *_: None)


@pytest.fixture(scope="module")
def league():
    return random_props(8)


@pytest.fixture(scope="module")
def told(league):
    return walked(league)


def test_the_means_of_players_are_found(league, told):
    rows = told[1]
    models = fit_models(rows, CONFIG)
    last = rows.loc[(rows["prop"] == "catches") & (rows["decided_at"] > rows["decided_at"].quantile(0.8))]
    found = models["catches"].means(last, last["position"])
    true = league.means.reindex(last["player_id"]).to_numpy()
    assert np.corrcoef(found, true)[0, 1] > 0.85
    assert found.mean() == pytest.approx(true.mean(), rel=0.08)


def test_a_known_mean_is_worth_more_than_a_coin_and_calibration_keeps_it(told):
    lines = told[2]
    scored = lines.loc[lines["y"].notna() & lines["calibrated"].notna() & (lines["prop"] == "catches")]
    assert len(scored) > 250
    losses = [metrics.log_loss(scored[name], scored["y"]) for name in ("p", "calibrated")]
    assert max(losses) < np.log(2) - 0.005
    assert report(lines).n == int((lines["y"].notna() & lines["calibrated"].notna()).sum())


def test_later_weeks_change_nothing_that_was_said_before(league, told):
    cut = league.games["kickoff"].quantile(0.7)
    games = league.games.loc[league.games["kickoff"] < cut]
    early = type(league)(
        games=games,
        versions=league.versions.loc[league.versions["game_id"].isin(games.index)].reset_index(drop=True),
        prices=league.prices.loc[league.prices["game_id"].isin(games.index)].reset_index(drop=True),
        players=league.players,
        means=league.means,
    )
    keys = ["game_id", "player_id", "prop"]
    names = ["mean", "p", "push", "calibrated", "published"]
    first = walked(early)[2].set_index(keys).sort_index()[names]
    second = told[2].set_index(keys).sort_index()[names].reindex(first.index)
    assert first["published"].notna().sum() > 100
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_permuted_outcomes_teach_nothing(told):
    rows, lines = told[1], told[2]
    rng = np.random.default_rng(3)
    shuffled = rows.assign(value=rng.permutation(rows["value"].to_numpy()))
    noise = walk_forward(shuffled, lines.assign(y=rng.permutation(lines["y"].to_numpy())), CONFIG, lambda *_: None)
    known = noise.loc[noise["y"].notna() & noise["calibrated"].notna()]
    assert abs(metrics.auc(known["calibrated"], known["y"]) - 0.5) < 3 * metrics.auc_null_sd(len(known))


def test_a_calibration_of_few_lines_is_none_and_the_blend_then_is_the_market(told):
    settled = told[2].loc[told[2]["y"].notna() & told[2]["p"].notna()]
    few = fit_calibration(settled.head(199))
    assert (few.own, few.pooled, few.blend.model_coef, few.blend.market_coef) == ({}, None, 0.0, 1.0)
    assert fit_calibration(settled.head(200)).pooled is not None


def test_who_has_no_box_score_did_not_play_only_where_others_of_his_team_have_one(league):
    lines = lines_of(league)[1]
    one = lines.iloc[0]
    his = (league.versions["game_id"] == one["game_id"]) & (league.versions["player_id"] == one["box_id"])
    team = (league.versions["game_id"] == one["game_id"]) & (league.versions["team_id"] == one["team_id"])

    def state(versions):
        past = type(league.past)(versions.reset_index(drop=True), league.games, league.players["position"])
        found = outcomes(lines.head(1), past, CONFIG)
        return found["state"].item(), found["actual"].isna().item()

    assert state(league.versions.loc[~his]) == (DID_NOT_PLAY, True)
    assert state(league.versions.loc[~team]) == (NO_BOX, True)


def test_a_figure_on_its_line_is_pushed():
    lines = pd.DataFrame({"line": [3.0, 3.0, 3.0, 2.5]})
    told = pd.DataFrame({"actual": [3.0, 4.0, np.nan, 2.0], "state": "played", "label_known_at": pd.NaT})
    assert with_outcomes(lines, told)["y"].tolist() == pytest.approx([np.nan, 1.0, np.nan, 0.0], nan_ok=True)


def test_without_prices_a_line_is_the_half_above_a_players_own_average(league):
    bare = league.decided.loc[league.games["week"] == 20]
    squad = squads(bare, league.games, league.versions, 14)
    assert len(squad) == 30
    own = own_lines(league.past, bare, squad, CONFIG)
    assert (own["line"] % 1 == 0.5).all()
    assert set(own["prop"]) == {"catches", "yards"}
    catches = own.loc[own["prop"] == "catches"].set_index("player_id")["line"]
    assert np.corrcoef(catches, league.means.reindex(catches.index))[0, 1] > 0.7
