"""Loading and reading odds: COPY from a frame, a large load with its keys, rows back into pandas."""

from collections.abc import Callable

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.copy import copy_rows, driver_connection, insert_new
from aipro_ml.db.encode import identifiers
from aipro_ml.db.engine import open_database
from aipro_ml.db.models.odds import Odds
from aipro_ml.db.repositories.quotes import all_quotes, quote_statements
from aipro_ml.features.history import History
from aipro_ml.features.quotes import QuoteLog
from aipro_ml.features.records import ODDS_COLUMNS, frame_of
from aipro_ml.identity import derive_id
from aipro_ml.jobs import database
from aipro_ml.jobs.facts import load_records
from benchmarks.bulk import without_indexes
from benchmarks.league import Bench
from benchmarks.market import LongLeague
from benchmarks.timing import Case, Figure, Peer, interleaved, slope

BARE, KEYED = (Odds.__table__.to_metadata(sa.MetaData(), name=name) for name in ("bench_bare", "bench_keyed"))
LOADED = 1_000_000
AGE = pd.Timedelta(hours=24)

_SAMPLE = """
    SELECT uuid_send(id) AS id, uuid_send(game_id) AS game_id, uuid_send(sportsbook_id) AS sportsbook_id, market_type,
           selection, price, line, recorded_at, is_current
    FROM odds WHERE game_id IN (SELECT g.id FROM games g JOIN sports s ON s.id = g.sport_id WHERE s.code = '{code}')
    LIMIT {rows}
"""


def loading(bench: Bench) -> list[Figure]:
    """Measure the load of a million odds into a bare unlogged table, and into one with keys and indexes."""
    owner = open_database(bench.settings, "owner")
    try:
        with owner.connect() as connection:
            frame = _odds_frame(bench, LOADED)
            _make_tables(connection)
            cases = _load_cases(connection, frame)
            keys = ("keyed", "in_place")  # apart: what they leave to be written to disk slows whoever comes next
            bare = interleaved({name: case for name, case in cases.items() if name not in keys}, bench.rounds)
            measured = interleaved({name: cases[name] for name in ("bare", "ready", "few", *keys)}, bench.rounds)
            connection.rollback()
    finally:
        owner.dispose()
    ready = "COPY BINARY of ready bytes"
    rows = f"{len(frame):,} odds"
    return [
        *bare.figures(f"load {rows} from a frame into a bare table", Peer("ready", ready, 1.8), ours="bare"),
        *measured.figures(
            f"load {rows} by the benchmarks' own fill, keys and indexes built after",
            Peer("bare", "the bare load from the frame", 3.5),
            Peer("ready", ready),
            ours="keyed",
        ),
        *measured.figures(
            "the same under keys and indexes (no owner)", Peer("few", "the bare load of as many rows"), ours="in_place"
        ),
        slope("load from a frame", bare.seconds["quarter"], bare.seconds["bare"], 4.0),
    ]


def _load_cases(connection: sa.Connection, frame: pd.DataFrame) -> dict[str, Case]:
    quarter, tenth = frame.iloc[: len(frame) // 4], frame.iloc[: len(frame) // 10]
    copy_rows(connection, BARE, frame)
    ready = _ready_bytes(connection, list(frame.columns))
    columns = ", ".join(frame.columns)

    def load_ready() -> None:
        _emptied(connection, BARE)
        statement = f"COPY {BARE.name} ({columns}) FROM STDIN (FORMAT BINARY)"
        with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
            for block in ready:
                copy.write(block)

    def bare(rows: pd.DataFrame) -> Callable[[], None]:
        def load() -> None:
            _emptied(connection, BARE)
            copy_rows(connection, BARE, rows)

        return load

    def keyed() -> None:
        _emptied(connection, KEYED)
        with without_indexes(connection, KEYED):
            copy_rows(connection, KEYED, frame)

    def in_place() -> None:
        _emptied(connection, KEYED)
        insert_new(connection, KEYED, tenth)

    return {
        "bare": bare(frame),
        "ready": load_ready,
        "keyed": keyed,
        "few": bare(tenth),
        "in_place": in_place,
        "quarter": bare(quarter),
    }


def reading(bench: Bench) -> list[Figure]:
    """Measure the read of all odds into pandas, and the way from the database to the as-of frame."""
    figures, seconds = [], []
    for long in bench.longs:
        with bench.engine.connect() as connection:
            _, entities = decisions(connection, long)
            cases = _read_cases(bench, connection, long, entities)
            measured = interleaved(cases, bench.rounds)
        peer = "ADBC Arrow of the same rows"
        figures += [
            *measured.figures(f"read {long.quotes:,} odds to pandas", Peer("adbc", peer, 1.3)),
            *measured.figures(
                f"from PostgreSQL to the as-of frame, {long.quotes:,} odds", Peer("adbc", peer, 1.4), ours="as_of"
            ),
        ]
        seconds.append((long.quotes, measured.seconds["ours"]))
    if len(seconds) > 1:
        (few, short), (many, longer) = seconds[0], seconds[-1]
        figures.append(slope("read odds to pandas", short, longer, many / few))
    return figures


def _read_cases(bench: Bench, connection: sa.Connection, long: LongLeague, entities: pd.DataFrame) -> dict[str, Case]:
    sport_id = derive_id("sport", long.code)
    statement = quote_statements(connection, sport_id)[-1]
    address = database.url(bench.settings)

    def bare() -> None:
        with adbc.connect(address) as opened, opened.cursor() as cursor:
            cursor.execute(statement)
            cursor.fetch_arrow_table()

    def as_of() -> None:
        log = QuoteLog(frame_of(all_quotes(connection, sport_id), ODDS_COLUMNS))
        log.latest(entities, AGE)
        log.opening(entities)

    return {"ours": lambda: all_quotes(connection, sport_id), "as_of": as_of, "adbc": bare}


def decisions(connection: sa.Connection, long: LongLeague) -> tuple[History, pd.DataFrame]:
    """Return the league's facts without odds, and every game decided a minute before its kick-off."""
    history = History(load_records(connection, long.code, odds_of=[]))
    latest = history.latest_schedule()
    return history, history.schedule(latest.index, latest["kickoff"] - pd.Timedelta(minutes=1))


def _odds_frame(bench: Bench, rows: int) -> pd.DataFrame:
    """Return odds as an import makes them: identifiers as bytes, games, books and words as categoricals."""
    with adbc.connect(database.url(bench.settings)) as opened, opened.cursor() as cursor:
        cursor.execute(_SAMPLE.format(code=bench.longest.code, rows=rows))
        table = cursor.fetch_arrow_table()
    frame: pd.DataFrame = table.to_pandas()
    for name in ("id", "game_id", "sportsbook_id"):
        frame[name] = identifiers(b"".join(frame[name]))
    named = frame.assign(**{name: frame[name].astype("category") for name in ("market_type", "selection")})
    return named.assign(recorded_at=named["recorded_at"].dt.tz_localize("UTC"))


def _make_tables(connection: sa.Connection) -> None:
    """Make the tables inside this transaction; the keyed one is like `odds`, with its foreign keys."""
    for statement in (
        f"CREATE UNLOGGED TABLE {BARE.name} (LIKE odds)",
        f"CREATE TABLE {KEYED.name} (LIKE odds INCLUDING ALL)",
        f"ALTER TABLE {KEYED.name} ADD FOREIGN KEY (game_id) REFERENCES games (id)",
        f"ALTER TABLE {KEYED.name} ADD FOREIGN KEY (sportsbook_id) REFERENCES sportsbooks (id)",
    ):
        connection.execute(sa.text(statement))


def _ready_bytes(connection: sa.Connection, columns: list[str]) -> list[bytes]:
    statement = f"COPY {BARE.name} ({', '.join(columns)}) TO STDOUT (FORMAT BINARY)"
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        whole = b"".join(map(bytes, copy))
    return [whole[start : start + 262_144] for start in range(0, len(whole), 262_144)]


def _emptied(connection: sa.Connection, table: sa.Table) -> None:
    connection.execute(sa.text(f"TRUNCATE {table.name}"))
