"""The training rows against which a model without contributions of its own is explained."""

from functools import partial

import numpy as np
import pandas as pd

from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.base import TrainedModel, outcome_contributions
from aipro_ml.training.lines import at_lines

BACKGROUND_ROWS = 20
"""Rows each evaluation of an explanation averages over: more of them cost as much again and change little."""


def background_rows(model: TrainedModel, trained: FeatureMatrix, seed: int) -> pd.DataFrame | None:
    """Return BACKGROUND_ROWS of the rows `model` learned from, drawn with `seed`; None where it explains itself."""
    rows = at_lines(model, trained.X, trained.meta["line"])[list(model.feature_names)]
    explains_itself = model.contributions if len(model.outcomes) == 2 else partial(outcome_contributions, model)
    if explains_itself(rows.iloc[:1]) is not None:
        return None
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:BACKGROUND_ROWS])
    return rows.iloc[chosen].astype("float64")
