"""The platform opened from Python: sports, features, training, calibration, promotion, prediction, explanation."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pandas as pd

from aipro_ml.api.asked import bet_type_of
from aipro_ml.api.modelling import Modelling
from aipro_ml.api.publishing import Publishing
from aipro_ml.api.results import table
from aipro_ml.api.session import Clock, now
from aipro_ml.config import load_settings
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.features.sports import sports
from aipro_ml.jobs.database import opened, stop
from aipro_ml.jobs.importing import League, Request, import_source, import_synthetic
from aipro_ml.jobs.ingest import ImportOptions, ImportReport
from aipro_ml.jobs.listings import list_games
from aipro_ml.jobs.matrices import BuildOptions, Decision, FeatureGroup, build_features, columns_of, load_matrix
from aipro_ml.jobs.system_settings import given_settings


def open_platform(
    home: Path | str | None = None,
    *,
    database_url: str | None = None,
    artifacts: Path | str | None = None,
    clock: Clock = now,
) -> "Platform":
    """Open the platform, to be closed again; what is not given comes from `AIPRO_HOME`, `DATABASE_URL` and the like.

    The embedded database is made and started where there is none; it runs on afterwards, for the next one
    (`Platform.stop_database`, `aipro db stop`). `clock` tells the time, in UTC. DatabaseError where the database
    cannot be reached or its schema is another version's; UsageError for a setting that does not fit.
    """
    settings = load_settings(home=home, database_url=database_url, artifacts=artifacts)
    settings = settings.model_copy(update={"overrides": given_settings(settings, os.environ, ())})
    stack = ExitStack()
    return Platform(settings, stack.enter_context(opened(settings)), clock, stack.close)


class Platform(Modelling, Publishing):
    """An open installation, made by `open_platform`: for a `with` block, or to be closed with `close`.

    Every method is a job of the command line and raises what it raises: UsageError for a wrong request, GuardError
    where a guard refuses, AiproError for every other handled error. A model or a prediction is named by its id or how
    that begins. Times are UTC.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; the embedded server runs on."""
        self._on_close()

    def sports(self) -> pd.DataFrame:
        """Return the sports: index code; name, bet_types, features (how many), timezone."""
        rows = [
            {
                "code": league.code,
                "name": league.name,
                "bet_types": ", ".join(league.bet_types),
                "features": len(league.columns()),
                "timezone": league.config.timezone,
            }
            for league in sports().values()
        ]
        return table(rows, "code")

    def simulate(self, sport: str = "NFL", *, seasons: int = 10, books: int = 4, seed: int = 3) -> ImportReport:
        """Import a league simulated after `sport` (its code then is `SIM-NFL`); GuardError over another recipe's."""
        return import_synthetic(self.settings, League(sport, seasons, books, seed), ImportOptions(self._clock()))

    def import_data(
        self,
        source: str,
        *places: Path | str,
        sport: str | None = None,
        season: int | None = None,
        mapping: Path | str | None = None,
    ) -> list[ImportReport]:
        """Import files, folders or addresses of a source (docs/importing.md), each in a transaction of its own."""
        named = None if mapping is None else str(mapping)
        request = Request(source, tuple(map(str, places)), sport, season, named)
        return import_source(self.settings, request, ImportOptions(self._clock()))

    def games(self, sport: str, season: int | None = None, week: int | None = None) -> pd.DataFrame:
        """Return the games of a season (default: the latest), index game_id; teams, kick-off, scores, status."""
        return table(list_games(self.settings, sport, season, week), "game_id")

    def build_features(self, sport: str, bet_types: Sequence[BetType | str] = ()) -> pd.DataFrame:
        """Store the features of every decided game as known at its decision time; one row a bet type.

        Index bet_type (default: all of the sport); features, rows, missing, written, and the table's data_hash. What is
        stored already stays; GuardError where it would be another now. Training needs no build.
        """
        wanted = tuple(map(bet_type_of, bet_types)) or find_sport(sport).bet_types
        reports = build_features(self.engine, sport, wanted, BuildOptions(self._clock(), clock=self._clock))
        shown = ("features", "rows", "missing", "changed", "pending", "written", "data_hash")
        rows = [{"bet_type": r.bet_type.value, **{name: getattr(r, name) for name in shown}} for r in reports]
        return table(rows, "bet_type")

    def features(
        self,
        sport: str,
        bet_type: BetType | str,
        group: FeatureGroup = "market_free",
        *,
        decision_minutes: int | None = None,
    ) -> FeatureMatrix:
        """Return features and labels of every game, each as known `decision_minutes` before its kick-off.

        `X` (n games × d features, index game_id), `y` (1.0 home or over won, 0.0 lost, 0.5 a draw of three outcomes,
        NaN push or not played yet), `meta` (season, week, kickoff, line, market_prob …), `as_of`. `group`:
        `market_free`, `market` or `all`.
        """
        league = find_sport(sport)
        if group not in {"market_free", "market", "all"}:
            raise UsageError(f"no group of features is called {group!r}; there are: market_free, market, all")
        minutes = decision_minutes or league.config.decision_minutes
        with self.engine.connect() as connection:
            matrix = load_matrix(connection, league, bet_type_of(bet_type), Decision(minutes))
        return matrix.select(columns_of(league, group))

    def stop_database(self) -> bool:
        """Stop the embedded server and return whether it ran; a server of DATABASE_URL is left alone."""
        self.close()
        return stop(self.settings)
