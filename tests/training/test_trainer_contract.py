"""The scikit-learn family under the contract of every trainer."""

from aipro_ml.enums import Framework
from tests.training.trainer_contract import TrainerContract, subjects


@subjects(Framework.SKLEARN)
class TestSklearn(TrainerContract):
    """Each estimator of the registry's own."""
