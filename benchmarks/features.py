"""The feature kernels: the as-of question over all quotes, and the form of every team before every game."""

import numpy as np
import pandas as pd

from aipro_ml.enums import GameStatus
from aipro_ml.features.asof import microseconds
from aipro_ml.features.history import History
from aipro_ml.features.quotes import QuoteLog
from aipro_ml.features.records import (
    CLOSING_COLUMNS,
    ODDS_COLUMNS,
    REVISION_COLUMNS,
    TEAM_COLUMNS,
    TEAM_STAT_COLUMNS,
    VENUE_COLUMNS,
    Records,
    frame_of,
    no_rows,
)
from aipro_ml.features.sport import Sport
from aipro_ml.features.views import form
from aipro_ml.sources import synthetic
from benchmarks.league import Bench
from benchmarks.timing import Case, Figure, Peer, interleaved

SERIES = ["game_id", "book", "market", "selection"]
AGE = pd.Timedelta(hours=24)
FORM_SEASONS = 35
"""Some 10,000 games."""


def as_of(bench: Bench) -> list[Figure]:
    """Measure the latest and the opening quote of every series at kick-off less a minute."""
    odds, history = bench.records.odds, History(bench.records)
    latest = history.latest_schedule()
    entities = history.schedule(latest.index, latest["kickoff"] - pd.Timedelta(minutes=1))
    log = QuoteLog(odds)
    scatter = _scatter(odds, entities)
    left = odds[SERIES].drop_duplicates().assign(as_of=lambda f: entities["as_of"].reindex(f["game_id"]).to_numpy())
    left = left.assign(as_of=pd.to_datetime(left["as_of"], utc=True).astype(odds["recorded_at"].dtype))
    left = left.sort_values("as_of", kind="stable")

    def ours(quotes: QuoteLog) -> None:
        quotes.latest(entities, AGE)
        quotes.opening(entities)

    cases = {
        "ours": lambda: ours(log),
        "indexed": lambda: ours(QuoteLog(odds)),
        "scatter": scatter,
        "merge_asof": lambda: _merge_asof(left, odds),
    }
    measured = interleaved(cases, bench.rounds)
    return [
        *measured.figures("as-of kernel: latest and opening", Peer("scatter", "NumPy scatter of ready codes", 1.3)),
        *measured.figures(
            "as-of with indexing of a frame",
            Peer("scatter", "NumPy scatter of ready codes"),
            Peer("merge_asof", "pandas merge_asof, latest and opening"),
            ours="indexed",
        ),
    ]


def form_features(bench: Bench) -> list[Figure]:
    """Measure the form view over a long history against the rolling means alone, in pandas."""
    records, league = league_records(FORM_SEASONS), bench.league
    history = History(records)
    latest = history.latest_schedule()
    entities = history.schedule(latest.index, latest["kickoff"] - pd.Timedelta(minutes=1))
    history.team_games()  # both sides start from the results in order
    cases = {
        "ours": lambda: form.compute(entities, history, league.config),
        "pandas": lambda: _pandas_form(history, league),
    }
    measured = interleaved(cases, bench.rounds)
    words = "pandas shift + groupby.rolling of the same means"
    return measured.figures(f"form features, {len(entities):,} games", Peer("pandas", words, 1.0))


def league_records(seasons: int) -> Records:
    """Return the facts of so many simulated seasons without odds, straight from the simulator."""
    batch = synthetic.generate("NFL", seasons=seasons, books=1, seed=5, open_games=False)
    games = batch.games.rename(
        columns={"game": "game_id", "home": "home_team_id", "away": "away_team_id", "venue": "venue_id"}
    )
    start = games.groupby("season")["kickoff"].transform("min") - pd.Timedelta(days=7)
    games = games.astype({"home_score": "float64", "away_score": "float64"})
    planned = games.assign(status=GameStatus.SCHEDULED.value, home_score=np.nan, away_score=np.nan, known_at=start)
    played = games.assign(known_at=games["kickoff"] + pd.Timedelta(hours=4))
    revisions = pd.concat([planned.assign(overtime=False), played], ignore_index=True)
    return Records(
        games=frame_of(revisions, REVISION_COLUMNS),
        odds=no_rows(ODDS_COLUMNS),
        closing=no_rows(CLOSING_COLUMNS),
        teams=no_rows(TEAM_COLUMNS),
        venues=no_rows(VENUE_COLUMNS),
        team_stats=no_rows(TEAM_STAT_COLUMNS),
    )


def _scatter(odds: pd.DataFrame, entities: pd.DataFrame) -> Case:
    """Return the least that can be done: rows in time order, series as integers, one write a row."""
    times = microseconds(odds["recorded_at"])
    order = np.argsort(times, kind="stable")
    series = odds.groupby(SERIES, sort=False).ngroup().to_numpy()[order]
    time = times[order]
    limit = microseconds(entities["as_of"].reindex(odds["game_id"]).reset_index(drop=True))[order]
    cells, age = int(series.max()) + 1, AGE // pd.Timedelta(microseconds=1)

    def run() -> None:
        known = time <= limit
        for rows in (np.flatnonzero(known & (time > limit - age)), np.flatnonzero(known)[::-1]):
            cell = np.full(cells, -1, dtype=np.int64)
            cell[series[rows]] = rows
            odds.iloc[order[cell[cell >= 0]]]

    return run


def _merge_asof(left: pd.DataFrame, odds: pd.DataFrame) -> None:
    known = odds.sort_values("recorded_at", kind="stable")
    pd.merge_asof(left, known, left_on="as_of", right_on="recorded_at", by=SERIES, tolerance=AGE)
    first = known.drop_duplicates(SERIES)
    pd.merge_asof(left, first, left_on="as_of", right_on="recorded_at", by=SERIES)


def _pandas_form(history: History, league: Sport) -> None:
    games = history.team_games()
    games["won"] = (np.sign(games["margin"]) + 1) / 2
    games["close"] = (games["margin"].abs() <= 7).astype("float64")
    games["opponent"] = games["margin"]  # any figure costs the same
    teams = games.groupby("team_id", sort=False)
    windows = (("points_for", 16), ("points_against", 16), ("margin", 5), ("close", 16), ("opponent", 5))
    for column, window in windows:
        games[f"before_{column}"] = teams[column].shift()
        rolled = games.groupby("team_id", sort=False)[f"before_{column}"].rolling(window, min_periods=1).mean()
        games[f"mean_{column}"] = rolled.reset_index(level=0, drop=True)
    games["before_won"] = teams["won"].shift()
    games.groupby("team_id", sort=False)["before_won"].ewm(alpha=league.config.ewma_fast).mean()
    grounds = games.groupby(["team_id", "is_home"], sort=False)
    games["before_ground"] = grounds["margin"].shift()
    games.groupby(["team_id", "is_home"], sort=False)["before_ground"].rolling(8, min_periods=1).mean()
