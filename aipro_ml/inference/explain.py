"""Why a prediction says what it says: contributions in log-odds that add up to its published probability."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.calibration.logits import expit, logit
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.inference.prediction import Prediction
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.sklearn import SklearnModel
from aipro_ml.training.trees import HistogramEstimator

Floats = npt.NDArray[np.float64]

KEPT = 10
"""Features stored by name for a prediction; all others are summed in `(rest)`."""

TERMS = ("(rest)", "(base)", "(calibration)", "(blend)")

EXPLANATION_COLUMNS = (
    "prediction_id",
    "feature_name",
    "feature_value",
    "shap_value",
    "impact_direction",
    "rank",
)

_BACKGROUND_ROWS = 20
_TOLERANCE = 1e-5  # six decimals of the stored probability, and float32 inside some trees


def explain(
    model: TrainedModel,
    X: pd.DataFrame,
    predictions: Sequence[Prediction],
    background: pd.DataFrame | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return EXPLANATION_COLUMNS: per prediction its ten largest features and the four TERMS.

    `shap_value` is in log-odds of the predicted side; a prediction's values sum to the logit of its published
    probability. `(calibration)` and `(blend)` are what calibrator and market blend added, together with the
    rounding to six decimals, which goes to `(rest)` where neither was there. `rank` 1 is the largest in size.
    AiproError where the contributions do not give a prediction's own model probability: other features or
    another model. `predictions` are all of `model`; X (index game_id) holds a row for each. `background` rows
    are needed only by models with neither contributions of their own nor trees: 2·features evaluations a row.
    """
    if not predictions:
        return pd.DataFrame(columns=list(EXPLANATION_COLUMNS))
    if len(model.outcomes) > 2:
        raise AiproError("a model of three outcomes has no explanation yet: its log-odds are no sum over features")
    rows = X.loc[[p.game_id for p in predictions], list(model.feature_names)]
    features, base = _contributions(model, rows, background, seed)
    sign = np.array([1.0 if p.predicted_side == model.outcomes[0] else -1.0 for p in predictions])
    features, base = features * sign[:, None], base * sign
    _check(predictions, base + features.sum(axis=1))
    kept = np.argsort(-np.abs(features), axis=1, kind="stable")[:, :KEPT]
    terms = _terms(features, base, kept, predictions)
    shown = np.take_along_axis(features, kept, axis=1)
    values = np.take_along_axis(rows.to_numpy("float64"), kept, axis=1)
    return _long(predictions, np.asarray(model.feature_names, dtype=object)[kept], values, shown, terms)


def feature_contributions(
    model: TrainedModel, X: pd.DataFrame, background: pd.DataFrame | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return each row's contributions in log-odds of outcome 0, one column a feature, on the index of X.

    UsageError where the model has none of its own and no `background` rows are given.
    """
    names = list(model.feature_names)
    values, _ = _contributions(model, X[names], background, seed)
    return pd.DataFrame(values, index=X.index, columns=names)


def _check(predictions: Sequence[Prediction], margin: Floats) -> None:
    explained = expit(margin)
    for prediction, p in zip(predictions, explained, strict=True):
        if abs(prediction.model_probability - p) > _TOLERANCE:
            raise AiproError(
                f"game {prediction.game_id}, {prediction.bet_type}: the explanation gives {p:.6f}, the model said "
                f"{prediction.model_probability:.6f}; explain with the model and features that predicted"
            )


def _terms(features: Floats, base: Floats, kept: npt.NDArray[np.int64], predictions: Sequence[Prediction]) -> Floats:
    """Return the values of TERMS, shape (n, 4), chosen so that every row adds up."""
    margin = base + features.sum(axis=1)
    calibrated = np.array([p.calibration_version is not None for p in predictions])
    blended = np.array([p.blend_version is not None for p in predictions])
    goal = _log_odds([p.probability for p in predictions])
    calibration = np.where(calibrated, _log_odds([p.calibrated_probability for p in predictions]) - margin, 0.0)
    blend = np.where(blended, goal - margin - calibration, 0.0)
    named = np.take_along_axis(features, kept, axis=1).sum(axis=1)
    rest = goal - base - named - calibration - blend
    return np.column_stack([rest, base, calibration, blend])


def _log_odds(p: Sequence[float]) -> Floats:
    return np.asarray(logit(np.asarray(p, dtype=np.float64)), dtype=np.float64)


def _long(
    predictions: Sequence[Prediction],
    names: npt.NDArray[np.object_],
    values: Floats,
    shown: Floats,
    terms: Floats,
) -> pd.DataFrame:
    """Return one row a prediction and term, largest first."""
    n, k = len(predictions), shown.shape[1] + len(TERMS)
    contribution = np.column_stack([shown, terms])
    order = np.argsort(-np.abs(contribution), axis=1, kind="stable")
    all_names = np.column_stack([names, np.tile(np.array(TERMS, dtype=object), (n, 1))])
    all_values = np.column_stack([values, np.full((n, len(TERMS)), np.nan)])
    shap_value = np.take_along_axis(contribution, order, axis=1).ravel()
    return pd.DataFrame(
        {
            "prediction_id": np.repeat(np.array([str(p.prediction_id) for p in predictions], dtype=object), k),
            "feature_name": np.take_along_axis(all_names, order, axis=1).ravel(),
            "feature_value": np.take_along_axis(all_values, order, axis=1).ravel(),
            "shap_value": shap_value,
            "impact_direction": np.where(shap_value < 0, "negative", "positive"),
            "rank": np.tile(np.arange(1, k + 1), n),
        }
    )


def _contributions(
    model: TrainedModel, X: pd.DataFrame, background: pd.DataFrame | None, seed: int
) -> tuple[Floats, Floats]:
    """Return contributions (n, d) in the model's own order and base (n,), in log-odds of outcome 0."""
    own = model.contributions(X)
    if own is not None:
        return own[0][list(model.feature_names)].to_numpy("float64"), own[1]
    if isinstance(model, SklearnModel) and isinstance(model.estimator, HistogramEstimator):
        return _of_trees(model.estimator.classifier, X)
    if background is None:
        raise UsageError("this model has no contributions of its own: pass background rows to explain it")
    return _of_any(model, X, background, seed)


def _of_trees(classifier: Any, X: pd.DataFrame) -> tuple[Floats, Floats]:
    import shap

    explainer = shap.TreeExplainer(classifier)
    values = np.asarray(explainer.shap_values(X.to_numpy("float64")), dtype=np.float64)
    base = float(np.ravel(explainer.expected_value)[-1])
    return values, np.full(len(X), base)


def _of_any(model: TrainedModel, X: pd.DataFrame, background: pd.DataFrame, seed: int) -> tuple[Floats, Floats]:
    import shap

    names = list(model.feature_names)

    def log_odds(values: Floats) -> Floats:
        return _log_odds(model.predict_proba(pd.DataFrame(values, columns=names))[:, 0].tolist())

    known = background[names].to_numpy("float64")[:_BACKGROUND_ROWS]
    explainer = shap.PermutationExplainer(log_odds, shap.maskers.Independent(known), seed=seed)
    evaluations = 2 * len(names) + 1
    # one call of the model a row: a model that starts a process to predict would start ten otherwise
    found = explainer(X.to_numpy("float64"), max_evals=evaluations, batch_size=evaluations, silent=True)
    return np.asarray(found.values, dtype=np.float64), np.asarray(found.base_values, dtype=np.float64)
