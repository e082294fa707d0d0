"""What a feature is, as a hash: a view's name, columns and code, and a feature set's views and figures."""

import inspect

from aipro_ml.config import SportConfig
from aipro_ml.features import asof, elo, goals, history, market, places, quotes
from aipro_ml.features.view import FeatureView
from aipro_ml.identity import content_hash

SHARED = (asof, elo, goals, history, market, places, quotes)
"""Modules every view may compute through: a change in one is a change of every feature."""


def view_definition(view: FeatureView) -> dict[str, object]:
    """Return the pre-image of a view's hash: name, group, columns, its module's source and the shared ones'."""
    module = inspect.getmodule(view.compute)
    return {
        "name": view.name,
        "group": view.group,
        "columns": list(view.columns),
        "source": inspect.getsource(module if module is not None else view.compute),
        "shared": [inspect.getsource(part) for part in SHARED],
    }


def view_hash(view: FeatureView) -> str:
    """Return the SHA-256 of a view's definition; it changes with the code that computes it."""
    return content_hash(view_definition(view))


def feature_set_hash(views: tuple[FeatureView, ...], columns: tuple[str, ...], config: SportConfig) -> str:
    """Return the SHA-256 of a feature set: its columns in order, its views and the sport's figures."""
    return content_hash(
        {
            "columns": list(columns),
            "views": sorted(view_hash(view) for view in views),
            "config": config.model_dump(mode="json"),
        }
    )
