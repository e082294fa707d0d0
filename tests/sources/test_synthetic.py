"""The simulated league: deterministic, in the NFL's shape, with prices a bookmaker could offer."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.errors import UsageError
from aipro_ml.sources import base, league, synthetic
from aipro_ml.sources.checks import overround

FRAMES = {
    "teams": base.TEAM_COLUMNS, "venues": base.VENUE_COLUMNS, "seasons": base.SEASON_COLUMNS,
    "games": base.GAME_COLUMNS, "quotes": base.QUOTE_COLUMNS, "closing": base.CLOSING_COLUMNS,
}  # fmt: skip
OFFER = ["game", "book", "market", "selection"]


@pytest.fixture(scope="module")
def batch() -> base.SourceBatch:
    return synthetic.generate("NFL", seasons=3, books=3, seed=11)


@pytest.fixture(scope="module")
def played(batch) -> pd.DataFrame:
    return batch.games[batch.games["status"] == "final"]


def test_simulated_games_land_under_a_sport_of_their_own(batch):
    assert (batch.sport, batch.source, batch.findings) == ("SIM-NFL", "synthetic", ())


@pytest.mark.parametrize("frame", FRAMES)
def test_every_frame_has_its_fixed_columns_and_types(batch, frame):
    found, columns = getattr(batch, frame), FRAMES[frame]
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: str(pd.Series(dtype=kind).dtype) for name, kind in columns.items()
    }


@pytest.mark.parametrize("frame", FRAMES)
def test_the_same_seed_gives_the_same_frames(batch, frame):
    again = synthetic.generate("NFL", seasons=3, books=3, seed=11)
    pd.testing.assert_frame_equal(getattr(batch, frame), getattr(again, frame))


def test_another_seed_gives_other_results(batch):
    other = synthetic.generate("NFL", seasons=3, books=1, seed=12)
    assert not batch.games["home_score"].equals(other.games["home_score"])


def test_results_do_not_depend_on_the_number_of_books(batch):
    assert synthetic.generate("NFL", seasons=3, books=1, seed=11).games.equals(batch.games)


def test_the_last_week_is_priced_and_open(batch):
    ahead = batch.games[batch.games["status"] == "scheduled"]
    assert len(ahead) == 16
    assert set(ahead["week"]) == {17}
    assert set(ahead["season"]) == {2025}
    assert ahead["home_score"].isna().all()
    assert set(ahead["game"]) <= set(batch.quotes["game"])
    assert not set(ahead["game"]) & set(batch.closing["game"])
    assert batch.games["kickoff"].max() == ahead["kickoff"].max()


def test_without_open_games_every_season_has_its_285_results():
    games = synthetic.generate("NFL", seasons=2, books=1, seed=3, open_games=False, last_season=2020).games
    assert games.groupby("season").size().to_dict() == {2019: 285, 2020: 285}
    assert set(games["status"]) == {"final"}
    assert games["home_score"].notna().all()


def test_games_have_an_identity_a_place_and_known_teams(batch):
    games = batch.games
    assert games["game"].is_unique
    assert games["external_id"].is_unique
    assert games["external_id"].str.len().max() <= 50
    assert set(games["home"]) == set(games["away"]) == set(batch.teams["team"])
    assert set(games["venue"]) <= set(batch.venues["venue"])
    assert (games["home"] != games["away"]).all()


def test_a_team_plays_once_a_week_and_never_twice_in_four_days(batch):
    long = pd.concat([batch.games.rename(columns={side: "team"}) for side in ("home", "away")])
    assert not long.duplicated(["season", "week", "team"]).any()
    rest = long.sort_values("kickoff").groupby("team")["kickoff"].diff().dropna()
    assert rest.min() > pd.Timedelta(days=2, hours=12)


def test_scores_look_like_football(played):
    margin = (played["home_score"] - played["away_score"]).astype(float)
    assert 1.0 < margin.mean() < 3.5
    assert 12.5 < margin.std() < 16.0
    assert 21 < played["home_score"].mean() < 25
    frequent = margin.abs().value_counts().index[:2]
    assert set(frequent) == {3.0, 7.0}
    assert (margin == 0).mean() < 0.01
    assert played.loc[margin == 0, "overtime"].all()
    assert not ((margin == 0) & (played["season_type"] == "postseason")).any()


def test_every_price_is_american_and_every_line_a_half_point(batch):
    assert (batch.quotes["price"].abs() >= 100).all()
    moneyline = batch.quotes["market"] == "moneyline"
    assert batch.quotes.loc[moneyline, "line"].isna().all()
    lines = batch.quotes.loc[~moneyline, "line"]
    assert lines.notna().all()
    assert (lines * 2 % 1 == 0).all()
    assert not batch.quotes.duplicated([*OFFER, "recorded_at"]).any()


def test_both_sides_are_quoted_at_one_time_with_a_margin_of_a_few_percent(batch):
    sides = batch.quotes.assign(first=batch.quotes["selection"].isin(["home", "over"]))
    keys = ["game", "book", "market", "recorded_at"]
    first = sides[sides["first"]].set_index(keys).sort_index()
    second = sides[~sides["first"]].set_index(keys).sort_index()
    assert first.index.equals(second.index)
    margin = overround(first["price"], second["price"])
    assert margin.min() > 0
    assert margin.max() < 0.065
    spread = first.index.get_level_values("market") == "spread"
    assert (first.loc[spread, "line"] + second.loc[spread, "line"] == 0).all()
    total = first.index.get_level_values("market") == "total"
    assert (first.loc[total, "line"] == second.loc[total, "line"]).all()


def test_paths_run_from_days_before_to_minutes_before_kickoff(batch):
    kickoff = batch.quotes["game"].map(batch.games.set_index("game")["kickoff"])
    lead = kickoff - batch.quotes["recorded_at"]
    offers = lead.groupby([batch.quotes[name] for name in OFFER])
    assert set(offers.size()) == {6}
    assert offers.min().between(pd.Timedelta(seconds=60), pd.Timedelta(seconds=600)).all()
    assert offers.max().min() > pd.Timedelta(days=2)
    assert offers.max().max() < pd.Timedelta(days=7)


def test_the_close_is_each_books_last_quote(batch, played):
    last = batch.quotes.groupby(OFFER)["recorded_at"].max()
    closing = batch.closing.set_index(OFFER)
    assert len(closing) == len(played) * 3 * 3 * 2
    assert (closing["closed_at"] == last.loc[closing.index]).all()


def test_the_first_two_books_are_sharp(batch):
    assert [book.is_sharp for book in batch.books] == [True, True, False]
    assert set(batch.quotes["book"]) == {book.name for book in batch.books}


def test_the_close_knows_more_than_the_opening_and_both_more_than_nothing(batch, played):
    home = batch.quotes.query("market == 'spread' and selection == 'home'").sort_values("recorded_at")
    lines = home.groupby(["game", "book"])["line"].agg(["first", "last"]).groupby("game").mean()
    margin = played.set_index("game").eval("home_score - away_score").astype(float)
    errors = [np.sqrt(np.mean((margin + lines.loc[margin.index, at].astype(float)) ** 2)) for at in ("last", "first")]
    assert errors[0] < errors[1] < margin.std() - 0.5


@pytest.mark.parametrize(
    ("sport", "seasons", "books"), [("CHESS", 3, 3), ("NFL", 0, 3), ("NFL", 51, 3), ("NFL", 3, 0), ("NFL", 3, 21)]
)
def test_an_impossible_league_is_refused(sport, seasons, books):
    with pytest.raises(UsageError):
        synthetic.generate(sport, seasons=seasons, books=books, seed=1)


@pytest.mark.parametrize("season", range(2018, 2025))
def test_a_regular_season_has_the_nfls_shape(season):
    table = np.arange(32).reshape(8, 4)
    weeks = league.regular_season(np.random.default_rng(season), table, season)
    assert weeks.shape == (17, 16, 2)
    assert all(sorted(week.ravel()) == list(range(32)) for week in weeks)
    games = weeks.reshape(-1, 2)
    rivals = games[games[:, 0] // 4 == games[:, 1] // 4]
    assert len(rivals) == 8 * 12
    assert len({tuple(game) for game in rivals}) == len(rivals)
    others = games[games[:, 0] // 4 != games[:, 1] // 4]
    assert len({frozenset(game) for game in others.tolist()}) == len(others)
    hosted = np.bincount(games[:, 0], minlength=32)
    assert hosted.min() >= 7
    assert hosted.max() <= 10


def test_the_better_seed_hosts_and_the_first_rests():
    first, second = list(range(1, 8)), list(range(11, 18))
    games = league.playoff_round([first, second]).tolist()
    assert games == [[2, 7], [3, 6], [4, 5], [12, 17], [13, 16], [14, 15]]
    assert league.playoff_round([[1, 2, 5, 6], [11, 13]]).tolist() == [[1, 6], [2, 5], [11, 13]]
    assert league.playoff_round([[4], [12]]).tolist() == [[4, 12]]
