"""Model folders are whole, or one clear error names the file that is not."""

import pandas as pd
import pytest

from aipro_ml.enums import Selection
from aipro_ml.errors import ArtifactError
from aipro_ml.training.artifacts import (
    ModelArtifact,
    artifact_hash,
    read_artifact,
    verify,
    write_artifact,
)
from aipro_ml.training.registry import trainer_for
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import Candidate, out_of_fold
from tests.training.league import league


@pytest.fixture(scope="module")
def artifact():
    matrix = league(seasons=2, games=60)
    made = Candidate("logistic", trainer_for("sklearn", "logistic_regression"), (Selection.HOME, Selection.AWAY), {}, 1)
    oof = out_of_fold(made, matrix, walk_forward(matrix))
    return ModelArtifact(made.fit(matrix), oof, {"log_loss": 0.6}, {"seed": 1})


def test_what_is_written_reads_back_equal(artifact, tmp_path):
    digest = write_artifact(tmp_path / "NFL" / "model-1", artifact)
    again = read_artifact(tmp_path / "NFL" / "model-1")
    pd.testing.assert_frame_equal(again.oof, artifact.oof)
    assert (again.metrics, again.config) == (artifact.metrics, artifact.config)
    assert again.model.feature_names == artifact.model.feature_names
    assert digest == artifact_hash(tmp_path / "NFL" / "model-1")
    assert len(digest) == 64


def test_writing_again_replaces_the_folder_and_leaves_nothing_beside_it(artifact, tmp_path):
    write_artifact(tmp_path / "m", artifact)
    (tmp_path / "m" / "stray.txt").write_text("x")
    write_artifact(tmp_path / "m", artifact)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    verify(tmp_path / "m")


@pytest.mark.parametrize("name", ["oof.parquet", "metrics.json", "config.json", "model/estimator.joblib"])
def test_a_changed_byte_is_found_and_the_file_named(name, artifact, tmp_path):
    write_artifact(tmp_path / "m", artifact)
    content = bytearray((tmp_path / "m" / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "m" / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        read_artifact(tmp_path / "m")


def test_a_missing_and_an_added_file_are_named(artifact, tmp_path):
    write_artifact(tmp_path / "m", artifact)
    (tmp_path / "m" / "config.json").unlink()
    with pytest.raises(ArtifactError, match=r"config\.json: missing"):
        read_artifact(tmp_path / "m")
    write_artifact(tmp_path / "m", artifact)
    (tmp_path / "m" / "model" / "extra.bin").write_bytes(b"x")
    with pytest.raises(ArtifactError, match=r"extra\.bin: not part"):
        read_artifact(tmp_path / "m")


def test_an_absent_folder_and_broken_checksums_are_clear(artifact, tmp_path):
    with pytest.raises(ArtifactError, match="missing"):
        read_artifact(tmp_path / "none")
    with pytest.raises(ArtifactError, match="no model artifact"):
        artifact_hash(tmp_path / "none")
    write_artifact(tmp_path / "m", artifact)
    (tmp_path / "m" / "checksums.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"checksums\.json: damaged"):
        read_artifact(tmp_path / "m")


class Unsavable:
    outcomes = ()
    feature_names = ()

    def save(self, path):
        path.mkdir()
        raise OSError("disk full")


def test_a_failed_write_leaves_the_old_artifact_and_no_rubbish(artifact, tmp_path):
    digest = write_artifact(tmp_path / "m", artifact)
    with pytest.raises(OSError, match="disk full"):
        write_artifact(tmp_path / "m", ModelArtifact(Unsavable(), artifact.oof, {}, {}))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert artifact_hash(tmp_path / "m") == digest
