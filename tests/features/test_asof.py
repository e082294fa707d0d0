"""As-of joins and running states against naive loops on random data."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.features.asof import (
    asof_join,
    asof_positions,
    asof_sides,
    ewm_before,
    lagged,
    numbered_teams,
    rolling_before,
    streak_before,
)

START = pd.Timestamp("2020-01-01", tz="UTC")


def _times(days: np.ndarray) -> pd.Series:
    return pd.Series(START + pd.to_timedelta(days, unit="D")).astype("datetime64[us, UTC]")


def _random_case(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Few moments and few teams, so that ties and misses are common."""
    events, rows = int(rng.integers(0, 15)), int(rng.integers(1, 12))
    event_frame = pd.DataFrame(
        {
            "team_id": rng.choice(["A", "B", "C"], events).astype(object),
            "season": rng.integers(1, 3, events),
            "known_at": _times(rng.integers(0, 8, events)),
            "value": rng.normal(size=events),
        }
    )
    left = pd.DataFrame(
        {
            "team_id": rng.choice(["A", "B", "D"], rows).astype(object),
            "season": rng.integers(1, 3, rows),
            "as_of": _times(rng.integers(-1, 9, rows)).array,
        },
        index=[f"g{number}" for number in rng.permutation(rows)],
    )
    return left, event_frame


def _naive(left: pd.DataFrame, events: pd.DataFrame, by: list[str], tolerance: pd.Timedelta | None) -> list[int]:
    found = []
    for _, row in left.iterrows():
        best, best_time = -1, None
        for at, event in enumerate(events.to_dict("records")):
            same = all(event[key] == row[key] for key in by)
            fresh = tolerance is None or event["known_at"] > row["as_of"] - tolerance
            newer = best_time is None or event["known_at"] >= best_time
            if same and event["known_at"] <= row["as_of"] and fresh and newer:
                best, best_time = at, event["known_at"]
        found.append(best)
    return found


@pytest.mark.parametrize("by", [["team_id"], ["team_id", "season"]], ids=len)
@pytest.mark.parametrize("tolerance", [None, pd.Timedelta(days=2)], ids=["any age", "two days"])
def test_the_asof_join_equals_a_naive_loop(by: list[str], tolerance: pd.Timedelta | None) -> None:
    rng, rows = np.random.default_rng(7), 0
    while rows < 800:  # times four parametrisations
        left, events = _random_case(rng)
        expected = _naive(left, events, by, tolerance)
        assert asof_positions(left, events, by, tolerance).tolist() == expected
        values = asof_join(left, events, by, ["value"], tolerance)
        oracle = [events["value"].iloc[at] if at >= 0 else np.nan for at in expected]
        np.testing.assert_array_equal(values["value"].to_numpy("float64"), oracle)
        assert values.index.equals(left.index)
        rows += len(left)


def test_a_missing_time_is_refused() -> None:
    left = pd.DataFrame({"team_id": ["A"], "as_of": pd.Series([pd.NaT], dtype="datetime64[us, UTC]")})
    events = pd.DataFrame({"team_id": ["A"], "known_at": _times(np.array([1]))})
    with pytest.raises(ValueError, match="a time is missing"):
        asof_positions(left, events, ["team_id"])


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    value = np.where(rng.random(600) < 0.1, np.nan, rng.normal(size=600))
    return pd.DataFrame({"team_id": rng.choice(["A", "B", "C", "D"], 600), "value": value})


def test_rolling_before_is_the_mean_of_the_last_events_of_the_team(events: pd.DataFrame) -> None:
    oracle = []
    for at in range(len(events)):
        past = events.iloc[: at + 1]
        oracle.append(past.loc[past["team_id"] == events["team_id"][at], "value"].tail(4).mean())
    np.testing.assert_allclose(rolling_before(events, "value", 4), oracle, rtol=1e-12)


def test_ewm_before_moves_a_share_of_the_way_to_each_value(events: pd.DataFrame) -> None:
    state, oracle = {}, []
    for team, value in zip(events["team_id"], events["value"], strict=True):
        old = state.get(team, 0.5)
        state[team] = old if np.isnan(value) else 0.8 * old + 0.2 * value
        oracle.append(state[team])
    np.testing.assert_allclose(ewm_before(events, "value", 0.2, 0.5), oracle, rtol=1e-12)


def test_running_states_have_the_same_bits_whatever_follows(events: pd.DataFrame) -> None:
    for cut in (1, 17, 333):
        early = events.iloc[:cut]
        assert rolling_before(early, "value", 5).equals(rolling_before(events, "value", 5).iloc[:cut])
        assert ewm_before(early, "value", 0.1, 0.0).equals(ewm_before(events, "value", 0.1, 0.0).iloc[:cut])


def test_lagged_is_the_value_so_many_events_before() -> None:
    events = pd.DataFrame({"team_id": ["A", "B", "A", "A", "B"], "value": [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert lagged(events, "value", 1).tolist()[2:] == [1.0, 3.0, 2.0]
    assert lagged(events, "value", 2).isna().tolist() == [True, True, True, False, True]


def test_running_states_are_those_of_a_plain_loop_over_the_games_of_every_team_to_the_bit():
    rng = np.random.default_rng(4)
    teams = rng.choice(["A", "B", "C"], 200).astype(object)
    values = np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200))
    margins = rng.integers(-2, 3, 200).astype("float64")
    events = pd.DataFrame({"team_id": teams, "value": values, "margin": margins})
    means, runs, state, run = [], [], dict.fromkeys("ABC", 0.5), dict.fromkeys("ABC", 0)
    for team, value, margin in events.itertuples(index=False):
        if not np.isnan(value):
            state[team] += 0.3 * (value - state[team])
        step = int(np.sign(margin))
        run[team] = run[team] + step if run[team] * step > 0 else step
        means.append(state[team])
        runs.append(run[team])
    assert ewm_before(events, "value", 0.3, 0.5).tolist() == means
    assert streak_before(events, "margin").tolist() == runs


def test_teams_by_number_are_joined_as_teams_by_name_and_an_unknown_team_has_no_games():
    games = pd.DataFrame({"team_id": ["A", "B", None], "known_at": _times(np.arange(3)), "value": [1.0, 2.0, 3.0]})
    decided = pd.DataFrame(
        {"as_of": _times(np.array([5, 5])), "home_team_id": ["B", None], "away_team_id": ["A", "new"]}
    )
    for entities, events in ((decided, games), numbered_teams(decided, games)):
        home, away = asof_sides(entities, events, ["value"])
        np.testing.assert_array_equal(home["value"], [2.0, np.nan])
        np.testing.assert_array_equal(away["value"], [1.0, np.nan])
