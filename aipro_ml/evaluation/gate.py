"""The gate before production: what a model showed, held against limits, and one verdict with every number."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aipro_ml.config import GateConfig
from aipro_ml.evaluation.evidence import Check, Evidence, Finding
from aipro_ml.evaluation.gate_checks import CHECKS, SEED


class Verdict(StrEnum):
    """What the gate says: into production; not yet, or not sure; never as it is."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    REJECT = "REJECT"


@dataclass(frozen=True)
class Gate:
    """A verdict, the checks behind it and the limits they were held against."""

    verdict: Verdict
    checks: tuple[Check, ...]
    limits: GateConfig

    @property
    def document(self) -> dict[str, Any]:
        """Return the gate as it is kept with the decision."""
        return {
            "verdict": self.verdict.value,
            "sentence": self.sentence,
            "checks": [check.fields for check in self.checks],
            "limits": self.limits.model_dump(),
            "seed": SEED,
        }

    @property
    def sentence(self) -> str:
        """Return the verdict with its reasons in one sentence."""
        worst = {Verdict.REJECT: Finding.REJECT, Verdict.HOLD: Finding.HOLD}.get(self.verdict)
        if worst is None:
            warned = [check.says for check in self.checks if check.finding is Finding.WARN]
            return "PROMOTE: every check passed" + (f"; note: {'; '.join(warned)}" if warned else "")
        return f"{self.verdict}: " + "; ".join(check.says for check in self.checks if check.finding is worst)


def judge(evidence: Evidence, limits: GateConfig) -> Gate:
    """Return the gate's verdict: REJECT where a check rejects, else HOLD where one holds, else PROMOTE."""
    checks = tuple(check(evidence, limits) for check in CHECKS)
    found = {check.finding for check in checks}
    verdict = Verdict.PROMOTE
    if Finding.REJECT in found:
        verdict = Verdict.REJECT
    elif Finding.HOLD in found:
        verdict = Verdict.HOLD
    return Gate(verdict, checks, limits)
