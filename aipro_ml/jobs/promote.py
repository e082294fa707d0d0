"""Which model speaks for the platform: one atomic decision, written to every table that shows it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from aipro_ml.config import Settings
from aipro_ml.db.repositories import acts, models
from aipro_ml.enums import BetType
from aipro_ml.errors import GuardError, UsageError
from aipro_ml.evaluation.gate import Gate, Verdict
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.identity import derive_id
from aipro_ml.jobs.actors import actor_known, write_down
from aipro_ml.jobs.authority import require
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.deciding import speaker_of
from aipro_ml.jobs.gate import gate_of, whole_oof

_JUDGED = ("artifact_hash", "calibration", "blend", "leak")
"""What the gate's evidence stands on, of all a model's metrics."""

LONGEST_NAME = 255


@dataclass(frozen=True)
class Decision:
    """Who promotes, why and when; a dry run decides nothing.

    `force` overrules the gate's HOLD or REJECT; it never puts a damaged or uncalibrated model into production.
    `clock` tells when the decision falls, for judging takes its time; without it `now` does.
    """

    reason: str
    actor: str
    now: datetime
    dry_run: bool = False
    force: bool = False
    clock: Callable[[], datetime] | None = None

    @property
    def moment(self) -> datetime:
        """Return the time of day now, by `clock`."""
        return self.now if self.clock is None else self.clock()

    def check(self, what: str) -> None:
        """Raise UsageError where `what` would be written down without a reason, or without a name to answer for it."""
        if not self.reason.strip():
            raise UsageError(f'{what} needs a reason: --reason "…"')
        if not self.actor.strip() or len(self.actor) > LONGEST_NAME:
            raise UsageError(f"{what} needs somebody who decides, in at most {LONGEST_NAME} letters: --actor NAME")


@dataclass(frozen=True)
class Promotion:
    """A model in production now (or still), what the gate said of it, and the model it replaced.

    `gate` is None where nothing was judged: the model was in production already, or a rollback brought it back.
    """

    model: models.StoredModel
    gate: Gate | None
    previous: UUID | None
    changed: bool


class PromotionRefusedError(GuardError):
    """The gate said HOLD or REJECT; `gate` has every number."""

    def __init__(self, message: str, gate: Gate) -> None:
        super().__init__(message)
        self.gate = gate


def promote(engine: Engine, settings: Settings, reference: str, decision: Decision) -> Promotion:
    """Make the model whose id begins with `reference` the production model of its sport and bet type.

    PromotionRefusedError, with the refusal kept, where the gate says HOLD or REJECT and nobody forces it. GuardError
    for a model that was never calibrated, and where another decision or calibration came in between: one of two at
    once wins. ArtifactError where a file it would speak from, of model or calibration, is gone or damaged.
    """
    decision.check("a promotion")
    with engine.connect() as connection:
        model = models.find_model(connection, reference)
        champion = models.production_models(connection, model.sport).get(model.bet_type)
        _refuse_unready(model)
        whole_oof(settings, model)
        if model.is_production:
            return Promotion(model, None, None, changed=False)
        speaker_of(settings, model)
        gate = gate_of(connection, settings, model, champion, decision.now)
    refused = gate.verdict is not Verdict.PROMOTE
    with unit(engine, dry_run=decision.dry_run) as connection:
        _lock(connection, model, champion)
        speaker_of(settings, model)  # retention may have removed its files while the gate judged it
        action = "force" if refused and decision.force else "promote"
        if refused and not decision.force:
            _write(connection, model, decision, action, gate, None if champion is None else champion.id)
        else:
            previous = models.set_production(connection, model)
            _write(connection, model, decision, action, gate, previous)
    if refused and not decision.force:
        raise PromotionRefusedError(f"model {_short(model)} is not promoted. {gate.sentence}", gate)
    return Promotion(model, gate, None if champion is None else champion.id, changed=True)


def rollback(engine: Engine, settings: Settings, code: str, bet_type: BetType, decision: Decision) -> Promotion:
    """Bring back the champion before the present one; ArtifactError if it is damaged.

    GuardError where there is none, and where another decision came in between: of two rollbacks at once one wins.
    """
    decision.check("a rollback")
    code = find_sport(code).code
    with engine.connect() as connection:
        seen = models.production_models(connection, code).get(bet_type)
    with unit(engine, dry_run=decision.dry_run) as connection:
        acts.lock_decisions(connection, code)
        line = line_of_champions(acts.decisions(connection, code, bet_type))
        champion = models.production_models(connection, code).get(bet_type)
        _refuse_meanwhile(code, bet_type, seen, champion)
        if champion is None or len(line) < 2 or line[-1] != champion.id:
            raise GuardError(
                f"{code} {bet_type} has no champion before the present one to go back to: see `aipro model history`"
            )
        model = models.find_model(connection, str(line[-2]))
        speaker_of(settings, model)
        models.set_production(connection, model)
        _write(connection, model, decision, "rollback", None, champion.id)
    return Promotion(model, None, champion.id, changed=True)


def line_of_champions(decisions: Sequence[acts.StoredDecision]) -> list[UUID]:
    """Return the champions that stand behind each other, the present one last: a rollback takes the last away.

    `decisions` of one sport and bet type, newest first.
    """
    line: list[UUID] = []
    for decision in reversed(decisions):
        if decision.action == "rollback":
            line = line[:-1] if line[-2:-1] == [decision.model_id] else [decision.model_id]
        elif decision.took_effect:
            line.append(decision.model_id)
    return line


def best_model(found: list[models.StoredModel], sport: str, bet_type: BetType) -> models.StoredModel | None:
    """Return the calibrated model without leak alarm of least walk-forward log loss among `found`, if any."""
    fit = [
        model
        for model in found
        if (model.sport, model.bet_type) == (sport, bet_type)
        and {"calibration", "leaderboard"} <= model.metrics.keys()
        and model.metrics.get("leak") != "suspected_leak"
    ]
    return min(fit, key=lambda model: (model.metrics["leaderboard"]["log_loss"], str(model.id)), default=None)


def _lock(connection: Connection, model: models.StoredModel, champion: models.StoredModel | None) -> None:
    """Wait for other decisions of the sport; GuardError where one of them changed what the gate was judged on."""
    acts.lock_decisions(connection, model.sport)
    today = models.find_model(connection, str(model.id))
    if any(today.metrics.get(name) != model.metrics.get(name) for name in _JUDGED):
        raise GuardError(
            f"model {_short(model)} is not promoted: it was calibrated or trained again while the gate judged it; "
            "promote again, so that the gate judges what would be published"
        )
    now = models.production_models(connection, model.sport).get(model.bet_type)
    _refuse_meanwhile(model.sport, model.bet_type, champion, now)


def _refuse_meanwhile(
    code: str, bet_type: BetType, seen: models.StoredModel | None, now: models.StoredModel | None
) -> None:
    """Raise GuardError where the champion that was `seen` is not the one of `now`."""
    if (None if now is None else now.id) != (None if seen is None else seen.id):
        raise GuardError(
            f"another decision over {code} {bet_type} was taken meanwhile: see `aipro model history`, "
            "then decide again if it still is right"
        )


def _refuse_unready(model: models.StoredModel) -> None:
    if "leaderboard" not in model.metrics:
        raise GuardError(
            f"model {_short(model)} is not promoted: its training never ended, so it was never compared: run "
            "`aipro train resume`"
        )
    if "calibration" not in model.metrics:
        raise GuardError(
            f"model {_short(model)} is not promoted: it was never calibrated: run "
            f"`aipro calibrate run {str(model.id)[:8]}` first"
        )


def _write(
    connection: Connection,
    model: models.StoredModel,
    decision: Decision,
    action: str,
    gate: Gate | None,
    previous: UUID | None,
) -> None:
    """Write the decision to the promotions and to the audit log; a user who took it by id, never by address."""
    verdict = None if gate is None else gate.verdict.value
    decided_at = _moment(connection, model, decision.moment)
    who = actor_known(connection, decision.actor)
    require(connection, who, "admin:models")
    actor = decision.actor if who.user_id is None else str(who.user_id)
    row: dict[str, Any] = {
        "sport_id": derive_id("sport", model.sport),
        "bet_type": model.bet_type,
        "model_id": model.id,
        "previous_model_id": previous,
        "action": action,
        "verdict": verdict,
        "reason": decision.reason,
        "actor": actor,
        "gate": None if gate is None else gate.document,
        "artifact_hash": model.metrics.get("artifact_hash"),
        "decided_at": decided_at,
    }
    acts.save_promotion(connection, row)
    refused = action == "promote" and gate is not None and gate.verdict is not Verdict.PROMOTE
    act = {
        "reason": decision.reason,
        "actor": actor,
        "previous": None if previous is None else str(previous),
        "verdict": verdict,
    }
    name = "model.refuse" if refused else f"model.{action}"
    write_down(connection, who, name, ("ml_models", model.id), act, decided_at)


def _moment(connection: Connection, model: models.StoredModel, now: datetime) -> datetime:
    """Return `now`, or just after the last decision: their order in time is the order they were taken in."""
    last = next((each.decided_at for each in acts.decisions(connection, model.sport, model.bet_type)), None)
    return now if last is None else max(now, last + timedelta(microseconds=1))


def _short(model: models.StoredModel) -> str:
    return f"{str(model.id)[:8]} ({model.name})"
