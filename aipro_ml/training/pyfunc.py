"""The logged model as code: MLflow runs this file to load a model folder and predict its outcomes."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from aipro_ml.training.base import TrainedModel
from aipro_ml.training.registry import load_model


class OutcomeModel(PythonModel):  # type: ignore[misc] # mlflow is untyped here
    """Any framework's model behind one face: features in, one probability column an outcome out."""

    model: TrainedModel

    def load_context(self, context: Any) -> None:
        """Load the model folder that was logged as artifact `model`."""
        self.model = load_model(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """Return uncalibrated probabilities, one column an outcome (home, away or over, under)."""
        return outcome_frame(self.model, model_input)


def outcome_frame(model: TrainedModel, X: pd.DataFrame) -> pd.DataFrame:
    """Return `model`'s probabilities as a frame on X's index with the outcomes' names as columns."""
    columns = [str(outcome) for outcome in model.outcomes]
    return pd.DataFrame(model.predict_proba(X), index=X.index, columns=columns)


set_model(OutcomeModel())
