"""AI PRO SPORTS: the machine-learning training and prediction platform.

From Python begin with `aipro_ml.open_platform()`; docs/python.md tells the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aipro_ml.api.platform import Platform as Platform
    from aipro_ml.api.platform import open_platform as open_platform
    from aipro_ml.api.results import Predicted as Predicted
    from aipro_ml.api.results import Training as Training
    from aipro_ml.config import ModelConfig as ModelConfig
    from aipro_ml.config import TrainingConfig as TrainingConfig
    from aipro_ml.enums import BetType as BetType
    from aipro_ml.errors import AiproError as AiproError

__version__ = "0.1.0"

_HOMES = {
    "AiproError": "errors",
    "BetType": "enums",
    "ModelConfig": "config",
    "Platform": "api.platform",
    "Predicted": "api.results",
    "Training": "api.results",
    "TrainingConfig": "config",
    "open_platform": "api.platform",
}
__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - the names of a mapping are strings


def __getattr__(name: str) -> Any:
    """Return a public name, loading its module only now: `import aipro_ml` itself brings no pandas."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return what there is, names not loaded yet included."""
    return sorted({*globals(), *__all__})
