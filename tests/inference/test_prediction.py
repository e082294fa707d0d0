"""A prediction's hash is a fact about its content, stable to the byte."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType, Selection, Tier
from aipro_ml.inference.prediction import (
    FLOAT_COLUMNS,
    PREDICTION_FIELDS,
    Prediction,
    canonical_row,
    prediction_hash_of,
    prediction_hashes,
    rounded,
    rounded_column,
)

BASE = Prediction(
    game_id="0b6f6f0e-0000-5000-8000-000000000001",
    model_id="0b6f6f0e-0000-5000-8000-000000000002",
    bet_type=BetType.SPREAD,
    predicted_side=Selection.AWAY,
    probability=0.5312345678,
    edge=0.0212345,
    kelly_fraction=0.0078,
    signal_tier=Tier.B,
    line_at_prediction=3.5,
    odds_at_prediction=-108,
    as_of=datetime(2022, 9, 9, 0, 19, tzinfo=UTC),
    book="Pinnacle",
    ev=0.0231,
    push_probability=0.0,
    fair_probability=0.51,
    model_probability=0.55,
    calibrated_probability=0.54,
)

CANONICAL = (
    '{"as_of":"2022-09-09T00:19:00Z","bet_type":"spread","edge":0.021234,'
    '"game_id":"0b6f6f0e-0000-5000-8000-000000000001","kelly_fraction":0.007800,"line_at_prediction":3.500000,'
    '"model_id":"0b6f6f0e-0000-5000-8000-000000000002","odds_at_prediction":-108,"predicted_side":"away",'
    '"probability":0.531235,"signal_tier":"B"}'
)


def test_the_hash_is_the_sha256_of_the_documented_text():
    assert BASE.prediction_hash == hashlib.sha256(CANONICAL.encode()).hexdigest()


def test_the_hash_is_this_very_number():
    assert BASE.prediction_hash == "45c08ea797b5bd96a8beec8aacd140c2dbfa1fe83f426a54a6c38d09cdb7791e"


def test_floats_are_rounded_to_six_decimals_on_construction():
    assert BASE.probability == 0.531235
    assert replace(BASE, probability=0.53123549).prediction_hash == BASE.prediction_hash


def test_negative_zero_is_zero():
    assert replace(BASE, edge=-0.0, line_at_prediction=-0.0).prediction_hash == (
        replace(BASE, edge=0.0, line_at_prediction=0.0).prediction_hash
    )
    assert str(replace(BASE, edge=-1e-9).edge) == "0.0"


def test_line_zero_is_a_line_and_not_a_missing_one():
    zero, none = replace(BASE, line_at_prediction=0.0), replace(BASE, line_at_prediction=None)
    assert zero.prediction_hash != none.prediction_hash


def test_nan_counts_as_missing():
    assert replace(BASE, edge=float("nan")).edge is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5312345678, "0.531235"),
        (2 / 3, "0.666667"),
        (-1e-9, "0.0"),
        (-0.25, "-0.25"),
        (np.float64(0.1), "0.1"),
        (0, "0.0"),
        (None, "None"),
        (float("nan"), "None"),
    ],
)
def test_a_number_is_rounded_to_six_decimals_without_a_negative_zero(value, expected):
    assert str(rounded(value)) == expected


def test_what_is_missing_is_null_and_a_negative_zero_of_a_row_is_zero():
    row = {"line_at_prediction": None, "edge": -0.0, "odds_at_prediction": np.nan, "as_of": pd.NaT, "book": pd.NA}
    expected = b'{"as_of":null,"book":null,"edge":0.000000,"line_at_prediction":null,"odds_at_prediction":null}'
    assert canonical_row(row) == expected


def test_a_decision_time_is_kept_in_utc():
    there = BASE.as_of.astimezone(timezone(timedelta(hours=-4)))
    assert replace(BASE, as_of=there).as_of.utcoffset() == timedelta(0)
    assert "as_of" in BASE.values()


def test_an_instant_has_one_hash_in_every_time_zone():
    there = BASE.as_of.astimezone(timezone(timedelta(hours=-4)))
    assert replace(BASE, as_of=there).prediction_hash == BASE.prediction_hash


def test_a_naive_decision_time_is_refused():
    with pytest.raises(ValueError, match="naive"):
        replace(BASE, as_of=datetime(2022, 9, 9))  # noqa: DTZ001


@pytest.mark.parametrize(
    "change",
    [
        {"game_id": "x"},
        {"model_id": "x"},
        {"bet_type": BetType.TOTAL},
        {"predicted_side": Selection.HOME},
        {"probability": 0.53},
        {"edge": None},
        {"kelly_fraction": 0.0},
        {"signal_tier": Tier.D},
        {"line_at_prediction": 3.0},
        {"odds_at_prediction": -110},
        {"as_of": datetime(2022, 9, 9, 0, 20, tzinfo=UTC)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_hashed_field_changes_the_hash(change):
    assert replace(BASE, **change).prediction_hash != BASE.prediction_hash


def test_ledger_extras_do_not_change_the_hash():
    assert replace(BASE, book="bét365 ü", ev=9.0, blend_version="v").prediction_hash == BASE.prediction_hash


def test_names_outside_ascii_are_hashed_as_utf8():
    text = CANONICAL.replace("0b6f6f0e-0000-5000-8000-000000000001", "São Paulo–Grêmio")
    assert replace(BASE, game_id="São Paulo–Grêmio").prediction_hash == hashlib.sha256(text.encode()).hexdigest()


def test_a_row_as_a_driver_returns_it_gives_the_same_hash():
    row = BASE.values() | {
        "game_id": UUID(BASE.game_id),
        "bet_type": "spread",
        "probability": np.float64(0.531235),
        "odds_at_prediction": np.float64(-108.0),
        "as_of": pd.Timestamp(BASE.as_of),
        "anything": object(),
    }
    assert prediction_hash_of(row) == BASE.prediction_hash


def test_missing_values_of_a_frame_are_null():
    row = replace(BASE, edge=None, line_at_prediction=None, odds_at_prediction=None)
    loaded = row.values() | {"edge": np.nan, "line_at_prediction": float("nan"), "odds_at_prediction": pd.NA}
    assert prediction_hash_of(loaded) == row.prediction_hash


def test_the_identifier_follows_from_the_hash():
    assert BASE.prediction_id == replace(BASE, ev=None).prediction_id
    assert BASE.prediction_id != replace(BASE, probability=0.5).prediction_id


def test_hashes_of_many_are_those_of_each_and_are_known_to_it():
    odd = [{}, {"edge": None}, {"line_at_prediction": -0.0}, {"odds_at_prediction": None}, {"game_id": 'São "%s"'}]
    many = [replace(BASE, **change) for change in [*odd, *odd]]
    assert prediction_hashes(many) == [prediction_hash_of(one.values()) for one in many]
    assert [one.__dict__["prediction_hash"] for one in many] == [prediction_hash_of(one.values()) for one in many]
    assert prediction_hashes([]) == []


def test_a_column_is_rounded_to_the_bit_as_its_values_are():
    rng = np.random.default_rng(0)
    halves = (rng.integers(-(10**6), 10**6, 5_000) + 0.5) / 1e6  # nearly all lie a bit above or below the half
    odd = [np.nan, -1e-9, 0.0, -0.0, 5e-7, -5e-7, 1e13 / 3, -1e300, np.inf]
    values = np.concatenate([rng.uniform(-1, 1, 5_000), halves, rng.normal(0, 1e7, 1_000), odd])
    each = np.array([np.nan if (found := rounded(value)) is None else found for value in values.tolist()])
    assert rounded_column(values).tobytes() == each.tobytes()


def test_predictions_made_by_the_column_are_those_made_one_by_one():
    there = BASE.as_of.astimezone(timezone(timedelta(hours=-4)))
    changes = [{}, {"edge": None, "ev": None, "as_of": there}, {"edge": -1e-9, "book": None, "probability_low": 0.5}]
    each = [replace(BASE, **change) for change in changes]
    given = [{**BASE.values(), **change} for change in changes]
    columns = {name: [row[name] for row in given] for name in PREDICTION_FIELDS}
    columns |= {name: np.array(columns[name], dtype="float64") for name in FLOAT_COLUMNS}
    many = Prediction.of_columns(columns)
    assert many == each
    assert [repr(one) for one in many] == [repr(one) for one in each]
    assert [one.prediction_hash for one in many] == [one.prediction_hash for one in each]
