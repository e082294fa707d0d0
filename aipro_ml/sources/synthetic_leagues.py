"""Simulated leagues of other sports than the NFL: their calendars, their strengths, and their games as played."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import BetType, SeasonType
from aipro_ml.sources import synthetic_scores as scores
from aipro_ml.sources.base import UTC_TIME
from aipro_ml.sources.synthetic_market import MarketFigures

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ROUND_CARRY, SEASON_CARRY = 0.998, 0.8
"""Correlation of a strength with itself a round and a season later."""

SECOND_GAME = timedelta(hours=6)
"""From the first game of a day to the second; by then the first's result is known."""


@dataclass(frozen=True)
class Rules:
    """How a sport is simulated.

    `teams` of a `pool` play; after a season the worst `promoted` make room for others. `opening`: month and day
    of the first round; `days` lie between rounds, and a round's games on `spread_days` of them. A pairing is a
    `series` of games on following days. `mean`, `home` and `strength_sd` (offence, defence) are points a side.
    """

    zone: str
    teams: int
    opening: tuple[int, int]
    rounds: int
    days: float
    clocks: tuple[str, ...]
    score: scores.Score
    mean: float
    home: float
    strength_sd: tuple[float, float]
    market: MarketFigures
    pool: int = 0
    promoted: int = 0
    series: int = 1
    spread_days: int = 1
    doubleheaders: float = 0.0
    round_robin: bool = False


RULES = {
    "NBA": Rules(
        "America/New_York", 30, (10, 21), 82, 2.0, ("19:00", "19:30", "20:00", "22:00"), scores.basketball,
        113.0, 2.8, (3.6, 3.0), MarketFigures(12.2, 17.5, {BetType.SPREAD: (2.8, 6.6), BetType.TOTAL: (226.0, 6.6)}),
        spread_days=2,
    ),
    "NCAAF": Rules(
        "America/New_York", 32, (9, 1), 12, 7.0, ("12:00", "15:30", "19:30"), scores.football,
        27.0, 2.8, (6.0, 5.5), MarketFigures(13.0, 13.0, {BetType.SPREAD: (2.8, 11.5), BetType.TOTAL: (54.0, 11.5)}),
    ),
    "NHL": Rules(
        "America/New_York", 32, (10, 12), 82, 2.2, ("19:00", "19:30", "22:00"), scores.hockey,
        3.05, 0.22, (0.30, 0.28),
        MarketFigures(
            2.5, 2.5, {BetType.SPREAD: (0.22, 0.58), BetType.TOTAL: (6.1, 0.58)}, counts=True, fixed_spread=1.5
        ),
        spread_days=2,
    ),
    "MLB": Rules(
        "America/New_York", 30, (3, 30), 54, 3.4, ("13:10", "19:05", "19:10", "22:10"), scores.baseball,
        4.5, 0.18, (0.45, 0.5),
        MarketFigures(4.4, 4.4, {BetType.SPREAD: (0.18, 0.95), BetType.TOTAL: (9.0, 0.95)}, fixed_spread=1.5, skew=0.5),
        series=3, doubleheaders=0.03,
    ),
    "EPL": Rules(
        "Europe/London", 20, (8, 12), 38, 7.0, ("12:30", "15:00", "15:00", "17:30"), scores.soccer,
        1.38, 0.32, (0.32, 0.26),
        MarketFigures(
            1.65, 1.65, {BetType.SPREAD: (0.32, 0.55), BetType.TOTAL: (2.76, 0.45)}, counts=True, quarters=True,
            three_way=True,
        ),
        pool=26, promoted=3, round_robin=True,
    ),
}  # fmt: skip


@dataclass
class _State:
    """A league as its seasons are played: chance, strengths (2, pool) and who plays now."""

    rng: np.random.Generator
    rules: Rules
    strength: FloatArray
    members: IntArray


def play(rules: Rules, seed: int, seasons: Sequence[int]) -> pd.DataFrame:
    """Return the games of `seasons` in the order of their rounds, teams as numbers, with the truth behind them.

    Columns: season season_type round game_number home_number away_number kickoff neutral_site home_score
    away_score overtime expected_margin expected_total. The same arguments give the same games.
    """
    rng = np.random.default_rng([seed, 0])
    pool = max(rules.pool, rules.teams)
    state = _State(rng, rules, _fresh(rng, rules, pool), np.arange(rules.teams))
    played = []
    for season in seasons:
        games = _season(state, season)
        played.append(games)
        state.members = _promoted(state, games)
        _drift(state, SEASON_CARRY)
    return pd.concat(played, ignore_index=True)


def _fresh(rng: np.random.Generator, rules: Rules, pool: int) -> FloatArray:
    return np.asarray(np.array(rules.strength_sd)[:, None] * rng.standard_normal((2, pool)))


def _drift(state: _State, carry: float) -> None:
    fresh = _fresh(state.rng, state.rules, state.strength.shape[1])
    state.strength = carry * state.strength + np.sqrt(1 - carry**2) * fresh


def _season(state: _State, season: int) -> pd.DataFrame:
    rules, parts = state.rules, []
    hosted = np.zeros(state.strength.shape[1])
    for number, drawn in enumerate(_pairings(state)):
        pairs = drawn
        if not rules.round_robin:  # who hosted less hosts now
            turn = hosted[drawn[:, 0]] > hosted[drawn[:, 1]]
            pairs = np.where(turn[:, None], drawn[:, ::-1], drawn)
        hosted[pairs[:, 0]] += 1
        fixtures = _fixtures(state, season, number, pairs)
        parts.append(_played(state, fixtures))
        _drift(state, ROUND_CARRY)
    return pd.concat(parts, ignore_index=True)


def _pairings(state: _State) -> list[IntArray]:
    """Return the pairs (n, 2) of each round: by chance, or everybody at home to everybody once."""
    rules, members = state.rules, state.members
    if not rules.round_robin:
        return [state.rng.permutation(members).reshape(-1, 2) for _ in range(rules.rounds)]
    order, first = state.rng.permutation(members), []
    for number in range(len(order) - 1):
        circle = np.concatenate([order[:1], np.roll(order[1:], number)])
        pairs = np.stack([circle[: len(circle) // 2], circle[::-1][: len(circle) // 2]], axis=1)
        first.append(pairs if number % 2 else pairs[:, ::-1])
    return [*first, *[pairs[:, ::-1] for pairs in first]]


def _fixtures(state: _State, season: int, number: int, pairs: IntArray) -> pd.DataFrame:
    """Return the games of a round: each pair's series, on following days or two of it on one."""
    rules, rng = state.rules, state.rng
    start = date(season, *rules.opening) + timedelta(days=int(number * rules.days))
    offset = rng.integers(0, rules.spread_days, len(pairs))
    clock = rng.integers(0, len(rules.clocks), len(pairs))
    doubled = rng.random(len(pairs)) < rules.doubleheaders
    clock = np.where(doubled, 0, clock)
    rows = []
    for game in range(rules.series):
        second = doubled & (game == 1)
        days = offset + np.where(second, 0, game)
        rows.append(
            pd.DataFrame(
                {
                    "home_number": pairs[:, 0],
                    "away_number": pairs[:, 1],
                    "game_number": np.where(second, 2, 1),
                    "kickoff": _kickoffs(rules, start, days, clock, second),
                }
            )
        )
    return pd.concat(rows, ignore_index=True).assign(season=season, round=number + 1)


def _kickoffs(rules: Rules, start: date, days: IntArray, clock: IntArray, second: npt.NDArray[np.bool_]) -> pd.Series:
    zone, walls = ZoneInfo(rules.zone), []
    for day, at, later in zip(days.tolist(), clock.tolist(), second.tolist(), strict=True):
        wall = datetime.combine(start + timedelta(days=day), time.fromisoformat(rules.clocks[at]), tzinfo=zone)
        walls.append(wall + SECOND_GAME if later else wall)
    return pd.Series(pd.to_datetime(walls, utc=True)).astype(UTC_TIME)


def _played(state: _State, games: pd.DataFrame) -> pd.DataFrame:
    rules, (offence, defence) = state.rules, state.strength
    home, away = games["home_number"].to_numpy(), games["away_number"].to_numpy()
    expected = np.stack(
        [
            rules.mean + rules.home / 2 + offence[home] - defence[away],
            rules.mean - rules.home / 2 + offence[away] - defence[home],
        ]
    ).clip(0.25 * rules.mean, 2.0 * rules.mean)
    points, overtime = rules.score(state.rng, expected)
    return games.assign(
        season_type=SeasonType.REGULAR.value,
        neutral_site=False,
        home_score=points[0],
        away_score=points[1],
        overtime=overtime,
        expected_margin=expected[0] - expected[1],
        expected_total=expected.sum(axis=0),
    )


def _promoted(state: _State, games: pd.DataFrame) -> IntArray:
    """Return who plays next season: the worst by wins go down, others of the pool come up by chance."""
    if not state.rules.promoted:
        return state.members
    margin = np.sign(games["home_score"] - games["away_score"]).to_numpy("float64")
    record = np.zeros(state.strength.shape[1])
    np.add.at(record, games["home_number"].to_numpy(), margin)
    np.add.at(record, games["away_number"].to_numpy(), -margin)
    ranked = state.members[np.argsort(-record[state.members], kind="stable")]
    waiting = np.setdiff1d(np.arange(state.strength.shape[1]), state.members)
    fresh = state.rng.choice(waiting, state.rules.promoted, replace=False)
    return np.concatenate([ranked[: -state.rules.promoted], fresh])
