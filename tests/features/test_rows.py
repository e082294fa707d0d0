"""Rows by game and moment: one out for each in; where each value comes from; what a definition covers."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.features.build import MatrixRequest, build_matrix, decided_entities
from aipro_ml.features.definition import code_behind, view_definition
from aipro_ml.features.history import History
from aipro_ml.features.provenance import probing
from aipro_ml.features.records import Records
from aipro_ml.features.rows import explained_row, feature_rows
from aipro_ml.features.sport import sport
from aipro_ml.features.statistics import feature_statistics
from tests.features.random_league import HOUR, random_league

NFL = sport("NFL")


@pytest.fixture(scope="module")
def records() -> Records:
    return random_league(6)


@pytest.fixture(scope="module")
def asked(records: Records) -> pd.DataFrame:
    """Every game at its decision time, some at three moments, some pairs three times, in a mixed order."""
    decided = decided_entities(History(records), NFL, MatrixRequest())[["as_of"]].reset_index()
    early = decided.iloc[::5].assign(as_of=decided["as_of"].iloc[::5] - 30 * HOUR)
    earlier = decided.iloc[::10].assign(as_of=decided["as_of"].iloc[::10] - 50 * HOUR)
    rows = pd.concat([decided, early, earlier, decided.iloc[::4], decided.iloc[::4]], ignore_index=True)
    return rows.sample(frac=1.0, random_state=1)


def test_every_row_asked_for_comes_back_with_the_features_of_its_own_moment(records, asked):
    rows = feature_rows(asked, History(records), NFL)
    assert rows.index.equals(asked.index)
    for _, part in asked.groupby(asked.groupby("game_id").cumcount()):
        request = MatrixRequest(list(part["game_id"]), part.set_index("game_id")["as_of"], with_labels=False)
        oracle = build_matrix(records, NFL, BetType.TOTAL, request).X
        np.testing.assert_array_equal(rows.loc[part.index].to_numpy(), oracle.to_numpy())


def test_no_row_asked_for_is_no_row():
    nothing = feature_rows(pd.DataFrame({"game_id": [], "as_of": []}), History(random_league(6)), NFL)
    assert nothing.shape == (0, len(NFL.columns()))


def test_a_correction_known_at_20_00_serves_no_decision_of_12_00(records):
    """The later (as_of, as_known_at) sees it; an earlier of either does not."""
    history = History(records)
    told = next(moment for moment in history.correction_times() if (records.games["known_at"] == moment).any())
    revision = records.games.loc[records.games["known_at"] == told].iloc[0]
    schedule = history.latest_schedule()
    team = revision["home_team_id"]
    plays = (schedule["home_team_id"] == team) & (schedule["kickoff"] > told)
    game = schedule.loc[plays].sort_values("kickoff").index[0]

    def streak(as_of: pd.Timestamp, as_known_at: pd.Timestamp | None = None) -> list[float]:
        rows = feature_rows(pd.DataFrame({"game_id": [game], "as_of": [as_of]}), History(records, as_known_at), NFL)
        return rows[["elo_home", "offence_diff"]].iloc[0].tolist()

    before, after = told - pd.Timedelta(microseconds=1), told
    assert streak(before) != streak(after)
    assert streak(before, after + 90 * 24 * HOUR) == streak(before)
    assert streak(before, before) == streak(before)


@pytest.fixture(scope="module")
def explained(records) -> tuple[str, pd.Timestamp, pd.DataFrame]:
    decided = decided_entities(History(records), NFL, MatrixRequest())
    game = decided.index[-3]
    as_of = decided.loc[game, "as_of"]
    return game, as_of, explained_row(game, as_of, History(records), NFL)


def test_the_explained_values_are_the_features(records, explained):
    game, as_of, table = explained
    rows = feature_rows(pd.DataFrame({"game_id": [game], "as_of": [as_of]}), History(records), NFL)
    assert tuple(table["feature"]) == NFL.columns()
    np.testing.assert_array_equal(table["value"].to_numpy(), rows.iloc[0].to_numpy())


def test_no_source_is_later_than_the_decision_and_each_is_the_newest_fact_behind_the_value(records, explained):
    game, as_of, table = explained
    assert (table["source_time"] <= as_of).all()
    history = History(records)
    entities = history.schedule([game], pd.Series({game: as_of}))
    played = history.team_games()
    last = {
        side: played.loc[(played["team_id"] == entities[f"{side}_team_id"].iloc[0]) & (played["known_at"] <= as_of)]
        for side in ("home", "away")
    }
    told = table.set_index("feature")["source_time"]
    for side in ("home", "away"):
        assert told[f"elo_{side}"] == last[side]["known_at"].max()
        assert told[f"rest_{side}"] == last[side]["known_at"].max()
    assert told["elo_diff"] == max(last["home"]["known_at"].max(), last["away"]["known_at"].max())
    quotes = history.quotes(entities, NFL.config.quote_max_age_hours)
    assert told["market_spread"] == quotes["recorded_at"].max()
    sources = table.set_index("feature")["source"]
    assert sources[["elo_home", "market_total", "week"]].tolist() == ["history", "odds", "schedule"]


def test_every_value_of_the_market_comes_from_odds_also_where_a_derivation_was_made_before(records, explained):
    game, as_of, _ = explained
    history = History(records)
    feature_rows(pd.DataFrame({"game_id": [game], "as_of": [as_of]}), history, NFL)
    for known in (history, History(records)):
        table = explained_row(game, as_of, known, NFL)
        market = table.loc[(table["view"] == "market") & table["value"].notna()]
        assert set(market["source"]) == {"odds"}, market[["feature", "source"]]


def test_a_value_changes_where_the_fact_it_is_said_to_come_from_is_taken_away(records, explained):
    game, as_of, table = explained
    # dated facts of teams and grounds are older than the schedule itself: without the game there is no row to look at
    announced = records.games.loc[records.games["game_id"] == game, "known_at"].min()
    facts = (table["source"] != "schedule") & (table["source_time"] > announced)
    for source_time in table.loc[facts, "source_time"].unique():
        names = list(table.loc[table["source_time"] == source_time, "feature"])
        earlier = records.cut(pd.Timestamp(source_time) - pd.Timedelta(microseconds=1))
        before = feature_rows(pd.DataFrame({"game_id": [game], "as_of": [as_of]}), History(earlier), NFL)[names]
        now = table.set_index("feature").loc[names, "value"]
        assert (before.iloc[0].to_numpy() != now.to_numpy()).any(), names


def test_nothing_is_noted_where_nobody_asks(records):
    with probing() as probe:
        History(records)
    assert probe.sources == []


def test_a_definition_covers_all_code_that_can_change_the_feature():
    market = code_behind("aipro_ml.features.views.market")
    assert {"aipro_ml.betting.consensus", "aipro_ml.betting.margin", "aipro_ml.features.quotes"} <= set(market)
    for view in NFL.views:
        code = view_definition(view)["code"]
        assert {"aipro_ml.features.history", "aipro_ml.features.asof", view.compute.__module__} <= set(code)
    assert "aipro_ml.features.elo" in code_behind("aipro_ml.features.views.elo")


def test_statistics_are_those_of_each_season_and_of_each_games_last_row():
    rng = np.random.default_rng(1)
    start = pd.Timestamp("2020-09-01", tz="UTC")
    vectors = pd.DataFrame(
        {
            "game_id": [f"g{n}" for n in range(300)],
            "season": np.repeat([2020, 2021, 2022], 100),
            "as_of": start + pd.to_timedelta(np.arange(300), unit="D"),
            "a": rng.normal(size=300),
            "b": np.where(np.arange(300) < 150, np.nan, 1.0),
        }
    )
    repeated = vectors.iloc[:10].assign(as_of=start - pd.Timedelta(days=1), a=1e9)
    table = feature_statistics(pd.concat([repeated, vectors])).set_index(["season", "feature_name"])
    first = table.loc[(2020, "a")]
    values = vectors["a"].iloc[:100]
    assert (first["row_count"], first["window_start"], first["null_rate"]) == (100, start, 0.0)
    assert first["mean"] == pytest.approx(values.mean())
    assert first["std_dev"] == pytest.approx(values.std())
    assert (first["minimum"], first["maximum"]) == (values.min(), values.max())
    assert first["quantiles"]["p50"] == pytest.approx(values.median())
    assert (table.loc[(2020, "b"), "null_rate"], table.loc[(2021, "b"), "null_rate"]) == (1.0, 0.5)
    assert table.loc[(2020, "b"), "quantiles"] is None
