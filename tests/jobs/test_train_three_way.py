"""A three-way league from import to leaderboard, and the clear end of what cannot be done with it yet."""

import pandas as pd
import pytest

from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import AiproError
from aipro_ml.jobs.calibrate import calibrate
from aipro_ml.jobs.ingest import ImportOptions, import_batch
from aipro_ml.jobs.train import TrainingRequest, train
from aipro_ml.sources import synthetic
from aipro_ml.training.artifacts import read_artifact
from aipro_ml.training.oof import probabilities
from tests.fixtures_platform import LATER, training

CODE = "SIM-EPL"


@pytest.fixture
def trained(engine, database_settings, untracked):
    """A simulated soccer league imported, and one model of its moneyline trained."""
    batch = synthetic.generate("EPL", seasons=5, books=2, seed=3)
    import_batch(engine, database_settings, batch, content=b"soccer", options=ImportOptions(LATER))
    request = TrainingRequest(CODE, BetType.MONEYLINE, training(), LATER)
    return train(engine, database_settings, request)


def test_a_three_way_league_is_trained_and_compared_but_not_calibrated(trained, engine, database_settings):
    rows = {row.name: row for row in trained.leaderboard}
    assert set(rows) == {"constant", "elo", "market", "logistic"}
    assert all(row.rps is not None and row.n == rows["market"].n for row in rows.values())
    assert 0.9 < rows["market"].log_loss < rows["constant"].log_loss < 1.1
    (model,) = trained.models
    oof = read_artifact(model.folder).oof
    assert ((oof["y"] == 0.5).mean()) == pytest.approx(0.25, abs=0.06)
    assert pd.DataFrame(probabilities(oof)).sum(axis=1).round(9).eq(1.0).all()
    with pytest.raises(AiproError, match="three outcomes") as refused:
        calibrate(engine, database_settings, str(model.model_id), CalibrationMethod.AUTO, LATER)
    assert refused.value.exit_code == 1
