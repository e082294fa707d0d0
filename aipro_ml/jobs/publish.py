"""Publishing: what is new of a slate goes into predictions, ledger and explanations in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection

from aipro_ml import __version__
from aipro_ml.db.encode import identifiers
from aipro_ml.db.repositories import models, predictions
from aipro_ml.enums import RunMode, RunStatus
from aipro_ml.errors import GuardError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import Sport
from aipro_ml.identity import derive_id, derive_raw_ids, name_head
from aipro_ml.inference.explain import explain
from aipro_ml.inference.ledger import GENESIS, Head, ledger_columns
from aipro_ml.inference.policy import Policy
from aipro_ml.inference.prediction import Prediction, prediction_hashes
from aipro_ml.inference.predictor import ModelScores, Slate
from aipro_ml.jobs.vectors import save_served
from aipro_ml.times import iso_utc
from aipro_ml.training.base import TrainedModel

_PREDICTION_COLUMNS = (
    "game_id",
    "model_id",
    "bet_type",
    "predicted_side",
    "probability",
    "edge",
    "signal_tier",
    "kelly_fraction",
    "line_at_prediction",
    "odds_at_prediction",
    "prediction_hash",
)


COMPUTED_AGAIN = "computed_again"
"""The step of a run's journal that names a later computation of its slot which had something new to say."""


@dataclass(frozen=True)
class RunReport:
    """One run: its slate, what it published, what of that was new, and why it abstained from the rest."""

    run_id: UUID
    as_of: datetime
    mode: RunMode
    games: int
    published: int
    written: int
    abstained: Mapping[str, int]
    bet_types: int
    slate: Slate = field(compare=False, repr=False)

    @property
    def row(self) -> dict[str, Any]:
        """Return the report as one row of a table."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.abstained.items()))
        counts = {"games": self.games, "published": self.published, "new": self.written}
        return {"as_of": self.as_of, "mode": self.mode.value, **counts, "abstained": reasons or "none"}


@dataclass(frozen=True)
class Voice:
    """A model with everything that turns its probability into a published one.

    `matrix`: the features as they were computed. `asked`: the rows the model was asked, which differ from them in the
    line alone, where the quoted one has moved. `background`: rows to explain against, where the model needs them.
    """

    stored: models.StoredModel
    model: TrainedModel
    scores: ModelScores
    matrix: FeatureMatrix
    asked: pd.DataFrame
    background: pd.DataFrame | None = None


@dataclass(frozen=True)
class Panel:
    """Who speaks in a run, and by which policy; `since`: when the latest decision was taken that made them speak.

    A run starts no earlier than that, however slow clocks and commits: by its start rows are told production or shadow.
    """

    league: Sport
    voices: Sequence[Voice]
    policy: Policy
    since: datetime | None = None


@dataclass(frozen=True)
class Slot:
    """The games one run decides at one moment (index game_id; columns as_of, kickoff, season)."""

    as_of: datetime
    mode: RunMode
    games: pd.DataFrame


def publish(connection: Connection, panel: Panel, slot: Slot, slate: Slate, now: datetime) -> RunReport:
    """Append what is new of a slate: run, predictions, ledger rows and explanations, under the ledger's lock.

    What the run's first computation used and counted stays in its row; a later one's goes into its journal.
    """
    predictions.lock_ledger(connection)
    run_id = derive_id("prediction_run", panel.league.code, iso_utc(slot.as_of), slot.mode)
    known = predictions.known_hashes(connection, prediction_hashes(slate.predictions))
    fresh = [p for p in slate.predictions if p.prediction_hash not in known]
    reasons = Counter(a.reason.value for a in slate.abstentions)
    decided = predictions.run_games(connection, run_id)
    if decided is None and (fresh or not known):
        predictions.save_run(connection, _run_row(run_id, panel, slot, slate, now))
    elif decided is not None and fresh:
        _refuse_other_games(slot, decided)
        entry = {"step": COMPUTED_AGAIN, "at": iso_utc(now), "written": len(fresh), **_outcome(panel, slot, slate)}
        predictions.note_in_journal(connection, run_id, entry)
    if fresh:
        _append(connection, run_id, fresh, panel.voices, now)
        _keep_served(connection, panel, fresh, now)
    counts = (len(slot.games), len(slate.predictions), len(fresh))
    return RunReport(run_id, slot.as_of, slot.mode, *counts, dict(reasons), len(panel.voices), slate)


def _refuse_other_games(slot: Slot, decided: Sequence[str]) -> None:
    """Raise GuardError where a slot that was decided for some games is asked for others."""
    if sorted(map(str, slot.games.index)) != sorted(decided):
        raise GuardError(
            f"the run of {iso_utc(slot.as_of)} decided {len(decided)} other games: stakes are capped over all games of "
            "a run, so choose the same games, or another --as-of"
        )


def _run_row(run_id: UUID, panel: Panel, slot: Slot, slate: Slate, now: datetime) -> dict[str, Any]:
    start = max(now, panel.since or now)
    return {
        "id": run_id,
        "sport_id": derive_id("sport", panel.league.code),
        "slot": slot.as_of,
        "as_of": slot.as_of,
        "mode": slot.mode,
        "status": RunStatus.COMPLETED,
        "started_at": start,
        "completed_at": start,
        "games_count": len(slot.games),
        **_outcome(panel, slot, slate),
    }


def _outcome(panel: Panel, slot: Slot, slate: Slate) -> dict[str, Any]:
    """Return what the slate came to, as the run's row says it: published + abstained = games × models."""
    named = {voice.stored.bet_type.value: _version(voice) for voice in panel.voices}
    return {
        "published_count": len(slate.predictions),
        "abstained_count": len(slate.abstentions),
        "abstentions": [
            {"game_id": a.game_id, "bet_type": a.bet_type.value, "reason": a.reason.value} for a in slate.abstentions
        ],
        "versions": {
            "code": __version__,
            "devig": panel.league.config.devig.value,
            "policy": panel.policy.version,
            "policy_document": panel.policy.document,
            **({"models": {}, "shadow": named} if _is_shadow(panel) else {"models": named}),
            "games": sorted(map(str, slot.games.index)),
        },
    }


def _is_shadow(panel: Panel) -> bool:
    """Return whether only models speak that are not in production."""
    return not any(voice.stored.is_production for voice in panel.voices)


def _version(voice: Voice) -> dict[str, Any]:
    return {
        "model_id": str(voice.stored.id),
        "artifact": voice.stored.metrics["artifact_hash"],
        "feature_set": voice.stored.metrics["identity"]["feature_set"],
        "calibration": voice.scores.calibration_version,
        "calibration_rows": voice.scores.calibration_rows,
        "suspected_leak": voice.scores.suspected_leak,
        "blend": None if voice.scores.blend is None else voice.scores.blend.version,
        "interval": None if voice.scores.interval is None else voice.scores.interval.version,
    }


def _append(
    connection: Connection, run_id: UUID, fresh: Sequence[Prediction], voices: Sequence[Voice], now: datetime
) -> None:
    stored_head = predictions.ledger_head(connection)
    head = GENESIS if stored_head is None else Head(*stored_head)
    books = {p.book: str(derive_id("sportsbook", p.book)) for p in fresh if p.book is not None}
    columns = ledger_columns(head, fresh, str(run_id), books, now)
    ledger = pd.DataFrame(columns).assign(created_at=pd.Timestamp(now))
    rows = ledger[[*_PREDICTION_COLUMNS, "prediction_id"]].rename(columns={"prediction_id": "id"})
    parts = [
        explain(voice.model, voice.asked, [p for p in fresh if p.model_id == voice.scores.model_id], voice.background)
        for voice in voices
    ]
    explanations = pd.concat([part for part in parts if len(part)])
    explanations = explanations.assign(id=_explanation_ids(explanations))
    predictions.save_predictions(connection, rows.assign(created_at=pd.Timestamp(now)), ledger, explanations)


def _keep_served(connection: Connection, panel: Panel, fresh: Sequence[Prediction], now: datetime) -> None:
    """Store the features each new prediction was served, so that they can be held against a recomputation."""
    served = {}
    for voice in panel.voices:
        games = {p.game_id for p in fresh if p.model_id == voice.scores.model_id}
        if games:
            served[voice.stored.bet_type] = voice.matrix.take(voice.matrix.X.index.isin(games))
    save_served(connection, panel.league, served, now)


def _explanation_ids(explanations: pd.DataFrame) -> pd.Series:
    """Return the identifier of each row, that of its prediction and feature; each prediction is named once."""
    codes, predicted = pd.factorize(explanations["prediction_id"])
    heads = [name_head("shap_explanation", prediction) for prediction in predicted]
    features = explanations["feature_name"].str.encode("utf-8").tolist()
    return identifiers(derive_raw_ids([heads[code] for code in codes], features)).set_axis(explanations.index)
