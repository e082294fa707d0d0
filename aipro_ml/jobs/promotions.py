"""The history of promotions, as tables show it."""

from typing import Any

from aipro_ml.config import Settings
from aipro_ml.db.repositories import acts
from aipro_ml.enums import BetType
from aipro_ml.evaluation.gate import Gate
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.jobs.database import opened


def history(
    settings: Settings, sport: str | None, bet_type: BetType | None, limit: int, *, full: bool = False
) -> list[dict[str, Any]]:
    """Return the latest decisions, newest first; `full` adds whole identifiers and the gate with its numbers."""
    code = None if sport is None else find_sport(sport).code
    with opened(settings) as engine, engine.connect() as connection:
        found = acts.decisions(connection, code, bet_type)[:limit]
    return [_full(row) if full else _row(row) for row in found]


def check_rows(gate: Gate) -> list[dict[str, Any]]:
    """Return one row a check of the gate."""
    shown = ("value", "low", "high", "limit", "n")
    return [
        {"check": check.name, "finding": check.finding.value, **{name: check.fields[name] for name in shown}}
        for check in gate.checks
    ]


def _row(decision: acts.StoredDecision) -> dict[str, Any]:
    return {
        "decided_at": decision.decided_at,
        "sport": decision.sport,
        "bet_type": decision.bet_type.value,
        "action": decision.action,
        "verdict": decision.verdict,
        "in effect": decision.took_effect,
        "model": f"{str(decision.model_id)[:8]} {decision.model}",
        "instead of": None if decision.previous_model_id is None else str(decision.previous_model_id)[:8],
        "who": decision.actor,
        "why": decision.reason,
        "artifact": None if decision.artifact_hash is None else decision.artifact_hash[:12],
    }


def _full(decision: acts.StoredDecision) -> dict[str, Any]:
    return {
        **_row(decision),
        "model": str(decision.model_id),
        "name": decision.model,
        "instead of": None if decision.previous_model_id is None else str(decision.previous_model_id),
        "artifact": decision.artifact_hash,
        "gate": decision.gate,
    }
