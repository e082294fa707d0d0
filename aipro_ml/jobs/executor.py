"""Where training jobs run: in this process, in processes of this machine, or on a Ray cluster."""

from dataclasses import dataclass
from typing import Literal

from aipro_ml.jobs.attempts import Executor


@dataclass(frozen=True)
class ExecutorChoice:
    """Which executor, with how many workers at a time (None: as fit), and where the Ray cluster is."""

    kind: Literal["local", "ray"] = "local"
    workers: int | None = None
    ray_address: str | None = None

    def executor(self) -> Executor:
        """Return the executor."""
        if self.kind == "ray":
            from aipro_ml.jobs.executor_ray import RayExecutor

            return RayExecutor(self.ray_address, self.workers)
        from aipro_ml.jobs.executor_local import LocalExecutor

        return LocalExecutor(self.workers)
