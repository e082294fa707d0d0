"""Why a prediction says what it says: contributions in log-odds that add up to its published probability."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.calibration.logits import expit, logit
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.inference.outcome_odds import outcome_log_odds
from aipro_ml.inference.prediction import Prediction
from aipro_ml.training.base import TrainedModel, outcome_contributions
from aipro_ml.training.ensemble import EnsembleModel
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

_DIRECTIONS = np.array(["positive", "negative"], dtype=object)
_KEY = attrgetter("key")
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
    rows = _asked(X, [p.game_id for p in predictions], list(model.feature_names))
    chosen = np.array([model.outcomes.index(p.predicted_side) for p in predictions])
    features, base = _of_sides(model, rows, chosen, background, seed)
    margin = base + features.sum(axis=1)
    _check(predictions, margin)
    kept = _kept(features)
    shown = _taken(features, kept)
    every = np.column_stack([shown, *_terms(margin, base, shown.sum(axis=1), predictions)])
    return _long(predictions, model.feature_names, kept, every, rows)


def _asked(X: pd.DataFrame, games: list[str], names: list[str]) -> pd.DataFrame:
    """Return the columns `names` of X, a row a game; nothing is looked up where they are the rows of X already."""
    if X.index.tolist() == games:
        return X if list(X.columns) == names else X[names]
    return X.loc[games, names]


def feature_contributions(
    model: TrainedModel, X: pd.DataFrame, background: pd.DataFrame | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return each row's contributions in log-odds of outcome 0, one column a feature, on the index of X.

    UsageError where the model has none of its own and no `background` rows are given.
    """
    names = list(model.feature_names)
    values, _ = _contributions(model, X[names], background, seed)
    return pd.DataFrame(values, index=X.index, columns=names)


def explained_rows(
    model: TrainedModel, X: pd.DataFrame, background: pd.DataFrame | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return `feature_contributions` and a last column `(base)`: a row's sum is the logit of its probability."""
    names = list(model.feature_names)
    values, base = _contributions(model, X[names], background, seed)
    return pd.DataFrame(np.column_stack([values, base]), index=X.index, columns=[*names, "(base)"])


def _check(predictions: Sequence[Prediction], margin: Floats) -> None:
    said, explained = np.array([p.model_probability for p in predictions]), expit(margin)
    same = np.abs(said - explained) <= _TOLERANCE
    for row in np.flatnonzero(~same):
        prediction = predictions[row]
        raise AiproError(
            f"game {prediction.game_id}, {prediction.bet_type}: the explanation gives {explained[row]:.6f}, the model "
            f"said {prediction.model_probability:.6f}; explain with the model and features that predicted"
        )


def _kept(features: Floats) -> npt.NDArray[np.int64]:
    """Return the first KEPT of `_largest`: sizes are sorted as integers that end in the place of the column.

    Numbers above zero stand in the order of their bits, and whole numbers sort several times as fast as positions.
    Where two sizes differ in no more bits than the place takes, the sorted positions are asked for after all.
    """
    width = features.shape[1]
    places = np.int64((1 << width.bit_length()) - 1)
    size = np.abs(features)
    keys = size.view(np.int64) & ~places | (places - np.arange(width))
    keys.sort(axis=1)
    order = places - (keys[:, ::-1] & places)
    ranked = _taken(size, order)
    if (ranked[:, 1:] > ranked[:, :-1]).any():
        order = _largest(features)
    return order[:, :KEPT]


def _largest(values: Floats) -> npt.NDArray[np.int64]:
    """Return the columns of each row by the size of their values, largest first, equal ones in their order."""
    order: npt.NDArray[np.int64] = np.argsort(-np.abs(values), axis=1, kind="stable")
    return order


def _taken(table: npt.NDArray[Any], columns: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return of each row the values in `columns` (n, k), as np.take_along_axis does, in half its time."""
    n, width = table.shape
    return table.ravel()[columns + np.arange(0, n * width, width)[:, None]]


def _terms(margin: Floats, base: Floats, named: Floats, predictions: Sequence[Prediction]) -> tuple[Floats, ...]:
    """Return the values of TERMS, shape (n,) each, chosen so that they and the `named` features' sum add up."""
    goal = _log_odds([p.probability for p in predictions])
    calibration = blend = np.zeros(len(margin))
    calibrated = [p.calibration_version is not None for p in predictions]
    blended = [p.blend_version is not None for p in predictions]
    if any(calibrated):
        calibration = np.where(calibrated, _log_odds([p.calibrated_probability for p in predictions]) - margin, 0.0)
    if any(blended):
        blend = np.where(blended, goal - margin - calibration, 0.0)
    rest = goal - base - named - calibration - blend
    return rest, base, calibration, blend


def _log_odds(p: Sequence[float]) -> Floats:
    return np.asarray(logit(np.asarray(p, dtype=np.float64)), dtype=np.float64)


def _long(
    predictions: Sequence[Prediction],
    names: Sequence[str],
    kept: npt.NDArray[np.int64],
    every: Floats,
    rows: pd.DataFrame,
) -> pd.DataFrame:
    """Return one row a prediction and value, largest first; `every`: those of the columns `kept`, then of TERMS.

    What a row is called and what its feature was worth is looked up in tables with the terms behind the features.
    """
    n, k = every.shape
    order = _largest(every)
    terms = np.broadcast_to(np.arange(len(names), len(names) + len(TERMS)), (n, len(TERMS)))
    column = _taken(np.concatenate([kept, terms], axis=1), order)
    values = np.full((n, len(names) + len(TERMS)), np.nan)
    values[:, : len(names)] = rows.to_numpy("float64")
    shap_value = _taken(every, order).ravel()
    return pd.DataFrame(
        {
            "prediction_id": np.array(list(map(_KEY, predictions)), dtype=object).repeat(k),
            "feature_name": np.array([*names, *TERMS], dtype=object).take(column.ravel()),
            "feature_value": _taken(values, column).ravel(),
            "shap_value": shap_value,
            "impact_direction": _DIRECTIONS.take((shap_value < 0).view(np.int8)),
            "rank": np.tile(np.arange(1, k + 1), n),
        },
        index=pd.RangeIndex(n * k),  # without one pandas first looks for labels in every column
        copy=False,
    )


def _of_sides(
    model: TrainedModel,
    X: pd.DataFrame,
    chosen: npt.NDArray[np.int64],
    background: pd.DataFrame | None,
    seed: int,
) -> tuple[Floats, Floats]:
    """Return contributions (n, d) and base (n,) in log-odds of each row's `chosen` outcome (its number)."""
    if len(model.outcomes) > 2:
        return _of_three(model, X, chosen, background, seed)
    features, base = _contributions(model, X, background, seed)
    sign = np.where(chosen == 0, 1.0, -1.0)
    return features * sign[:, None], base * sign


def _of_three(
    model: TrainedModel,
    X: pd.DataFrame,
    chosen: npt.NDArray[np.int64],
    background: pd.DataFrame | None,
    seed: int,
) -> tuple[Floats, Floats]:
    own = outcome_contributions(model, X)
    if own is None and isinstance(model, SklearnModel) and isinstance(model.estimator, HistogramEstimator):
        own = _of_all_trees(model.estimator.classifier, X)
    if own is not None:
        return outcome_log_odds(*own, chosen)
    known = _required(background)
    features, base = np.empty(X.shape), np.empty(len(X))
    for outcome in np.unique(chosen):
        rows = chosen == outcome
        features[rows], base[rows] = _of_any(model, X.loc[rows], known, seed, int(outcome))
    return features, base


def _contributions(
    model: TrainedModel, X: pd.DataFrame, background: pd.DataFrame | None, seed: int
) -> tuple[Floats, Floats]:
    """Return contributions (n, d) in the model's own order and base (n,), in log-odds of outcome 0."""
    if len(model.outcomes) > 2:
        return _of_three(model, X, np.zeros(len(X), dtype=np.int64), background, seed)
    own = model.contributions(X)
    if own is not None:
        names, found = list(model.feature_names), own[0]
        return (found if list(found.columns) == names else found[names]).to_numpy("float64"), own[1]
    if isinstance(model, SklearnModel) and isinstance(model.estimator, HistogramEstimator):
        return _of_trees(model.estimator.classifier, X)
    if isinstance(model, EnsembleModel):
        return _of_members(model, X, background, seed)
    return _of_any(model, X, _required(background), seed)


def _of_members(
    model: EnsembleModel, X: pd.DataFrame, background: pd.DataFrame | None, seed: int
) -> tuple[Floats, Floats]:
    """Return the weighted sum of the members' contributions: a pool's log-odds are that sum of theirs.

    Each member in its own exact form where it has one; only the others are asked over and over.
    """
    place = {name: number for number, name in enumerate(model.feature_names)}
    features, base = np.zeros((len(X), len(place))), np.zeros(len(X))
    for coef, member in zip(model.pool.coef, model.members.values(), strict=True):
        if coef == 0:
            continue
        names = list(member.feature_names)
        found = _contributions(member, X[names], background, seed)
        features[:, [place[name] for name in names]] += coef * found[0]
        base += coef * found[1]
    return features, base


def _required(background: pd.DataFrame | None) -> pd.DataFrame:
    if background is None:
        raise UsageError("this model has no contributions of its own: pass background rows to explain it")
    return background


def _of_trees(classifier: Any, X: pd.DataFrame) -> tuple[Floats, Floats]:
    import shap

    explainer = shap.TreeExplainer(classifier)
    values = np.asarray(explainer.shap_values(X.to_numpy("float64")), dtype=np.float64)
    base = float(np.ravel(explainer.expected_value)[-1])
    return values, np.full(len(X), base)


def _of_all_trees(classifier: Any, X: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return contributions (n, k, d) to the score of each class, and bases (n, k)."""
    import shap

    explainer = shap.TreeExplainer(classifier)
    values = np.asarray(explainer.shap_values(X.to_numpy("float64")), dtype=np.float64)
    base = np.tile(np.asarray(explainer.expected_value, dtype=np.float64), (len(X), 1))
    return values.transpose(0, 2, 1), base


def _of_any(
    model: TrainedModel, X: pd.DataFrame, background: pd.DataFrame, seed: int, outcome: int = 0
) -> tuple[Floats, Floats]:
    import shap

    names = list(model.feature_names)

    def log_odds(values: Floats) -> Floats:
        return _log_odds(model.predict_proba(pd.DataFrame(values, columns=names))[:, outcome].tolist())

    known = background[names].to_numpy("float64")[:_BACKGROUND_ROWS]
    explainer = shap.PermutationExplainer(log_odds, shap.maskers.Independent(known), seed=seed)
    evaluations = 2 * len(names) + 1
    # one call of the model a row: a model that starts a process to predict would start ten otherwise
    found = explainer(X.to_numpy("float64"), max_evals=evaluations, batch_size=evaluations, silent=True)
    return np.asarray(found.values, dtype=np.float64), np.asarray(found.base_values, dtype=np.float64)
