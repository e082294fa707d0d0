"""Fixtures every room shares."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.fixtures_database",
    "tests.fixtures_platform",
    "tests.fixtures_commands",
    "tests.fixtures_nightly",
    "tests.fixtures_api",
]


LONGEST = (
    "test_nfl_season", "test_real_numbers", "test_commands", "test_point_in_time", "test_point_in_time_database",
    "test_generated_leagues", "test_malformed", "test_import_real", "test_demo", "test_h2o", "test_autogluon",
    "test_trainer_contract", "test_notebook", "test_platform", "test_killed_training", "test_executors", "test_promote",
    "test_sync", "test_compare", "test_train_stack", "test_predict",
)  # fmt: skip
"""Files that take minutes: of two workers each begins with one, and the short ones fill up the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist hand out files in the order of the collection, not by their number of tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first where several workers share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """End with a test what a command in it did to the package's logger: a file's handler, no propagation."""
    logger = logging.getLogger("aipro_ml")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    for added in set(logger.handlers) - set(handlers):
        added.close()
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The developer data beside the checkout; tests on real data skip, saying so, where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real data: ../shared/data is absent on this machine")
    return folder


@pytest.fixture(scope="session")
def nflverse_file(shared_data: Path) -> Path:
    """The real NFL games of 1999 to 2022."""
    return shared_data / "nfl" / "nflverse_games_1999_2022.csv.gz"
