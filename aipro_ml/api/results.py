"""What a training and a prediction hand back in Python: frames, and the models' ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from aipro_ml.inference.prediction import Prediction
from aipro_ml.jobs.publish import RunReport
from aipro_ml.jobs.train import TrainingReport

PREDICTION_COLUMNS = (
    "game_id",
    "bet_type",
    "side",
    "line",
    "price",
    "book",
    "probability",
    "probability_low",
    "probability_high",
    "model_probability",
    "calibrated_probability",
    "fair_probability",
    "edge",
    "ev",
    "kelly",
    "tier",
    "as_of",
    "model_id",
)
"""Columns of `Predicted.predictions`; probabilities, and the interval of the published one, are the predicted side's,
given no push."""

_SHORT = {
    "side": "predicted_side",
    "line": "line_at_prediction",
    "price": "odds_at_prediction",
    "kelly": "kelly_fraction",
    "tier": "signal_tier",
}


@dataclass(frozen=True)
class Training:
    """A training that ended.

    `leaderboard`: index name, best log loss first; the columns `aipro train run` prints, and `model_id` (None for
    baselines). `models`: the stored models' ids by name. `coefficients` of the rows `stack` and `blend`, else
    empty. `failures`: the reason by the name of each candidate that could not be trained.
    """

    leaderboard: pd.DataFrame
    models: Mapping[str, str]
    coefficients: pd.DataFrame
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Predicted:
    """The predictions of a night.

    `predictions`: PREDICTION_COLUMNS, index the prediction's id, in order of time. `abstentions`: game_id, bet_type,
    reason. `runs`: one row a run: as_of, mode, games, published, new, abstained. `published`: whether they were
    written into the ledger.
    """

    predictions: pd.DataFrame
    abstentions: pd.DataFrame
    runs: pd.DataFrame
    published: bool


def table(rows: Iterable[Mapping[str, Any]], index: str | None = None) -> pd.DataFrame:
    """Return rows as a frame, with the column `index` for its index where there is a row at all."""
    frame = pd.DataFrame([dict(row) for row in rows])
    return frame.set_index(index) if index is not None and len(frame) else frame


def training_of(report: TrainingReport) -> Training:
    """Return the frames of a training's report."""
    models = {row.name: str(row.model_id) for row in report.models}
    rows = [{**row.fields, "model_id": models.get(row.name)} for row in report.leaderboard]
    failures = {row.name: str(row.error) for row in report.failures}
    return Training(table(rows, "name"), models, table(report.coefficients), failures)


def predicted_of(reports: Sequence[RunReport], *, published: bool) -> Predicted:
    """Return the frames of a prediction's runs."""
    found = [prediction for report in reports for prediction in report.slate.predictions]
    ids = pd.Index([str(prediction.prediction_id) for prediction in found], name="prediction_id", dtype=object)
    predictions = pd.DataFrame(map(_row, found), index=ids, columns=list(PREDICTION_COLUMNS))
    abstentions = [
        (abstention.game_id, abstention.bet_type.value, abstention.reason.value)
        for report in reports
        for abstention in report.slate.abstentions
    ]
    return Predicted(
        predictions,
        pd.DataFrame(abstentions, columns=["game_id", "bet_type", "reason"]),
        table(report.row for report in reports),
        published,
    )


def _row(prediction: Prediction) -> tuple[Any, ...]:
    values = prediction.values()
    plain = {name: getattr(value, "value", value) for name, value in values.items()}
    return tuple(plain[_SHORT.get(name, name)] for name in PREDICTION_COLUMNS)
