"""A control: probabilities that hang on nothing but the row's own bits, so whoever finds skill in it is wrong."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from aipro_ml.errors import UsageError
from aipro_ml.training.estimator import Array, checked

_FILE = "noise.json"


@dataclass(frozen=True)
class NoiseEstimator:
    """Log-odds of the training share plus a normal of deviation `sd`, drawn from a hash of seed and features.

    The same row gets the same probability, whatever rows stand beside it; another seed another one.
    """

    name: ClassVar[str] = "noise"
    library: ClassVar[str] = "numpy"
    base: float
    sd: float
    seed: int
    width: int

    @classmethod
    def fit(cls, X: Array, y: Array, params: Mapping[str, Any], seed: int, weight: Array | None = None) -> Self:
        """Learn how often class 1 happens, and nothing else; `params`: sd (default 0.4, in log-odds)."""
        options = checked(cls.name, params, {"sd": 0.4})
        if len(np.unique(y)) > 2:
            raise UsageError("noise speaks of two outcomes only")
        share = float(np.average(y, weights=weight))
        return cls(float(np.log(share / (1 - share))), float(options.get("sd", 0.4)), seed, X.shape[1])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the estimator saved in `folder`."""
        return cls(**json.loads((folder / _FILE).read_text(encoding="utf-8")))

    def save(self, folder: Path) -> None:
        """Write the four figures as JSON."""
        figures = {"base": self.base, "sd": self.sd, "seed": self.seed, "width": self.width}
        (folder / _FILE).write_text(json.dumps(figures), encoding="utf-8")

    def probability(self, X: Array) -> Array:
        """Return P(class 1) of each row."""
        from scipy.special import expit, ndtri

        salt = f"noise\x1f{self.seed}".encode()
        rows = np.ascontiguousarray(np.where(np.isnan(X), np.nan, X + 0.0))
        drawn = [hashlib.blake2b(row.tobytes(), digest_size=8, key=salt).digest() for row in rows]
        uniform = (np.frombuffer(b"".join(drawn), dtype=">u8").astype("float64") + 0.5) / 2**64
        return np.asarray(expit(self.base + self.sd * ndtri(np.clip(uniform, 1e-12, 1 - 1e-12))), dtype=np.float64)

    def importance(self) -> Array:
        """Return zeros: no feature matters more than another."""
        return np.zeros(self.width)

    def contributions(self, X: Array) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None: a hash is no sum over features."""
        return

    def outcome_contributions(self, X: Array) -> None:  # noqa: ARG002 - the protocol's signature
        """Return None, likewise."""
        return
