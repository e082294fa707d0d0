"""The releases of libraries that may change a fit's bits: noted with every model, equal on every machine of one."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from aipro_ml import __version__
from aipro_ml.errors import AiproError

LIBRARIES = ("numpy", "pandas", "scipy", "scikit-learn", "lightgbm", "h2o", "autogluon.tabular", "xgboost", "catboost")
"""The packages."""


def installed_libraries() -> dict[str, str]:
    """Return the releases of LIBRARIES, and of this package, that are installed here."""
    return dict(_releases())


def require_libraries(wanted: Mapping[str, str]) -> None:
    """Raise AiproError where this machine has another release of a library than the `wanted` one."""
    here = installed_libraries() if wanted else {}
    for name, release in wanted.items():
        if here.get(name) != release:
            raise AiproError(
                f"this machine has {name} {here.get(name, '(not installed)')}, the trainer {release}: the results "
                "could differ; install the same packages on every machine"
            )


@cache  # reading the packages' metadata takes as long as fitting a small tree
def _releases() -> Mapping[str, str]:
    found = {"aipro-ml": __version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
