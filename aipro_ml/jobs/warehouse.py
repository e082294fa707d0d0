"""The warehouse: dimensions and graded bets brought to what the other tables say; only what changed is written."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml import resources
from aipro_ml.db.locks import wait_for
from aipro_ml.db.repositories import acts, nights
from aipro_ml.db.repositories import warehouse as repository
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.dimensions import date_rows, model_rows, team_rows
from aipro_ml.jobs.graded_bets import graded_bets
from aipro_ml.jobs.market import derive_sport
from aipro_ml.jobs.tracked_bets import tracked_bets
from aipro_ml.sources.franchises import Franchises, franchises


@dataclass(frozen=True)
class WarehouseCount:
    """Rows written (inserted, changed or deleted) by table."""

    dim_dates: int = 0
    dim_teams: int = 0
    dim_models: int = 0
    fact_bets: int = 0
    market: int = 0

    @property
    def written(self) -> int:
        """Return how many rows were touched at all: 0 where everything was up to date."""
        return sum(getattr(self, each.name) for each in fields(self))

    @property
    def says(self) -> str:
        """Return the tables that changed, in words."""
        counts = {each.name: getattr(self, each.name) for each in fields(self)}
        return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "up to date"


def refresh(
    engine: Engine,
    now: datetime,
    *,
    rebuild: bool = False,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> WarehouseCount:
    """Bring `dim_*` and `fact_bets` up to date, each table in a transaction of its own.

    Bets are derived only of sports whose grades or closes changed; what they were derived from is noted in the audit
    log. `rebuild` empties the tables and derives everything, first (at `now`) what follows from quotes; it leaves the
    same rows as refreshing night by night.
    """
    derive = {"dim_dates": _dates, "dim_teams": _teams, "dim_models": _models}
    counts: dict[str, int] = {}
    if rebuild:
        with engine.connect() as connection:
            codes = nights.sports_stored(connection)
        counts["market"] = sum(derive_sport(engine, code, now, rebuild=True).written for code in codes)
    on_step(1, len(derive) + 2)
    for done, (name, rows_of) in enumerate(derive.items(), start=2):
        with unit(engine) as connection:
            wait_for(connection, "warehouse")
            counts[name] = _brought(connection, name, rows_of(connection), rebuild=rebuild)
        on_step(done, len(derive) + 2)
    with unit(engine) as connection:
        wait_for(connection, "warehouse")
        counts["fact_bets"] = _bets(connection, now, rebuild=rebuild)
    on_step(len(derive) + 2, len(derive) + 2)
    return WarehouseCount(**counts)


def _brought(connection: Connection, name: str, rows: pd.DataFrame, *, rebuild: bool) -> int:
    if rebuild:
        repository.empty(connection, name)
    count, deleted = repository.bring_to(connection, name, rows, repository.stored_ids(connection, name))
    return count.inserted + count.updated + deleted


def _dates(connection: Connection) -> pd.DataFrame:
    span = repository.game_span(connection)
    return pd.DataFrame() if span is None else date_rows(span[0].date(), span[1].date())


def _teams(connection: Connection) -> pd.DataFrame:
    teams, seasons = repository.teams(connection), repository.seasons(connection)
    parts = [
        team_rows(part, seasons[seasons["sport_code"] == code], _known(str(code)))
        for code, part in teams.groupby("sport_code")
        if (seasons["sport_code"] == code).any()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _known(code: str) -> Franchises | None:
    there = resources.configs_dir() / "teams" / f"{code.lower()}.yaml"
    return franchises(code) if there.is_file() else None


def _models(connection: Connection) -> pd.DataFrame:
    return model_rows(repository.models(connection), repository.champions(connection))


def _bets(connection: Connection, now: datetime, *, rebuild: bool) -> int:
    if rebuild:
        repository.empty(connection, "fact_bets")
    written, closes = 0, repository.closes_now(connection)
    behind = repository.sports_with_news(connection, everything=rebuild)
    for code in behind:
        rows = graded_bets(connection, code)
        count, deleted = repository.bring_to(connection, "fact_bets", rows, repository.bets_of(connection, code))
        written += count.inserted + count.updated + deleted
        acts.audit(connection, "warehouse.bets", "fact_bets", code, {"closes": closes.get(code)}, now)
    if rebuild or behind or repository.has_news_of_tracked(connection):
        stored = repository.tracked(connection)
        count, deleted = repository.bring_to(connection, "fact_bets", tracked_bets(connection), stored)
        written += count.inserted + count.updated + deleted
    return written
