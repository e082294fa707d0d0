"""Backtests on a generated league in PostgreSQL: what is known when, what is refused, and what is kept."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from aipro_ml.config import ModelConfig
from aipro_ml.enums import BetType, GameStatus
from aipro_ml.errors import ArtifactError, LeakError, UsageError
from aipro_ml.evaluation.backtest import taken
from aipro_ml.evaluation.backtest_config import BacktestConfig
from aipro_ml.evaluation.backtest_result import CLV_TEST, EVERY, evaluate
from aipro_ml.features.history import History
from aipro_ml.features.sport import sport
from aipro_ml.jobs import backtest as job
from aipro_ml.jobs import backtest_market
from aipro_ml.jobs.backtest import run_backtest
from aipro_ml.jobs.backtest_keep import keep
from aipro_ml.jobs.backtest_market import Market
from aipro_ml.jobs.backtest_matrix import backtest_matrix, moments_of, opener_times
from aipro_ml.jobs.backtest_request import BacktestRequest
from aipro_ml.jobs.backtest_scores import refuse_later_games
from aipro_ml.jobs.backtest_trials import JOURNAL, Trial, counted, note_trial, read_trials
from aipro_ml.jobs.facts import load_records
from aipro_ml.sources import synthetic
from aipro_ml.training.splits import Fold
from tests.fixtures_commands import use
from tests.fixtures_platform import SPORT, Platform, load, training

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MARGINS = ModelConfig(name="margins", framework="sklearn", estimator="margin_ridge")
NOISE = ModelConfig(name="noise", framework="sklearn", estimator="noise")
KEY = ["game", "book", "market", "selection"]
AT_OPENERS = BacktestConfig(decide="openers", probability="model", draws=200)


@pytest.fixture(scope="module")
def platform(server, template, tmp_path_factory):
    """Five seasons of the simulated league with each book's first and last quote, imported once for this file."""
    batch = synthetic.generate("NFL", seasons=5, books=2, seed=11)
    quotes = batch.quotes.sort_values("recorded_at", kind="stable")
    ends = ~quotes.duplicated(KEY, keep="last") | ~quotes.duplicated(KEY, keep="first")
    batch = replace(batch, quotes=quotes.loc[ends].reset_index(drop=True))
    with server.database(template) as name:
        made = Platform(server.settings(tmp_path_factory.mktemp("backtest"), name))
        load(made, batch, b"league", NOW)
        yield made
        made.close()


def asked(platform, *bet_types, candidate="margins", how=AT_OPENERS, **changed):
    plain = {"first": 2025, "last": 2025, "now": NOW, "training": training(MARGINS, NOISE)}
    return BacktestRequest(
        SPORT, bet_types or (BetType.SPREAD,), config=how, candidate=candidate, **{**plain, **changed}
    )


@pytest.fixture(scope="module")
def facts(platform):
    with platform.engine.connect() as connection:
        return load_records(connection, SPORT)


@pytest.fixture(scope="module")
def noise(platform):
    return run_backtest(platform.engine, platform.settings, asked(platform, BetType.SPREAD, candidate="noise"))


def test_noise_at_openers_loses_the_margin_and_shows_no_significance(noise):
    clv = next(each for each in noise.result.figures if each.name == EVERY).clv
    assert clv.n > 250
    assert clv.high < 0
    assert -0.08 < clv.mean < -0.01
    assert noise.result.slope.ci_low < 0 < noise.result.slope.ci_high
    assert next(test for test in noise.result.tests if test.figure == CLV_TEST).p > 0.02


def test_counts_add_up_and_every_bet_is_decided_before_its_kick_off_and_after_what_it_knew(noise, facts):
    counts, book = noise.result.counts, noise.result.book
    assert counts["games"] == counts["decided"] + counts["abstained"]
    assert counts["bets"] == sum(counts[name] for name in ("graded", "pending", "void", "ungradeable"))
    assert (book["as_of"] < book["kickoff"]).all()
    assert (book["result_known_at"].dropna() > book["kickoff"].loc[book["result_known_at"].notna()]).all()
    assert not book.duplicated(["game_id", "bet_type"]).any()
    quoted = facts.odds.loc[facts.odds["market"] == "spread"].astype({"game_id": object})
    first = quoted.groupby("game_id")["recorded_at"].min()
    assert (book["as_of"].to_numpy() == first.reindex(book["game_id"]).to_numpy()).all()


def test_the_slates_are_those_of_the_night_and_their_caps_hold(platform):
    how = AT_OPENERS.model_copy(update={"decide": 1, "probability": "published", "calibration_seasons": 1})
    both = (BetType.SPREAD, BetType.MONEYLINE)
    found = run_backtest(platform.engine, platform.settings, asked(platform, *both, how=how))
    book = found.result.book
    assert set(book["bet_type"]) == {"spread", "moneyline"}
    assert (book["as_of"] == book["kickoff"] - pd.Timedelta(minutes=1)).all()
    assert (book["kelly"] > 0).any()
    assert book.groupby(["as_of", "game_id"])["kelly"].sum().max() <= 0.02 + 1e-9
    assert book.groupby("as_of")["kelly"].sum().max() <= 0.15 + 1e-9
    assert (book["probability"] != book["model_probability"]).all()
    assert found.result.counts["missed"] == 0


def test_many_slates_in_one_call_are_what_each_slate_alone_gives(platform, monkeypatch):
    how = AT_OPENERS.model_copy(update={"decide": 1, "calibration_seasons": 1})
    request = asked(platform, how=how, candidate="noise")  # a noisy model stakes enough to reach the caps
    together = run_backtest(platform.engine, platform.settings, request).result.book
    monkeypatch.setattr(backtest_market, "_batches", lambda due: [part for _, part in due.groupby("as_of")])
    alone = run_backtest(platform.engine, platform.settings, request).result.book
    pd.testing.assert_frame_equal(together, alone, check_exact=True)
    totals = together.groupby("as_of")["kelly"].sum()
    assert 0.1499 < totals.max() <= 0.15
    assert (totals.loc[totals > 0] < 0.14).any()


def test_a_bet_is_struck_at_what_stands_when_the_latency_is_over(facts):
    market = Market(History(facts), sport(SPORT))
    quoted = facts.odds.loc[facts.odds["market"] == "spread"].astype({"game_id": object})
    game = quoted["game_id"].iloc[0]
    own = quoted.loc[quoted["game_id"] == game]
    opened, closed = own["recorded_at"].min(), own["recorded_at"].max()
    board = market.board(pd.Series([opened], index=[game]), BetType.SPREAD).iloc[0]
    decision = {"game_id": game, "bet_type": "spread", "as_of": opened, "kickoff": closed + pd.Timedelta(hours=1)}
    prices = {"offered_reference": board["reference_price"], "offered_other": board["other_price"]}
    rows = pd.DataFrame([{**decision, **prices, "line": board["line"], "fair": board["fair"]}])
    at_once = market.strikes(rows, pd.Timedelta(0)).iloc[0]
    assert (at_once["struck_price_reference"], at_once["struck_price_other"]) == tuple(prices.values())
    assert (at_once["struck_line_reference"], at_once["struck_line_other"]) == (board["line"], -board["line"])
    assert at_once["struck_fair_reference"] == board["fair"]
    late = market.strikes(rows, closed - opened).iloc[0]
    then = market.board(pd.Series([closed], index=[game]), BetType.SPREAD).iloc[0]
    own_line = own.loc[(own["recorded_at"] > closed - pd.Timedelta(hours=24)) & (own["selection"] == "home")]
    standing = board["line"] in set(own_line["line"])
    assert late["struck_line_reference"] == (board["line"] if standing else then["line"])
    begun = market.strikes(rows.assign(kickoff=opened), pd.Timedelta(0)).iloc[0]
    assert np.isnan(begun["struck_price_reference"])
    assert begun["struck_line_reference"] == board["line"]
    elsewhere = Market(History(facts), sport(SPORT), ("nobody",)).strikes(rows, pd.Timedelta(0)).iloc[0]
    assert np.isnan(elsewhere["struck_price_other"])


def test_openers_are_first_quotes_of_allowed_books_that_were_no_closes(facts):
    kickoff = History(facts).latest_schedule()["kickoff"]
    every = opener_times(facts.odds, kickoff, BetType.SPREAD, ())
    one = opener_times(facts.odds, kickoff, BetType.SPREAD, ("Sim Book 2",))
    assert (one >= every.reindex(one.index)).all()
    assert (one > every.reindex(one.index)).any()
    only_closes = facts.odds.loc[
        facts.odds["recorded_at"] > facts.odds["game_id"].astype(object).map(kickoff) - pd.Timedelta(hours=1)
    ]
    last = only_closes.groupby("game_id", observed=True)["recorded_at"].transform("max")
    assert opener_times(only_closes.loc[only_closes["recorded_at"] == last], kickoff, BetType.SPREAD, ()).empty


def test_a_lag_keeps_the_last_week_from_the_model_and_the_market_from_nobody(facts):
    league, history = sport(SPORT), History(facts)
    columns = league.columns(("market_free",))
    lagged = AT_OPENERS.model_copy(update={"lag_hours": 200})
    moments = {
        name: moments_of(history, facts, league, BetType.SPREAD, how)
        for name, how in (("now", AT_OPENERS), ("late", lagged))
    }
    found = {
        name: backtest_matrix((facts, history), league, BetType.SPREAD, each, columns) for name, each in moments.items()
    }
    both = found["now"].X.index.intersection(found["late"].X.index)
    assert (found["late"].as_of.loc[both] == found["now"].as_of.loc[both] - pd.Timedelta(hours=200)).all()
    pd.testing.assert_series_equal(found["late"].meta["line"].loc[both], found["now"].meta["line"].loc[both])
    assert not found["late"].X.loc[both].equals(found["now"].X.loc[both])


def test_a_fold_that_learned_a_game_decided_after_the_bet_is_refused(facts):
    league, history = sport(SPORT), History(facts)
    moments = moments_of(history, facts, league, BetType.SPREAD, AT_OPENERS)
    matrix = backtest_matrix((facts, history), league, BetType.SPREAD, moments, league.columns(("market_free",))[:2])
    seasons = matrix.meta["season"].to_numpy()
    earlier, own = np.flatnonzero(seasons < 2024), np.flatnonzero(seasons == 2024)
    refuse_later_games(matrix, Fold(2024, earlier, own))
    with pytest.raises(LeakError, match="may not know results from after the bet"):
        refuse_later_games(matrix, Fold(2024, np.append(earlier, own[40]), own))


def test_a_planted_leak_is_caught_and_nothing_is_kept(platform, monkeypatch):
    honest = job.walk_forward_scores

    def hears_results(*given, **named):
        scored = honest(*given, **named)
        heard = scored["y"].map({1.0: 0.15, 0.0: -0.15}).fillna(0.0)
        return scored.assign(p=(scored["p"] + heard).clip(0.02, 0.98))

    monkeypatch.setattr(job, "walk_forward_scores", hears_results)
    with pytest.raises(LeakError, match="a leak until proven otherwise"):
        run_backtest(platform.engine, platform.settings, asked(platform, first=2024))


def test_what_is_kept_is_equal_for_equal_requests_and_the_trial_counts_once(platform, noise, tmp_path):
    settings = platform.settings.model_copy(update={"home": tmp_path})
    folder, kept = keep(settings, noise)
    assert kept == noise
    first = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert set(first) == {"backtest.json", "bets.csv", "report.html"}
    again = run_backtest(platform.engine, settings, asked(platform, candidate="noise", now=NOW + timedelta(days=1)))
    assert keep(settings, again)[0] == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == first
    bets = pd.read_csv(folder / "bets.csv")
    assert len(bets) == len(noise.result.book)
    assert bets.loc[bets["placed"], "profit"].sum() == pytest.approx(
        taken(noise.result.book, "profit")[noise.result.placed].sum()
    )


def test_a_trial_that_ended_while_another_ran_is_counted_by_it(platform, noise, tmp_path):
    settings = platform.settings.model_copy(update={"home": tmp_path})
    other = replace(noise, trial=replace(noise.trial, id="f" * 64))
    _, first = keep(settings, noise)
    folder, second = keep(settings, other)
    assert (first.result.setting.trials, second.result.setting.trials) == (1, 2)
    told = json.loads((folder / "backtest.json").read_text(encoding="utf-8"))["result"]
    assert told == evaluate(noise.result.book, second.result.setting).document
    assert second.result.deflation != first.result.deflation


@pytest.mark.parametrize("same", [True, False])
def test_two_backtests_kept_at_once_stand_whole_and_count_each_other(platform, noise, tmp_path, same):
    settings = platform.settings.model_copy(update={"home": tmp_path})
    both = [noise, noise if same else replace(noise, trial=replace(noise.trial, id="f" * 64))]
    with ThreadPoolExecutor(2) as hands:
        kept = list(hands.map(lambda each: keep(settings, each), both))
    assert sorted(found.result.setting.trials for _, found in kept) == ([1, 1] if same else [1, 2])
    for folder, _ in kept:
        assert {path.name for path in folder.iterdir() if path.is_file()} == {
            "backtest.json",
            "bets.csv",
            "report.html",
        }
    assert len(read_trials(settings.reports_dir)) == (1 if same else 2)


def test_trials_that_looked_at_the_same_games_are_counted_once_each(tmp_path):
    voice = {"spread": {"candidate": {"name": "found"}, "trials": 12}}
    own = Trial("a" * 64, "NFL", ["spread"], (2018, 2022), {"spread": {"candidate": {"name": "plain"}}})
    searched = replace(own, id="b" * 64, seasons=(2022, 2023), voices=voice, figures={"sharpe": 0.2})
    later = replace(own, id="c" * 64, seasons=(2023, 2024), figures={"sharpe": 0.9})
    other = replace(own, id="d" * 64, bet_types=["total"], figures={"sharpe": 0.9})
    assert counted(tmp_path, own, 0).number == 1
    for trial in (searched, searched, later, other, own, replace(own, figures={"sharpe": None})):
        note_trial(tmp_path, trial)
    found = counted(tmp_path, own, 3)
    assert (found.number, found.sharpes) == (1 + 12 + 3, (0.2,))
    assert [trial.id[0] for trial in read_trials(tmp_path)] == ["b", "c", "d", "a"]
    (tmp_path / JOURNAL).write_text("{}\n", encoding="utf-8")
    with pytest.raises(ArtifactError, match="line 1: no trial"):
        read_trials(tmp_path)


def test_requests_that_cannot_be_answered_say_why(platform):
    engine, settings = platform.engine, platform.settings
    with pytest.raises(UsageError, match="either --candidate"):
        asked(platform, candidate=None)
    with pytest.raises(UsageError, match="the training configuration has margins, noise"):
        run_backtest(engine, settings, asked(platform, candidate="oracle"))
    with pytest.raises(UsageError, match="no games of 2026"):
        run_backtest(engine, settings, asked(platform, last=2031))
    with pytest.raises(UsageError, match="there are: Sim Book 1, Sim Book 2"):
        run_backtest(engine, settings, asked(platform, how=AT_OPENERS.model_copy(update={"books": ("Elsewhere",)})))


def test_the_command_prints_figures_and_keeps_them(platform, aipro, monkeypatch, tmp_path):
    use(monkeypatch, platform)
    monkeypatch.setenv("AIPRO_HOME", str(tmp_path))
    candidates = tmp_path / "noise.yaml"
    candidates.write_text(
        "models:\n  moneyline:\n    - {name: noise, framework: sklearn, estimator: noise, params: {sd: 0.6}}\n",
        encoding="utf-8",
    )
    words = f"backtest run --sport {SPORT} --bet-type moneyline --from 2025 --to 2025 --candidate noise"
    words += f" --training {candidates} --probability model"
    done = aipro(f"{words} --decide openers")
    assert done.code == 0
    assert "model, its bets" in done.out
    assert "underdog" in done.out
    assert "report.html" in done.out
    assert "noise" in aipro("backtest list").out
    told = json.loads(next(tmp_path.glob("reports/backtest/*/backtest.json")).read_text(encoding="utf-8"))
    assert told["request"]["who"] == "noise"
    assert told["result"]["counts"]["decided"] > 250
    refused = aipro(f"{words} --decide soon")
    assert refused.code == 2
    assert "a number of minutes before kick-off, or openers" in refused.err


def test_a_stored_model_may_not_bet_before_what_it_knew(trained: Platform, aipro, monkeypatch):
    use(monkeypatch, trained)
    model = str(trained.one("SELECT id FROM ml_models WHERE bet_type = 'moneyline' LIMIT 1"))
    words = f"backtest run --sport {SPORT} --bet-type moneyline --from 2024 --to 2024 --model {model[:8]} --dry-run"
    early = aipro(f"{words} --decide 600")
    assert early.code == 3
    assert "it would know what happened since" in early.err
    done = aipro(f"{words} --probability model")
    assert done.code == 0
    assert "model, every game" in done.out


def test_a_league_has_its_open_games_left_out(platform, noise):
    open_games = platform.one("SELECT count(*) FROM games WHERE status = :status", status=GameStatus.SCHEDULED.value)
    assert open_games > 0
    assert noise.result.counts["pending"] <= open_games
