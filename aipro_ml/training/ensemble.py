"""The ensemble framework: a model made of other frameworks' models, pooled by a stack's coefficients."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.enums import Framework, Selection
from aipro_ml.errors import AiproError, ArtifactError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.arrays import model_columns
from aipro_ml.training.base import OutcomeContributions, Probabilities, TrainedModel, outcome_contributions
from aipro_ml.training.header import ModelHeader, read_header, write_header
from aipro_ml.training.lines import line_feature
from aipro_ml.training.stacking import Pool

ESTIMATOR = "stack"
_POOL = "pool.json"


@dataclass(frozen=True)
class EnsembleModel:
    """Fitted members by name and the pool of their probabilities, in the same order."""

    feature_names: tuple[str, ...]
    members: Mapping[str, TrainedModel]
    pool: Pool

    @property
    def outcomes(self) -> tuple[Selection, ...]:
        """Return the outcomes, in the order of the probability columns."""
        return next(iter(self.members.values())).outcomes

    @property
    def line_feature(self) -> str | None:
        """Return the column a member reads its line from (`training/lines.py`); None where none does."""
        return next(filter(None, map(line_feature, self.members.values())), None)

    def predict_proba(self, X: pd.DataFrame) -> Probabilities:
        """Return probabilities (n, k) for rows of X; columns are matched by name, in any order."""
        known = model_columns(X, self.feature_names)
        if not len(known):
            return np.empty((0, len(self.outcomes)))
        return self.pool.mix([member.predict_proba(known) for member in self.members.values()])

    def feature_importance(self) -> pd.Series:
        """Return the members' importances, each summing to one, weighted by the members' coefficients."""
        total = pd.Series(0.0, index=list(self.feature_names), name="importance")
        for coef, member in zip(self.pool.coef, self.members.values(), strict=True):
            own = member.feature_importance()
            share = own / own.sum() if own.sum() > 0 else own
            total = total.add(coef * share.reindex(total.index, fill_value=0.0))
        return total.rename("importance")

    def contributions(self, X: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.float64]] | None:
        """Return the weighted sum of the members' contributions and bases; None where one has none of its own.

        Log-odds of a pool are the weighted sum of its members' log-odds, of two outcomes exactly.
        """
        features = pd.DataFrame(0.0, index=X.index, columns=list(self.feature_names))
        base = np.zeros(len(X))
        for coef, member in zip(self.pool.coef, self.members.values(), strict=True):
            found = member.contributions(X) if coef != 0 else (features.iloc[:, :0], base)
            if found is None:
                return None
            features = features.add(coef * found[0].reindex(columns=features.columns, fill_value=0.0))
            base = base + coef * found[1]
        return features, base

    def outcome_contributions(self, X: pd.DataFrame) -> OutcomeContributions | None:
        """Return the weighted sum of the members' contributions to each outcome; None where one has none of its own.

        A pool's log probabilities are those of its members, weighted and summed, but for a constant a row.
        """
        place = {name: number for number, name in enumerate(self.feature_names)}
        features, base = np.zeros((len(X), len(self.outcomes), len(place))), np.zeros((len(X), len(self.outcomes)))
        for coef, member in zip(self.pool.coef, self.members.values(), strict=True):
            if coef == 0:
                continue
            found = outcome_contributions(member, X)
            if found is None:
                return None
            features[:, :, [place[name] for name in member.feature_names]] += coef * found[0]
            base += coef * found[1]
        return features, base

    def save(self, path: Path) -> None:
        """Write the members into folders of their own below `path`, and the pool beside them."""
        facts = {"members": list(self.members)}
        write_header(
            path, ModelHeader(Framework.ENSEMBLE, ESTIMATOR, "aipro-ml", self.outcomes, self.feature_names, facts)
        )
        for number, member in enumerate(self.members.values()):
            member.save(path / _folder(number))
        document = {"coef": self.pool.coef, "se": self.pool.se, "n": self.pool.n}
        (path / _POOL).write_text(json.dumps(document) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class EnsembleTrainer:
    """Loads ensembles; they are made from trained members, not fitted to rows. `load_member` loads any model."""

    framework: ClassVar[Framework] = Framework.ENSEMBLE
    load_member: Callable[[Path], TrainedModel]

    def fit(
        self,
        matrix: FeatureMatrix,  # noqa: ARG002 - the protocol's signature
        outcomes: tuple[Selection, ...],  # noqa: ARG002
        params: Mapping[str, Any],  # noqa: ARG002
        seed: int,  # noqa: ARG002
    ) -> TrainedModel:
        """Raise UsageError: members must be trained before."""
        raise UsageError(
            "an ensemble is made of the other candidates once they are trained: set `stack: true` in the training "
            "configuration instead of naming a model of framework ensemble"
        )

    def repeatable(self, params: Mapping[str, Any]) -> str | None:  # noqa: ARG002 - the protocol's signature
        """Return None: it is as repeatable as its members."""
        return None

    def load(self, path: Path) -> EnsembleModel:
        """Return the ensemble in folder `path` with its members; ArtifactError where one cannot be loaded."""
        header = read_header(path)
        try:
            names = [str(name) for name in header.facts["members"]]
            document = json.loads((path / _POOL).read_text(encoding="utf-8"))
            errors = None if document["se"] is None else tuple(map(float, document["se"]))
            pool = Pool(tuple(map(float, document["coef"])), errors, int(document["n"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{path}: damaged model ({error}); train it again") from error
        try:
            members = {name: self.load_member(path / _folder(number)) for number, name in enumerate(names)}
        except UsageError as error:  # a framework that is not installed here
            raise ArtifactError(f"{path}: {error}") from error
        if len(pool.coef) != len(members):
            raise ArtifactError(f"{path}: damaged model (coefficients and members differ); train it again")
        return EnsembleModel(header.feature_names, members, pool)


def ensemble(feature_names: tuple[str, ...], members: Mapping[str, TrainedModel], pool: Pool) -> EnsembleModel:
    """Return the ensemble of `members`; AiproError where they do not speak of the same outcomes."""
    if len({member.outcomes for member in members.values()}) != 1:
        raise AiproError("the members of an ensemble speak of different outcomes")
    return EnsembleModel(feature_names, members, pool)


def _folder(number: int) -> str:
    return f"member-{number}"
