"""A replay held against the ledger: row by row equal, different with the first field that is, missing or extra."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aipro_ml.inference.prediction import Prediction, canonical_row
from aipro_ml.inference.predictor import Abstention, Slate

CAUSES = (
    "as_of",
    "predicted_side",
    "line_at_prediction",
    "odds_at_prediction",
    "book",
    "fair_probability",
    "model_probability",
    "calibration_version",
    "calibrated_probability",
    "blend_version",
    "probability",
    "probability_low",
    "probability_high",
    "push_probability",
    "edge",
    "ev",
    "kelly_fraction",
    "signal_tier",
)
"""What is compared, from cause to consequence: the first that differs says where to look."""

Key = tuple[str, str, str]


class Verdict(StrEnum):
    """What came of a row, or of an abstention, when it was replayed."""

    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True)
class Difference:
    """A prediction or abstention that did not come again as it was: the first field, what is stored, what came."""

    verdict: Verdict
    game_id: str
    bet_type: str
    field: str
    stored: str
    replayed: str
    fields: int = 1

    @property
    def row(self) -> dict[str, Any]:
        """Return the difference as one row of a table."""
        return {
            "verdict": self.verdict.value,
            "game": self.game_id,
            "bet_type": self.bet_type,
            "field": self.field,
            "stored": self.stored,
            "replayed": self.replayed,
            "fields": self.fields,
        }


def compare(
    stored: Iterable[Mapping[str, Any]], abstained: Iterable[Mapping[str, Any]], slate: Slate, known: set[str]
) -> tuple[int, list[Difference]]:
    """Return how many stored rows came again to the last digit, and every difference.

    `stored`: ledger rows (with `book`) that one computation wrote. `abstained`: its abstentions. `known`: prediction
    hashes that stood in the ledger before it, which it therefore did not write again.
    """
    came = {_key(prediction.values()): prediction for prediction in slate.predictions}
    rows = {_key(row): row for row in stored}
    found = [_difference(row, came.get(key)) for key, row in rows.items()]
    differences = [each for each in found if each is not None]
    extra = [p for key, p in came.items() if key not in rows and p.prediction_hash not in known]
    differences += [_extra(prediction) for prediction in extra]
    return len(found) - sum(each is not None for each in found), differences + _abstentions(abstained, slate)


def _key(row: Mapping[str, Any]) -> Key:
    return str(row["game_id"]), str(row["bet_type"]), str(row["model_id"])


def _difference(row: Mapping[str, Any], prediction: Prediction | None) -> Difference | None:
    game, bet_type, _ = _key(row)
    if prediction is None:
        return Difference(Verdict.MISSING, game, bet_type, "prediction", str(row["prediction_hash"]), "none", 1)
    values = prediction.values()
    off = [name for name in CAUSES if _said(name, row[name]) != _said(name, values[name])]
    if not off:
        return None
    first = off[0]
    return Difference(
        Verdict.DIFFERS, game, bet_type, first, _said(first, row[first]), _said(first, values[first]), len(off)
    )


def _said(name: str, value: Any) -> str:
    """Return a value as the hash sees it: six decimals, times in UTC."""
    return canonical_row({name: value}).decode().removeprefix(f'{{"{name}":').removesuffix("}").strip('"')


def _extra(prediction: Prediction) -> Difference:
    hash_ = prediction.prediction_hash
    return Difference(Verdict.EXTRA, prediction.game_id, prediction.bet_type.value, "prediction", "none", hash_)


def _abstentions(abstained: Iterable[Mapping[str, Any]], slate: Slate) -> list[Difference]:
    then = {(str(a["game_id"]), str(a["bet_type"])): str(a["reason"]) for a in abstained}
    now = {_place(a): a.reason.value for a in slate.abstentions}
    off = sorted(place for place in then.keys() | now.keys() if then.get(place) != now.get(place))
    verdicts = dict.fromkeys(then.keys() & now.keys(), Verdict.DIFFERS)
    return [
        Difference(
            verdicts.get(place, Verdict.MISSING if place in then else Verdict.EXTRA),
            *place,
            "abstention",
            then.get(place, "none"),
            now.get(place, "none"),
        )
        for place in off
    ]


def _place(abstention: Abstention) -> tuple[str, str]:
    return abstention.game_id, abstention.bet_type.value
