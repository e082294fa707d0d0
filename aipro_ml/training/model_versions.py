"""Registered models of MLflow: a version each trained model, and the aliases that say which one speaks."""

from collections.abc import Mapping
from typing import Any, Final

from aipro_ml.enums import BetType
from aipro_ml.training.mlflow_store import connected

ALIASES: Final = ("champion", "challenger", "shadow", "previous")
"""In production; best of the others; predicting live beside the champion; where a rollback leads."""


def registered_name(sport: str, bet_type: BetType) -> str:
    """Return the name of the registered model of a sport's bet type."""
    return f"aipro.{sport}.{bet_type}"


def register(client: Any, name: str, logged: Any, model_id: str, note: str) -> None:
    """Add a logged model as a version tagged with our `model_id`, unless that model has a version already."""
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description="Uncalibrated probabilities; the platform calibrates them.")
    if model_id in _versions(client, name):
        return
    client.create_model_version(
        name,
        source=logged.model_uri,
        run_id=logged.run_id,
        tags={"model_id": model_id},
        description=note,
        model_id=logged.model_id,
    )


def follow(tracking_uri: str, name: str, wanted: Mapping[str, str]) -> tuple[dict[str, str | None], list[str]]:
    """Point the aliases of a registered model at the versions of `wanted` (alias to model id), and at nothing else.

    Return the aliases that changed (None: taken away) and the model ids that have no version yet.
    """
    changed: dict[str, str | None] = {}
    with connected(tracking_uri, f"the aliases of {name}") as client:
        found = client.search_registered_models(f"name = '{name}'")
        if not found:
            return {}, sorted(set(wanted.values()))
        versions, stand = _versions(client, name), dict(found[0].aliases)
        for alias in ALIASES:
            version = versions.get(wanted.get(alias, ""))
            if str(stand.get(alias, "")) == (version or ""):
                continue
            if version is None:
                client.delete_registered_model_alias(name, alias)
            else:
                client.set_registered_model_alias(name, alias, version)
            changed[alias] = None if version is None else wanted[alias]
    return changed, sorted(set(wanted.values()) - versions.keys())


def _versions(client: Any, name: str) -> dict[str, str]:
    """Return the version of each of our models, the newest where there are several."""
    found = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda each: int(each.version))
    return {each.tags["model_id"]: str(each.version) for each in found if "model_id" in each.tags}
