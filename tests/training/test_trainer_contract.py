"""The scikit-learn family under the contract of every trainer."""

import pytest

from aipro_ml.enums import Framework
from aipro_ml.training.registry import session
from tests.training.trainer_contract import TrainerContract, subjects


@subjects(Framework.SKLEARN)
class TestSklearn(TrainerContract):
    """Each estimator of the registry's own."""


@pytest.fixture(scope="module")
def one_jvm():
    with session(Framework.H2O):
        yield


@subjects(Framework.H2O)
@pytest.mark.usefixtures("one_jvm")
class TestH2O(TrainerContract):
    """Boosted trees, and what AutoML chooses: scored by MOJO throughout."""
