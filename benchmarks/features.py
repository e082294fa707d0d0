"""The feature kernels: the as-of question over all quotes, and the form of every team before every game."""

import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from aipro_ml.db.repositories.quotes import all_quotes
from aipro_ml.features.build import compute_views
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
from aipro_ml.identity import derive_id
from benchmarks.league import Bench
from benchmarks.market import LongLeague, revisions
from benchmarks.tables import AGE, decisions
from benchmarks.timing import Case, Figure, Peer, interleaved, slope

FEW_SEASONS, MANY_SEASONS = 8, 32
"""Some 10,000 and 40,000 games."""
_WORDS = ("game_id", "book", "market", "selection")
_ARG_MAX = """
    SELECT o.game, o.book, o.market, o.selection,
           arg_max(o.price, o.recorded_at) FILTER (WHERE fresh) AS price,
           arg_max(o.line, o.recorded_at) FILTER (WHERE fresh) AS line,
           arg_min(o.price, o.recorded_at) AS opening_price, arg_min(o.line, o.recorded_at) AS opening_line
    FROM (
        SELECT q.*, q.recorded_at > d.as_of - INTERVAL 24 HOUR AS fresh
        FROM read_parquet('{file}') q JOIN decided d ON d.game = q.game WHERE q.recorded_at <= d.as_of
    ) o GROUP BY ALL
"""


def as_of(bench: Bench) -> list[Figure]:
    """Measure the latest and the opening quote of every series a minute before its kick-off, from one Parquet file."""
    figures, seconds = [], []
    for long in bench.longs:
        with tempfile.TemporaryDirectory() as folder:
            measured = interleaved(_as_of_cases(bench, long, Path(folder) / "odds.parquet"), bench.rounds)
        words = f"as-of, latest and opening of {long.quotes:,} odds"
        figures += measured.figures(words, Peer("duckdb", "DuckDB arg_max on the same file", 1.0))
        figures += measured.figures(f"{words}, without the file", Peer("duckdb", "the same"), ours="kernel")
        seconds.append((long.quotes, measured.seconds["kernel"]))
    if len(seconds) > 1:
        (few, short), (many, longer) = seconds[0], seconds[-1]
        figures.append(slope("as-of kernel", short, longer, many / few))
    return figures


def _as_of_cases(bench: Bench, long: LongLeague, file: Path) -> dict[str, Case]:
    with bench.engine.connect() as connection:
        quotes = all_quotes(connection, derive_id("sport", long.code))
        odds = frame_of(quotes, ODDS_COLUMNS).drop(columns="is_sharp")  # the peer asks for no such thing
        _, entities = decisions(connection, long)
    words = {name: odds[name].cat.categories for name in _WORDS}
    columns = {name: odds[name].cat.codes.to_numpy() for name in _WORDS}
    columns |= {name: odds[name].to_numpy() for name in ("line", "price")}
    times = odds["recorded_at"].dt.tz_localize(None).to_numpy()
    table = pa.table({"game" if name == "game_id" else name: values for name, values in columns.items()})
    _write(table.append_column("recorded_at", pa.array(times)), file)
    decided = pd.DataFrame(
        {
            "game": words["game_id"].get_indexer(entities.index).astype("int32"),
            "as_of": entities["as_of"].dt.tz_localize(None).to_numpy(),
        }
    )
    database = duckdb.connect()
    database.register("decided", decided)

    def ours() -> None:
        _questions(_from_parquet(file, words), entities)

    return {
        "ours": ours,
        "kernel": lambda: _questions(odds, entities),
        "duckdb": lambda: database.sql(_ARG_MAX.format(file=file)).to_arrow_table(),
    }


def _write(table: pa.Table, file: Path) -> None:
    """Write the table with its times as differences: a third smaller, and both sides read it faster."""
    repeated = [name for name in table.column_names if name != "recorded_at"]
    packed = {"recorded_at": "DELTA_BINARY_PACKED"}
    pq.write_table(table, file, compression="none", use_dictionary=repeated, column_encoding=packed)


def _questions(odds: pd.DataFrame, entities: pd.DataFrame) -> None:
    log = QuoteLog(odds)
    log.latest(entities, AGE)
    log.opening(entities)


def _from_parquet(file: Path, words: dict[str, pd.Index]) -> pd.DataFrame:
    table = pq.ParquetFile(file, memory_map=True).read()
    codes = {name: table.column("game" if name == "game_id" else name).to_numpy() for name in _WORDS}
    plain = {name: table.column(name).to_numpy() for name in ("line", "price")}
    moments = pd.Series(table.column("recorded_at").to_numpy().view("int64"), copy=False)
    times = moments.astype("datetime64[us, UTC]", copy=False)  # no copy, as a change of time zone would make
    named = {name: pd.Categorical.from_codes(codes[name], categories=words[name]) for name in _WORDS}
    return pd.DataFrame({**named, **plain, "recorded_at": times}, copy=False)


def form_features(bench: Bench) -> list[Figure]:
    """Measure the form view over long histories against the rolling means alone, in pandas, and how all grow."""
    league, cases, games = bench.league, {}, []
    for size, seasons in (("few", FEW_SEASONS), ("many", MANY_SEASONS)):
        history, entities = _decided_history(seasons)
        games.append(len(entities))
        cases[f"form {size}"] = _form(league, history, entities)
        cases[f"pandas {size}"] = _pandas(league, history)
        cases[f"views {size}"] = _views(league, history, entities)
    measured = interleaved(cases, bench.rounds)
    words, growth, seconds = "pandas shift + groupby.rolling of the same means", games[1] / games[0], measured.seconds
    return [
        *measured.figures(f"form features, {games[0]:,} games", Peer("pandas few", words, 1.0), ours="form few"),
        *measured.figures(f"form features, {games[1]:,} games", Peer("pandas many", words, 1.0), ours="form many"),
        slope("form", seconds["form few"], seconds["form many"], growth),
        slope("all market-free views", seconds["views few"], seconds["views many"], growth),
    ]


def _decided_history(seasons: int) -> tuple[History, pd.DataFrame]:
    history = History(league_records(seasons))
    latest = history.latest_schedule()
    history.team_games()  # both sides start from the results in order
    return history, history.schedule(latest.index, latest["kickoff"] - pd.Timedelta(minutes=1))


def _form(league: Sport, history: History, entities: pd.DataFrame) -> Case:
    return lambda: form.compute(entities, history, league.config)


def _pandas(league: Sport, history: History) -> Case:
    return lambda: _pandas_form(history, league)


def _views(league: Sport, history: History, entities: pd.DataFrame) -> Case:
    free = [view for view in league.views if view.group == "market_free"]
    return lambda: compute_views(free, entities, history, league)


def league_records(seasons: int) -> Records:
    """Return the facts of so many seasons without odds, from no database."""
    return Records(
        games=frame_of(revisions(seasons), REVISION_COLUMNS),
        odds=no_rows(ODDS_COLUMNS),
        closing=no_rows(CLOSING_COLUMNS),
        teams=no_rows(TEAM_COLUMNS),
        venues=no_rows(VENUE_COLUMNS),
        team_stats=no_rows(TEAM_STAT_COLUMNS),
    )


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
