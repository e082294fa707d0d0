"""What every estimator of the scikit-learn family is: it fits, predicts, explains and stores itself."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from aipro_ml.errors import UsageError

Array = npt.NDArray[np.float64]

_OURS = {"random_state", "objective", "importance_type", "verbose", "early_stopping", "warm_start"}
_PRIOR_CHANGING = {"class_weight", "class_prior", "fit_prior", "priors", "is_unbalance", "scale_pos_weight"}


class Estimator(Protocol):
    """A fitted classifier on floats (n, d), NaN for unknown.

    Of two classes 1 is the reference outcome; of more, class j is column j of the market's outcomes.
    """

    @property
    def name(self) -> str:
        """Return the name it goes by in training configurations."""
        ...

    @property
    def library(self) -> str:
        """Return the distribution that wrote it and must read it."""
        ...

    def save(self, folder: Path) -> None:
        """Write the estimator into the existing `folder`."""
        ...

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row, shape (n,); of k > 2 classes the probability of each, shape (n, k)."""
        ...

    def importance(self) -> Array:
        """Return a non-negative importance of each feature, shape (d,)."""
        ...

    def contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return log-odds contributions (n, d) and base (n,), or None where there is no exact form.

        Of more than two classes there is none: the log-odds of one outcome are no sum over features.
        """
        ...

    def outcome_contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return contributions (n, k, d) to the score of each of k > 2 classes and bases (n, k), or None.

        A class's base and contributions sum to the logarithm of its probability, but for a constant a row.
        """
        ...


class EstimatorKind(Protocol):
    """What makes estimators: it fits them and reads them back."""

    def fit(self, X: Array, y: Array, params: Mapping[str, Any], seed: int, weight: Array | None = None) -> Estimator:
        """Fit on X (n, d), classes y (n,) and row weights (n,); equal inputs and seed give equal bits."""
        ...

    def load(self, folder: Path) -> Estimator:
        """Return the estimator saved in `folder`."""
        ...


def checked(estimator: str, params: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return `params`, each one that a configuration of `estimator` may set; else UsageError."""
    for name in params:
        if name in _PRIOR_CHANGING:
            raise UsageError(f"{estimator}: {name} changes the prior and breaks calibration; leave it out")
        if name in _OURS or name not in known:
            raise UsageError(
                f"{estimator}: parameter {name!r} cannot be set; there are: "
                f"{', '.join(sorted(known.keys() - _OURS - _PRIOR_CHANGING))}"
            )
    return dict(params)


def of_classes(p: Array) -> Array:
    """Return a classifier's probabilities (n, k) as an Estimator gives them: class 1 alone where there are two."""
    return np.asarray(p[:, 1] if p.shape[1] == 2 else p, dtype=np.float64)


def one_openmp_thread() -> AbstractContextManager[Any]:
    """Keep scikit-learn's OpenMP to one thread: on a few thousand games a team costs more than it brings."""
    from threadpoolctl import threadpool_limits

    return cast(AbstractContextManager[Any], threadpool_limits(1, "openmp"))


def save_joblib(value: Any, folder: Path) -> None:
    """Write `value` into `folder` with joblib."""
    import joblib

    joblib.dump(value, folder / "estimator.joblib")


def load_joblib(folder: Path) -> Any:
    """Return what `save_joblib` wrote into `folder`."""
    import joblib

    return joblib.load(folder / "estimator.joblib")
