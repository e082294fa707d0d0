"""A MOJO, H2O's deployable model: it predicts with Java and the jar of the h2o package, without any cluster."""

import io
import json
import subprocess
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.errors import AiproError, ArtifactError
from aipro_ml.training.h2o_java import h2o_jar, java

Array = npt.NDArray[np.float64]

_SHAPLEY_IN_LOG_ODDS = ("gbm", "xgboost")  # a random forest's sum to its probability instead
_SCORER = "hex.genmodel.tools.PredictCsv"
_JVM = ("-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.awt.headless=true")  # short of life, not fast


@dataclass(frozen=True)
class Mojo:
    """The bytes of a MOJO archive; one start of Java scores any number of rows.

    Features go by H2O's names f0, f1, …, in the order of the model's features; responses by their level.
    """

    content: bytes

    def probabilities(self, X: Array, levels: Sequence[str]) -> Array:
        """Return the probability (n, k) of each level, for X (n, d) with NaN for unknown; equal to the cluster's."""
        found = self._scored(X, ())
        return np.column_stack([found[level] for level in levels])

    def contributions(self, X: Array) -> tuple[Array, Array] | None:
        """Return contributions (n, d) to the log-odds of level 1 and base (n,); None where they are not exact."""
        if self._entry("info", "n_classes") != "2":
            return None
        if self._entry("info", "algo") == "glm":
            return self._of_coefficients(X)
        return self._of_trees(X) if self._entry("info", "algo") in _SHAPLEY_IN_LOG_ODDS else None

    def _of_trees(self, X: Array) -> tuple[Array, Array]:
        found = self._scored(X, ("--predictContributions",))
        named = np.zeros_like(X)
        for column in found.columns[:-1]:
            named[:, position(column)] = found[column]
        return named, found["BiasTerm"].to_numpy("float64")

    def _of_coefficients(self, X: Array) -> tuple[Array, Array]:
        """Return coefficient x (value - training mean), an unknown value being the mean, as H2O imputes it."""
        *slopes, intercept = self._numbers("beta")
        means = self._numbers("num_means")
        used = [position(name) for name in self._columns[: len(slopes)]]
        values = X[:, used]
        named = np.zeros_like(X)
        named[:, used] = np.asarray(slopes) * (np.where(np.isnan(values), means, values) - means)
        return named, np.full(len(X), intercept + float(np.dot(slopes, means)))

    def _scored(self, X: Array, options: Sequence[str]) -> pd.DataFrame:
        """Return what the scorer says a row, read from hexadecimal: no digit is lost."""
        with tempfile.TemporaryDirectory(prefix="aipro-mojo-") as name:
            folder = Path(name)
            (folder / "model.zip").write_bytes(self.content)
            names = [feature(i) for i in range(X.shape[1])]
            pd.DataFrame(X, columns=names).to_csv(folder / "rows.csv", index=False, na_rep="NaN")
            _run(folder, options)
            said = pd.read_csv(folder / "said.csv", dtype=str)
        numeric = said.drop(columns="predict", errors="ignore")
        return numeric.map(float.fromhex)

    @cached_property
    def _ini(self) -> str:
        try:
            with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                return archive.read("model.ini").decode()
        except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
            raise ArtifactError(f"damaged MOJO ({error}); train the model again") from error

    @property
    def _columns(self) -> list[str]:
        return self._ini.partition("[columns]")[2].partition("[domains]")[0].split()

    def _entry(self, section: str, key: str) -> str:
        for line in self._ini.partition(f"[{section}]")[2].partition("\n[")[0].splitlines():
            name, _, value = line.partition(" = ")
            if name.strip() == key:
                return value.strip()
        raise ArtifactError(f"damaged MOJO (no {key}); train the model again")

    def _numbers(self, key: str) -> list[float]:
        return [float(value) for value in json.loads(self._entry("info", key))]

    def check(self) -> None:
        """Raise ArtifactError where this is no MOJO."""
        self._entry("info", "algo")


def feature(place: int) -> str:
    """Return H2O's name of the feature at `place`: ours may hold what a CSV or H2O would not take."""
    return f"f{place}"


def position(name: str) -> int:
    """Return the place of the feature that H2O calls `name`."""
    return int(name.removeprefix("f"))


def _run(folder: Path, options: Sequence[str]) -> None:
    files = ["--mojo", "model.zip", "--input", "rows.csv", "--output", "said.csv", "--separator", ","]
    command = [java(), *_JVM, f"-Djava.io.tmpdir={folder}", "-cp", h2o_jar(), _SCORER, *files, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / "said.csv").exists():
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise AiproError(f"H2O's scorer failed: {lines[-1] if lines else f'exit status {done.returncode}'}")
