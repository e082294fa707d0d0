"""Datasets on disk: read back to the same bits, refused where a byte or a value is another."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.errors import ArtifactError
from aipro_ml.features.build import build_matrix
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.snapshot import file_hash, read_snapshot, write_snapshot
from aipro_ml.features.sport import sport
from tests.features.random_league import SHAPES, random_league


@pytest.fixture(scope="module")
def matrix() -> FeatureMatrix:
    return build_matrix(random_league(5), sport("NFL"), BetType.SPREAD)


def test_a_matrix_is_read_back_to_the_bit(matrix, tmp_path):
    path = tmp_path / "a" / "data.parquet"
    digest = write_snapshot(path, matrix)
    again = read_snapshot(path, matrix.sha256, digest)
    assert again.sha256 == matrix.sha256
    pd.testing.assert_frame_equal(again.X, matrix.X)
    pd.testing.assert_series_equal(again.as_of, matrix.as_of)
    pd.testing.assert_frame_equal(again.meta, matrix.meta)
    pd.testing.assert_series_equal(again.y, matrix.y)
    pd.testing.assert_series_equal(again.weight, matrix.weight)
    assert again.outcomes == matrix.outcomes
    assert [each.name for each in path.parent.iterdir()] == ["data.parquet"]


def test_the_same_content_gives_the_same_file(matrix, tmp_path):
    assert write_snapshot(tmp_path / "a", matrix) == write_snapshot(tmp_path / "b", matrix)


def test_a_three_way_matrix_keeps_its_draw(tmp_path):
    drawn = build_matrix(random_league(5, SHAPES["EPL"]), sport("EPL"), BetType.MONEYLINE)
    write_snapshot(tmp_path / "a", drawn)
    again = read_snapshot(tmp_path / "a", drawn.sha256)
    assert again.three_way
    assert again.outcomes == drawn.outcomes
    assert (again.y == 0.5).sum() > 3


def test_a_matrix_without_labels_comes_back_without(matrix, tmp_path):
    bare = replace(matrix, y=None)
    write_snapshot(tmp_path / "a", bare)
    assert read_snapshot(tmp_path / "a", bare.sha256).y is None


def test_a_changed_value_is_refused_even_in_a_file_written_anew(matrix, tmp_path):
    path = tmp_path / "data.parquet"
    write_snapshot(path, matrix)
    frame = pd.read_parquet(path)
    frame.iloc[7, 3] = np.nextafter(frame.iloc[7, 3], np.inf)
    frame.to_parquet(path)
    with pytest.raises(ArtifactError, match=r"data\.parquet: its content is not that of dataset"):
        read_snapshot(path, matrix.sha256)


@pytest.mark.parametrize("column", ["meta:season", "meta:market_prob"])
def test_a_change_beside_the_features_is_found_by_the_hash_of_the_file(matrix, tmp_path, column):
    path = tmp_path / "data.parquet"
    digest = write_snapshot(path, matrix)
    frame = pd.read_parquet(path)
    frame[column] = frame[column] + 1
    frame.to_parquet(path)
    read_snapshot(path, matrix.sha256)  # its features are still those
    with pytest.raises(ArtifactError, match=r"damaged \(its SHA-256 differs\)"):
        read_snapshot(path, matrix.sha256, digest)


def test_a_flipped_byte_a_cut_file_and_a_missing_one_are_told_apart_from_whole_ones(matrix, tmp_path):
    path = tmp_path / "data.parquet"
    digest = write_snapshot(path, matrix)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    assert file_hash(path) != digest
    with pytest.raises(ArtifactError, match="damaged"):
        read_snapshot(path, matrix.sha256, digest)
    path.write_bytes(bytes(content[: len(content) // 2]))
    with pytest.raises(ArtifactError, match="no dataset can be read from it"):
        read_snapshot(path, matrix.sha256)
    path.unlink()
    with pytest.raises(ArtifactError, match="the dataset is missing"):
        read_snapshot(path, matrix.sha256)
