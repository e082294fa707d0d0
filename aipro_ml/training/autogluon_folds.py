"""Where AutoGluon fits its inner folds: one after another in this process, or each as a task of a Ray cluster.

AutoGluon's own tasks leave a fold's model on the disk of the machine that fitted it and start a process a fold. Ours
bring the files back, so that no disk need be shared, and use a process again.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aipro_ml.training.autogluon_quiet import quiet
from aipro_ml.training.autogluon_settings import FoldFitting
from aipro_ml.training.packed import pack, unpack
from aipro_ml.training.ray_cluster import at_hand
from aipro_ml.training.releases import installed_libraries, require_libraries
from aipro_ml.training.threads import one_blas_thread

RETRIES = 1
"""How often a fold is begun once more whose node is lost."""

STRATEGIES: Mapping[FoldFitting, str] = {FoldFitting.LOCAL: "sequential_local", FoldFitting.RAY: "parallel_local"}
"""AutoGluon's names of the two ways."""


@contextmanager
def folds_fitted(where: FoldFitting) -> Iterator[None]:
    """Fit AutoGluon's folds there within the block.

    On Ray: as tasks of the cluster this process is in, else of one of this machine alone. UsageError where Ray is not
    installed.
    """
    with nullcontext() if where is FoldFitting.LOCAL else _on_ray():
        yield


@contextmanager
def _on_ray() -> Iterator[None]:
    from autogluon.core.models.ensemble import bagged_ensemble_model

    # AutoGluon takes a strategy by its name only, and looks this name up when it begins its folds
    with at_hand(), patch.object(bagged_ensemble_model, "ParallelLocalFoldFittingStrategy", _strategy()):
        yield


def _strategy() -> type[Any]:
    """Return AutoGluon's parallel strategy, with tasks that bring their files back."""
    from autogluon.core.models.ensemble.fold_fitting_strategy import ParallelLocalFoldFittingStrategy

    class FoldsOnRay(ParallelLocalFoldFittingStrategy):  # type: ignore[misc]
        """Folds as tasks; what they wrote is unpacked where AutoGluon looks for it."""

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            libraries = installed_libraries()

            def fit_fold(**asked: Any) -> tuple[Any, bytes]:
                return _packed_fold(libraries, asked)

            self._ray_fit = self.ray.remote(max_retries=RETRIES)(fit_fold)

        def _process_fold_results(self, finished: Any, unfinished: list[Any], fold_ctx: Any) -> None:
            try:
                told, files = self.ray.get(finished)
            except self.ray.exceptions.RayTaskError as error:
                self.terminate_all_unfinished_tasks(unfinished)
                raise error.cause from error
            if files:
                unpack(files, Path(self.bagged_ensemble_model.path))
            super()._process_fold_results(self.ray.put(told), unfinished, fold_ctx)

    return FoldsOnRay


def _packed_fold(libraries: Mapping[str, str], asked: Mapping[str, Any]) -> tuple[Any, bytes]:
    """Fit one fold on a node of the cluster; return what AutoGluon's task tells, and its model's folder as bytes.

    AiproError where this machine has other `libraries` than the one that asks.
    """
    require_libraries(libraries)
    from autogluon.core.models.ensemble.fold_fitting_strategy import _ray_fit

    with tempfile.TemporaryDirectory(prefix="aipro-autogluon-") as name, one_blas_thread(), quiet():
        told = _ray_fit(**{**asked, "bagged_ensemble_model_path": name})
        return told, pack(Path(name) / told[0]) if isinstance(told, tuple) else b""
