"""Feature matrices from the database: for training, for prediction, and materialised in the feature store."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.db.locks import held
from aipro_ml.db.repositories import feature_store, feature_vectors, reference
from aipro_ml.enums import BetType
from aipro_ml.errors import GuardError
from aipro_ml.features.build import MatrixRequest, build_matrices, build_matrix, decided_entities
from aipro_ml.features.elo import elo_events
from aipro_ml.features.history import History
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport, sport
from aipro_ml.features.view import ViewGroup
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.executor import ExecutorChoice
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.feature_chunks import chunks_of, computed
from aipro_ml.jobs.vectors import Workload, Writing, audit_replacement, vector_hashes, write_batches

FeatureGroup = Literal["market_free", "market", "all"]

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Decision:
    """When a game is decided: so many minutes before its kick-off."""

    minutes: int


@dataclass(frozen=True)
class BuildOptions:
    """How to materialise: each game decided `decision_minutes` (None: the sport's) before its kick-off.

    `verify`: compute stored rows again too and refuse where one changed; without it only what is missing.
    `reason`: replace changed rows instead, and say why in the audit log. `clock` tells when a batch begins and ends.
    `where` the features are computed: the same to the bit.
    """

    now: datetime
    decision_minutes: int | None = None
    dry_run: bool = False
    verify: bool = True
    reason: str | None = None
    clock: Callable[[], datetime] | None = None
    where: ExecutorChoice = field(default_factory=ExecutorChoice)


@dataclass(frozen=True)
class BuildReport:
    """One set: decided games, what is or was missing, changed since it was stored, and yet to be decided.

    `written` counts new and replaced vectors; `data_hash` is that of the set's whole table.
    """

    bet_type: BetType
    features: int
    rows: int
    missing: int
    changed: int
    pending: int
    written: int
    data_hash: str
    first_difference: dict[str, Any] = field(default_factory=dict)


def columns_of(league: Sport, group: FeatureGroup) -> tuple[str, ...]:
    """Return the feature columns of a group."""
    groups: tuple[ViewGroup, ...] = ("market_free", "market") if group == "all" else (group,)
    return league.columns(groups)


def load_matrix(connection: Connection, league: Sport, bet_type: BetType, decision: Decision) -> FeatureMatrix:
    """Return the labelled matrix of every game of the sport, each decided before its kick-off."""
    records = load_records(connection, league.code, reference_closes=True)
    return build_matrix(records, league, bet_type, MatrixRequest(decision_minutes=decision.minutes))


def prediction_matrices(
    records: Records | History, league: Sport, bet_types: Sequence[BetType], as_of: pd.Series
) -> dict[BetType, FeatureMatrix]:
    """Return the unlabelled matrices of the games in the index of `as_of`, at those moments."""
    request = MatrixRequest(game_ids=list(as_of.index), as_of=as_of, with_labels=False)
    return build_matrices(records, league, bet_types, request)


def plan_features(
    engine: Engine, code: str, bet_types: Sequence[BetType], options: BuildOptions, on_step: Tick = lambda *_: None
) -> list[BuildReport]:
    """Return what a build would find and write, one report a set; nothing is written."""
    return _Builder(engine, sport(code), options, on_step).plan(bet_types)


def build_features(
    engine: Engine, code: str, bet_types: Sequence[BetType], options: BuildOptions, on_step: Tick = lambda *_: None
) -> list[BuildReport]:
    """Materialise every game whose decision time has come, and the teams' ratings; stored vectors stay.

    One row out for each row in. Before anything is written every stored vector is computed again: where one
    changed GuardError names it, unless `options.reason` asks to replace it. Interrupted, what was written stays
    and the next build goes on. A second build of the sport at the same time waits for the first.
    """
    league = sport(code)
    exclusive = nullcontext() if options.dry_run else held(engine, f"features {league.code}")
    with exclusive:
        return _Builder(engine, league, options, on_step).build(bet_types)


class _Builder:
    """One plan or build of a sport."""

    def __init__(self, engine: Engine, league: Sport, options: BuildOptions, on_step: Tick) -> None:
        self.engine, self.league, self.options, self._on_step = engine, league, options, on_step
        self._done = self._total = self._pending = 0
        self._writing = Writing(options.now, options.clock, options.reason)
        self._records: Records | None = None

    def plan(self, bet_types: Sequence[BetType]) -> list[BuildReport]:
        return [self._report(work, 0) for work in self._workloads(bet_types)]

    def build(self, bet_types: Sequence[BetType]) -> list[BuildReport]:
        with self.engine.connect() as connection:
            reference.sport_id(connection, self.league.code)
        if not self.options.dry_run:
            with self.engine.begin() as connection:
                feature_vectors.fail_abandoned(connection, self.league.code, self.options.now)
        works = self._workloads(bet_types)
        reports = [self._report(work, 0) for work in works]
        if self.options.reason is None:
            for report in reports:
                _refuse_changed(report)
        if self.options.dry_run:
            return reports
        self._save_ratings()
        return [self._written(work, report) for work, report in zip(works, reports, strict=True)]

    def _written(self, work: Workload, report: BuildReport) -> BuildReport:
        if report.changed and self.options.reason is not None:
            with self.engine.begin() as connection:
                audit_replacement(connection, work, report.first_difference, self.options.reason, self.options.now)
        written = write_batches(self.engine, work, self._writing, self._step)
        return BuildReport(**{**vars(report), "written": written})

    def _workloads(self, bet_types: Sequence[BetType]) -> list[Workload]:
        with self.engine.connect() as connection:
            reference.sport_id(connection, self.league.code)
            records = self._records = load_records(connection, self.league.code, reference_closes=True)
        history = History(records)
        decided = self._decided(history)
        sets = [Workload(self.league, bet_type, self._no_features(), decided) for bet_type in bet_types]
        with self.engine.connect() as connection:
            stored = [_with_stored(decided, feature_vectors.stored_vectors(connection, one.set_id)) for one in sets]
        wanted = pd.Series(self.options.verify, index=decided.index)
        for table in stored:
            wanted |= table["noted"].isna()
        X = self._computed(decided.loc[wanted], (records, history), len(bet_types))
        return [
            Workload(self.league, one.bet_type, X, _with_states(table, X, wanted))
            for one, table in zip(sets, stored, strict=True)
        ]

    def _decided(self, history: History) -> pd.DataFrame:
        minutes = self.options.decision_minutes or self.league.config.decision_minutes
        entities = decided_entities(history, self.league, MatrixRequest(decision_minutes=minutes))
        come = entities["as_of"] <= pd.Timestamp(self.options.now)
        self._pending = int((~come).sum())
        return entities.loc[come, ["season", "as_of"]].reset_index()

    def _no_features(self) -> pd.DataFrame:
        return pd.DataFrame(columns=list(self.league.columns()), dtype="float64")

    def _computed(self, rows: pd.DataFrame, facts: tuple[Records, History], sets: int) -> pd.DataFrame:
        """Return the features of these rows, computed in chunks, so that progress shows."""
        chunks = chunks_of(rows, self.options.where)
        self._total = len(chunks) + sets * rows["season"].nunique()
        parts = [self._no_features()]
        for part in computed(chunks, facts, self.league, self.options.where):
            parts.append(part)
            self._step()
        return pd.concat([part for part in parts if len(part)] or parts).reindex(rows.index)

    def _step(self) -> None:
        self._done += 1
        self._on_step(self._done, max(self._total, self._done))

    def _report(self, work: Workload, written: int) -> BuildReport:
        return BuildReport(
            bet_type=work.bet_type,
            features=len(work.columns),
            rows=len(work.table),
            missing=work.count("missing"),
            changed=work.count("changed"),
            pending=self._pending,
            written=written,
            data_hash=work.data_hash,
            first_difference=self._first_difference(work),
        )

    def _first_difference(self, work: Workload) -> dict[str, Any]:
        """Return game, moment, feature, stored and new value of the earliest row that changed."""
        changed = work.table.loc[work.table["state"] == "changed"].sort_values(["as_of", "game_id"])
        if changed.empty:
            return {}
        row = changed.iloc[0]
        with self.engine.connect() as connection:
            values = feature_vectors.vector_values(connection, work.set_id, int(row["season"]))
        old = values.loc[(values["game_id"] == row["game_id"]) & (values["as_of"] == row["as_of"])].iloc[0]
        new = work.X.loc[row.name]
        for name in work.columns:
            before, after = float(old[name]), float(new[name])
            if before != after and not (np.isnan(before) and np.isnan(after)):
                shown = {"stored": _finite(before), "now": _finite(after)}
                return {"game": row["game_id"], "as_of": row["as_of"].isoformat(), "feature": name, **shown}
        return {"game": row["game_id"], "as_of": row["as_of"].isoformat(), "feature": "vector_hash"}

    def _save_ratings(self) -> None:
        if self._records is None:
            return
        events = elo_events(History(self._records).results(), self.league.config.elo)
        ratings = events.rename(columns={"known_at": "as_of"})[["team_id", "game_id", "rating", "as_of"]]
        with unit(self.engine) as connection:
            feature_store.save_ratings(connection, ratings, self.options.now)


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else value


def _with_stored(decided: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Return the decided rows with `noted`, the hash stored for the same game and moment."""
    stored = stored.rename(columns={"vector_hash": "noted"})
    return decided.reset_index().merge(stored, how="left", on=["game_id", "as_of"]).set_index("index")


def _with_states(table: pd.DataFrame, X: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    fresh = pd.Series(vector_hashes(X), index=X.index, dtype=object).reindex(table.index)
    hashes = fresh.where(wanted, table["noted"])
    states = np.select([table["noted"].isna(), hashes != table["noted"]], ["missing", "changed"], "stored")
    return table.drop(columns="noted").assign(vector_hash=hashes, state=states)


def _refuse_changed(report: BuildReport) -> None:
    """Raise where stored vectors differ from the same games', decided at the same moments, computed now."""
    if not report.changed:
        return
    first = report.first_difference
    raise GuardError(
        f"game {first['game']} as of {first['as_of']}: its stored features differ from those computed now "
        f"({first['feature']}: {first.get('stored')} stored, {first.get('now')} now; {report.changed} of "
        f"{report.rows} {report.bet_type} rows in all): what was known then must not change. Where older facts were "
        "imported on purpose, `aipro features backfill --reason …` replaces the vectors"
    )
