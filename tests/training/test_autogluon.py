"""AutoGluon under the contract of every trainer, and what it does beside it."""

from aipro_ml.enums import Framework
from tests.training.trainer_contract import TrainerContract, subjects


@subjects(Framework.AUTOGLUON)
class TestAutoGluon(TrainerContract):
    """The weighted ensemble and a single model."""
