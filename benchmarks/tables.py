"""Loading and reading odds: COPY from a frame, new rows under keys and indexes, rows back into pandas."""

import uuid

import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.copy import copy_rows, driver_connection, insert_new, read_frame
from aipro_ml.db.engine import open_database
from aipro_ml.db.models.odds import Odds
from aipro_ml.features.history import History
from aipro_ml.jobs.facts import load_records
from benchmarks.league import Bench
from benchmarks.timing import Figure, Peer, interleaved

BARE, KEYED = (Odds.__table__.to_metadata(sa.MetaData(), name=name) for name in ("bench_bare", "bench_keyed"))

_NARROW = sa.text(
    """
    SELECT o.game_id::text AS game_id, b.name AS book, b.is_sharp, o.market_type AS market, o.selection,
           o.line, o.price::float8 AS price, o.recorded_at
    FROM odds o JOIN sportsbooks b ON b.id = o.sportsbook_id ORDER BY o.recorded_at, o.id
    """
)


def loading(bench: Bench) -> list[Figure]:
    """Measure the load of all odds into a bare unlogged table, and into one with keys and indexes."""
    owner = open_database(bench.settings, "owner")
    try:
        with owner.connect() as connection:
            frame = _odds_frame(connection)
            _make_tables(connection)
            ready = _ready_bytes(connection, "odds", list(frame.columns))
            columns = ", ".join(frame.columns)

            def load_ready() -> None:
                _emptied(connection, BARE)
                statement = f"COPY {BARE.name} ({columns}) FROM STDIN (FORMAT BINARY)"
                with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
                    for block in ready:
                        copy.write(block)

            def load_bare() -> None:
                _emptied(connection, BARE)
                copy_rows(connection, BARE, frame)

            def load_keyed() -> None:
                _emptied(connection, KEYED)
                insert_new(connection, KEYED, frame)

            cases = {"bare": load_bare, "ready": load_ready, "keyed": load_keyed}
            measured = interleaved(cases, bench.rounds)
            connection.rollback()
    finally:
        owner.dispose()
    return [
        *measured.figures(
            "load odds from a frame into a bare table", Peer("ready", "COPY BINARY of ready bytes", 1.8), ours="bare"
        ),
        *measured.figures(
            "load new odds under keys and indexes", Peer("bare", "the bare load from the frame", 3.5), ours="keyed"
        ),
    ]


def reading(bench: Bench) -> list[Figure]:
    """Measure the read of all odds into pandas, and the way from the database to the as-of frame."""
    with bench.engine.connect() as connection:
        statement = _NARROW.text

        def fetch() -> None:
            driver_connection(connection).execute(statement).fetchall()

        def drained() -> None:
            copy = f"COPY ({statement}) TO STDOUT (FORMAT BINARY)"
            with driver_connection(connection).cursor() as cursor, cursor.copy(copy) as blocks:
                for _ in blocks:
                    pass

        def known() -> None:
            records = load_records(connection, bench.league.code)
            history = History(records)
            latest = history.latest_schedule()
            entities = history.schedule(latest.index, latest["kickoff"] - pd.Timedelta(minutes=1))
            history.quotes(entities, bench.league.config.quote_max_age_hours)
            history.opening(entities)

        cases = {
            "ours": lambda: read_frame(connection, _NARROW),
            "fetch": fetch,
            "drained": drained,
            "known": known,
        }
        measured = interleaved(cases, bench.rounds)
    return [
        *measured.figures(
            "read odds to pandas",
            Peer("fetch", "psycopg fetchall of the same rows"),
            Peer("drained", "COPY BINARY to the client, not parsed"),
        ),
        *measured.figures(
            "from PostgreSQL to the as-of frame", Peer("fetch", "psycopg fetchall of the odds alone"), ours="known"
        ),
    ]


def _odds_frame(connection: sa.Connection) -> pd.DataFrame:
    """Return all odds with identifiers as an import makes them."""
    frame = read_frame(connection, sa.select(*Odds.__table__.c))
    return frame.assign(**{name: list(map(uuid.UUID, frame[name])) for name in ("id", "game_id", "sportsbook_id")})


def _make_tables(connection: sa.Connection) -> None:
    """Make the tables inside this transaction; the keyed one is like `odds`, with its foreign keys."""
    for statement in (
        f"CREATE UNLOGGED TABLE {BARE.name} (LIKE odds)",
        f"CREATE TABLE {KEYED.name} (LIKE odds INCLUDING ALL)",
        f"ALTER TABLE {KEYED.name} ADD FOREIGN KEY (game_id) REFERENCES games (id)",
        f"ALTER TABLE {KEYED.name} ADD FOREIGN KEY (sportsbook_id) REFERENCES sportsbooks (id)",
    ):
        connection.execute(sa.text(statement))


def _ready_bytes(connection: sa.Connection, table: str, columns: list[str]) -> list[bytes]:
    statement = f"COPY {table} ({', '.join(columns)}) TO STDOUT (FORMAT BINARY)"
    with driver_connection(connection).cursor() as cursor, cursor.copy(statement) as copy:
        whole = b"".join(map(bytes, copy))
    return [whole[start : start + 262_144] for start in range(0, len(whole), 262_144)]


def _emptied(connection: sa.Connection, table: sa.Table) -> None:
    connection.execute(sa.text(f"TRUNCATE {table.name}"))
