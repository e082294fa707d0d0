"""The stack of a training: its stored candidates pooled, stored as a model like any other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from aipro_ml.config import Settings
from aipro_ml.errors import AiproError
from aipro_ml.identity import content_hash
from aipro_ml.jobs.training_bench import Workbench
from aipro_ml.jobs.training_request import FailedRow, TrainedRow
from aipro_ml.jobs.training_store import store
from aipro_ml.training.artifacts import ModelArtifact, read_artifact, write_artifact
from aipro_ml.training.background import background_rows
from aipro_ml.training.ensemble import ensemble
from aipro_ml.training.job import Fitted, Task
from aipro_ml.training.releases import installed_libraries
from aipro_ml.training.splits import trainable
from aipro_ml.training.stacking import stack


def store_stack(
    engine: Engine,
    settings: Settings,
    bench: Workbench,
    members: Sequence[TrainedRow],
    place: tuple[Task, UUID, Path],
) -> TrainedRow:
    """Pool the stored members and store the ensemble.

    `place`: the stack's task, its run, and the folder to build the artifact in. Members are read from their
    artifacts, so that a resumed training ends with the same ensemble.
    """
    task, run_id, folder = place
    artifacts = {row.name: read_artifact(row.folder) for row in members}
    made = stack({name: artifact.oof for name, artifact in artifacts.items()})
    model = ensemble(task.columns, {name: artifact.model for name, artifact in artifacts.items()}, made.pool)
    facts = {**_facts(artifacts, task), "coefficients": made.pool.rows(list(artifacts))}
    built = folder / str(task.model_id)
    trained = bench.matrix.select(task.columns).take(trainable(bench.matrix, bench.train_from))
    background = background_rows(model, trained, bench.request.config.seed)
    write_artifact(built, ModelArtifact(model, made.oof, facts, task.identity, background))
    said = Fitted(task.model_id, model.feature_importance())
    return store(engine, settings, bench, task, (run_id, built, said))


def refusal(failures: Sequence[FailedRow]) -> AiproError:
    """Return why there is no stack where members failed."""
    return AiproError(f"its members {', '.join(row.name for row in failures)} failed; it pools all or none")


def _facts(artifacts: Mapping[str, ModelArtifact], task: Task) -> dict[str, Any]:
    known = {name: artifact.metrics for name, artifact in artifacts.items()}
    reasons = [f"{name}: {facts['not_repeatable_because']}" for name, facts in known.items() if not facts["repeatable"]]
    return {
        "trained_through": max(facts["trained_through"] for facts in known.values()),
        "trained_rows": max(facts["trained_rows"] for facts in known.values()),
        "config_hash": content_hash(task.config.model_dump(mode="json")),
        "libraries": installed_libraries(),
        "repeatable": not reasons,
        "not_repeatable_because": "; ".join(reasons) or None,
    }
