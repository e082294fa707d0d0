"""A published prediction, its canonical form and the hash that proves it was not changed afterwards."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import BetType, Selection, Tier
from aipro_ml.identity import derive_id
from aipro_ml.times import ensure_utc, iso_utc

DECIMALS = 6
"""Every stored float of a prediction has this many decimals."""

HASHED_COLUMNS = (
    "as_of",
    "bet_type",
    "edge",
    "game_id",
    "kelly_fraction",
    "line_at_prediction",
    "model_id",
    "odds_at_prediction",
    "predicted_side",
    "probability",
    "signal_tier",
)
"""The columns of methods §4, in the order of the canonical JSON."""

FLOAT_COLUMNS = frozenset(
    {
        "probability",
        "edge",
        "kelly_fraction",
        "line_at_prediction",
        "ev",
        "push_probability",
        "probability_low",
        "probability_high",
        "fair_probability",
        "model_probability",
        "calibrated_probability",
    }
)
"""Columns that are written with six decimals, whatever number type a driver hands back."""


_TEXT = json.JSONEncoder(ensure_ascii=False).encode
"""A word as JSON; `json.dumps` would make an encoder for each."""


_TIE, _LARGE = 1e-3, 1e12
"""In units of the last decimal: so near to a half, or beyond this size, a vectorised rounding is not to be trusted."""


def rounded(value: float | None) -> float | None:
    """Return `value` with six decimals and without a negative zero; None and NaN give None."""
    if value is None or math.isnan(value):
        return None
    return round(float(value), DECIMALS) + 0.0


def rounded_column(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return `rounded` of each value, NaN where it is missing.

    `numpy.round` alone may err on what lies near a half; that, and what is too large for it, is rounded one by one.
    """
    scaled = values * 10**DECIMALS
    near = np.rint(scaled)
    found: npt.NDArray[np.float64] = near / 10**DECIMALS + 0.0
    with np.errstate(invalid="ignore"):  # infinity minus itself
        uncertain = (np.abs(np.abs(scaled - near) - 0.5) < _TIE) | (np.abs(scaled) > _LARGE)
    for place in np.flatnonzero(uncertain):
        found[place] = round(float(values[place]), DECIMALS) + 0.0
    return found


@dataclass(frozen=True)
class Prediction:
    """One prediction for one game and bet type; probabilities are the predicted side's, given no push.

    `edge` is None for a one-sided market, `line_at_prediction` None for moneylines (0.0 is a line), signed
    for the predicted side. Floats are rounded to six decimals on construction, so what is hashed is stored.
    """

    game_id: str
    model_id: str
    bet_type: BetType
    predicted_side: Selection
    probability: float
    edge: float | None
    kelly_fraction: float
    signal_tier: Tier
    line_at_prediction: float | None
    odds_at_prediction: int | None
    as_of: datetime
    book: str | None
    ev: float | None
    push_probability: float
    fair_probability: float | None
    model_probability: float
    calibrated_probability: float
    calibration_version: str | None = None
    blend_version: str | None = None
    probability_low: float | None = None
    probability_high: float | None = None

    def __post_init__(self) -> None:
        values = self.__dict__  # frozen for others: a back-fill makes tens of thousands
        for name in FLOAT_COLUMNS:
            value = values[name]
            if value is not None:  # `rounded`, written out: a call a number is half of what they cost
                values[name] = round(float(value), DECIMALS) + 0.0 if value == value else None  # noqa: PLR0124
        values["as_of"] = ensure_utc(self.as_of)

    @classmethod
    def of_columns(cls, columns: Mapping[str, Any]) -> list["Prediction"]:
        """Return a prediction a row of `columns`, one for each field: as one by one, in a fraction of the time.

        Floats are arrays (n,), NaN where missing, everything else sequences of n values.
        """
        kept = {
            name: _plain(columns[name]) if name in FLOAT_COLUMNS else columns[name] for name in cls.__dataclass_fields__
        }
        utc = {moment: ensure_utc(moment) for moment in set(kept["as_of"])}
        kept["as_of"] = [utc[moment] for moment in kept["as_of"]]
        made = []
        for row in zip(*kept.values(), strict=True):
            one = object.__new__(cls)
            one.__dict__.update(zip(kept, row, strict=True))
            made.append(one)
        return made

    @cached_property
    def prediction_hash(self) -> str:
        """Return the SHA-256 of methods §4 (64 hex digits)."""
        return prediction_hash_of(self.values())

    @cached_property
    def prediction_id(self) -> UUID:
        """Return the identifier derived from the hash: the same prediction is the same row."""
        return derive_id("prediction", self.prediction_hash)

    @cached_property
    def key(self) -> str:
        """Return `prediction_id` as text, as ledger and explanations name the prediction."""
        return str(self.prediction_id)

    def values(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in PREDICTION_FIELDS}


def _plain(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in rounded_column(values).tolist()]  # noqa: PLR0124


PREDICTION_FIELDS = tuple(field.name for field in fields(Prediction))
"""The names of a prediction's own values, in their order."""


def prediction_hash_of(row: Mapping[str, Any]) -> str:
    """Return the prediction hash recomputed from a ledger row; other columns play no part."""
    return hashlib.sha256(prediction_image(row)).hexdigest()


def prediction_image(row: Mapping[str, Any]) -> bytes:
    """Return what the prediction hash of a ledger row is the SHA-256 of."""
    return canonical_row({name: row[name] for name in HASHED_COLUMNS})


def prediction_hashes(predictions: Sequence[Prediction]) -> list[str]:
    """Return the hash of each prediction, found by the column; a prediction asked for its own then knows it."""
    columns = {name: [getattr(prediction, name) for prediction in predictions] for name in HASHED_COLUMNS}
    hashes = [hashlib.sha256(f"{{{members}}}".encode()).hexdigest() for members in canonical_members(columns)]
    for prediction, digest in zip(predictions, hashes, strict=True):
        prediction.__dict__["prediction_hash"] = digest
    return hashes


def canonical_row(row: Mapping[str, Any]) -> bytes:
    """Return `row` as canonical JSON: sorted keys, UTF-8, no spaces.

    Float columns are JSON numbers with exactly six decimals (`0.500000`), whole-number columns JSON integers,
    times ISO 8601 UTC ending in Z, identifiers and words JSON strings; None, NaN, NaT and NA are `null`.
    """
    return ("{" + ",".join([f"{_TEXT(name)}:{_token(name, row[name])}" for name in sorted(row)]) + "}").encode()


def canonical_members(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return what stands between the braces of `canonical_row`, for each row of `columns` (n values each)."""
    names = sorted(columns)
    members = ",".join(f"{_TEXT(name)}:%s" for name in names)
    return [members % row for row in zip(*(_tokens(name, columns[name]) for name in names), strict=True)]


def _tokens(name: str, values: Sequence[Any]) -> list[str]:
    """Return the token of each value; equal words, times and whole numbers have one token, looked up again."""
    if name in FLOAT_COLUMNS:
        return [_token(name, value) for value in values]
    known = {value: _token(name, value) for value in set(values)}
    return [known[value] for value in values]


def _token(name: str, value: Any) -> str:
    if _missing(value):
        return "null"
    if name in FLOAT_COLUMNS:
        return f"{round(float(value), DECIMALS) + 0.0:.6f}"
    if isinstance(value, datetime):
        return _TEXT(iso_utc(value))
    if isinstance(value, str | UUID):
        return _TEXT(str(value))
    return str(int(value))


def _missing(value: Any) -> bool:
    """Return whether `value` is None, NaN, NaT or NA; pandas is asked only where nothing plainer tells."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (not isinstance(value, str | int | UUID) and bool(pd.isna(value)))
