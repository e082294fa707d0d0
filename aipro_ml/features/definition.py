"""What a feature is, as a hash: a view's name, columns and all code behind it, and a set's views and figures."""

import ast
import hashlib
import importlib
import inspect
from functools import cache

from aipro_ml.config import SportConfig
from aipro_ml.features.view import FeatureView
from aipro_ml.identity import content_hash

COMPUTING = ("aipro_ml.features.", "aipro_ml.betting.")
"""Packages whose modules can change a feature; what a view imports of them, directly or through others, counts."""


@cache
def _source(module: str) -> str:
    return inspect.getsource(importlib.import_module(module))


@cache
def _imported(module: str) -> frozenset[str]:
    """Return the computing modules that `module` imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in found if name.startswith(COMPUTING) and _is_module(name))


def _is_module(name: str) -> bool:
    try:
        return inspect.ismodule(importlib.import_module(name))
    except ModuleNotFoundError:  # a name inside a module
        return False


@cache
def code_behind(module: str) -> dict[str, str]:
    """Return the SHA-256 of the source of `module` and of every computing module it stands on, by name."""
    seen, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_imported(name))
    return {name: hashlib.sha256(_source(name).encode()).hexdigest() for name in sorted(seen)}


def view_definition(view: FeatureView) -> dict[str, object]:
    """Return the pre-image of a view's hash: name, group, columns and the hashes of all code behind it."""
    module = inspect.getmodule(view.compute)
    named = module is not None and module.__name__.startswith(COMPUTING)
    code = code_behind(module.__name__) if named and module is not None else _own_source(view)
    return {"name": view.name, "group": view.group, "columns": list(view.columns), "code": code}


def _own_source(view: FeatureView) -> dict[str, str]:
    """Return the source of a view written outside the package, with what every view may compute through."""
    return {"": inspect.getsource(view.compute), **code_behind("aipro_ml.features.history")}


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
