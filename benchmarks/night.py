"""A night of games, three bet types each: the job that publishes it against the steps it cannot do without."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.copy import driver_connection
from aipro_ml.db.repositories import models
from aipro_ml.features.build import compute_views
from aipro_ml.features.history import History
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.predict import PredictionRequest, predict
from aipro_ml.training.artifacts import read_artifact
from benchmarks.league import CROWDED_DAY, LAST_SEASON, NOW, Bench
from benchmarks.rows import ready_copy, served_vectors, stored_rows
from benchmarks.timing import Case, Figure, Peer, interleaved

_GAMES = """
    SELECT g.id::text, s.year, r.season_type, g.week, g.home_team_id::text, g.away_team_id::text, r.game_date,
           r.status, r.home_score, r.away_score, r.overtime, r.known_at
    FROM game_revisions r JOIN games g ON g.id = r.game_id JOIN seasons s ON s.id = g.season_id
"""
_ODDS = """
    SELECT o.game_id::text, b.name, o.market_type, o.selection, o.line, o.price, o.recorded_at
    FROM odds o JOIN sportsbooks b ON b.id = o.sportsbook_id WHERE o.game_id = ANY(%s::uuid[])
"""


def night(bench: Bench) -> list[Figure]:
    """Measure the job on the season's fullest Sunday and on a day of 300 games, decided at once, without imports."""
    figures = []
    for slate in (_sunday(bench), _crowded(bench)):
        as_of = slate["kickoff"].min() - pd.Timedelta(minutes=1)
        day = slate["kickoff"].min().tz_convert(bench.league.config.timezone).date()
        request = PredictionRequest(bench.league.code, NOW, day=day, as_of=as_of.to_pydatetime(), dry_run=True)
        with bench.engine.connect() as connection:
            least = _irreducible(bench, connection, slate, as_of)
            cases = {"ours": _job(bench, request), "least": least}
            measured = interleaved(cases, bench.rounds)
        words = f"night of {len(slate)} games × {len(bench.league.bet_types)}, without imports"
        figures += measured.figures(words, Peer("least", "its irreducible steps alone", 1.5))
    return figures


def _job(bench: Bench, request: PredictionRequest) -> Case:
    return lambda: predict(bench.engine, bench.settings, request)


def _crowded(bench: Bench) -> pd.DataFrame:
    """Return the local day on which most of the 300 open games are played."""
    schedule = History(bench.records).latest_schedule()
    days = schedule["kickoff"].dt.tz_convert(bench.league.config.timezone).dt.date
    return schedule[days == CROWDED_DAY.date()]


def _sunday(bench: Bench) -> pd.DataFrame:
    """Return the games of the local day of the last season that has most of them."""
    schedule = History(bench.records).latest_schedule()
    plain = (schedule["season"] == LAST_SEASON) & (schedule["week"] > 1)  # week 1 may be stored
    last = schedule[plain & (schedule["kickoff"] < CROWDED_DAY)]
    days = last["kickoff"].dt.tz_convert(bench.league.config.timezone).dt.date
    return last[days == days.value_counts().sort_index().idxmax()]


def _irreducible(
    bench: Bench, connection: sa.Connection, slate: pd.DataFrame, as_of: pd.Timestamp
) -> Callable[[], None]:
    """Return the steps in a row: read games and the slate's odds, as-of, features, predict, explain, COPY."""
    records = load_records(connection, bench.league.code)
    few = replace(records, odds=records.odds[records.odds["game_id"].isin(slate.index)].reset_index(drop=True))
    moments = pd.Series(as_of, index=slate.index).astype(slate["kickoff"].dtype)
    entities = History(few).schedule(list(slate.index), moments)
    production = models.production_models(connection, bench.league.code).values()
    chosen = [read_artifact(bench.settings.artifacts_dir / stored.file_path).model for stored in production]
    rows = stored_rows(bench, len(slate) * len(chosen))
    ready = ready_copy(rows, served_vectors(connection, len(slate) * len(chosen)))
    connection.rollback()

    def run() -> None:
        raw = driver_connection(connection)
        raw.execute(_GAMES).fetchall()
        raw.execute(_ODDS, [list(slate.index)]).fetchall()
        history = History(few)
        history.quotes(entities, bench.league.config.quote_max_age_hours)
        X = compute_views(bench.league.views, entities, history, bench.league)
        for model in chosen:
            model.predict_proba(X)
            model.contributions(X)
        ready.load(connection)
        connection.rollback()

    return run
