"""Proving, replaying, drawing and exporting predictions, as a shell does it."""

import json
import struct

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.jobs import ledger as job
from aipro_ml.jobs.ledger import keep_head, tag_head
from aipro_ml.jobs.predict import predict
from aipro_ml.training.mlflow_store import TrackingError
from tests.fixtures_commands import use
from tests.fixtures_platform import NOW, _clone, open_week_request, past_week_request


@pytest.fixture(scope="module")
def reading(server, published_template, tmp_path_factory):
    """A clone of the published league that this file's tests only read."""
    yield from _clone(server, published_template, tmp_path_factory.mktemp("reading"))


@pytest.fixture
def on_reading(monkeypatch, reading, aipro):
    use(monkeypatch, reading)
    return aipro


def test_an_exported_ledger_verifies_the_ledger_and_a_damaged_one_is_refused(on_reading, tmp_path):
    place = tmp_path / "ledger.jsonl"
    assert "90 rows to" in on_reading("ledger export --out", place).out
    head = json.loads(on_reading("ledger head --json").out)
    assert head["head"] == on_reading("ledger head").out.strip()
    assert head["merkle_root"] == json.loads(place.read_text().splitlines()[0])["merkle_root"]
    done = on_reading("ledger verify --file", place)
    assert (done.code, "90 rows, every hash and link holds; the first 90 are those of" in done.out) == (0, True)
    assert json.loads(on_reading("ledger verify --json --file", place).out)["kept"] == head["head"]
    place.write_text(place.read_text().replace("home", "away", 1))
    assert on_reading("ledger verify --file", place).code == 1
    assert on_reading("ledger verify --file", tmp_path / "none").code == 2
    assert on_reading(f"ledger verify --head {head['head']} --file", place).code == 2
    assert on_reading("ledger export --out", tmp_path / "no" / "folder").code == 2


def test_a_proof_names_the_row_and_the_root(on_reading, reading):
    found = reading.rows("SELECT prediction_id, seq, chain_hash FROM fact_predictions WHERE seq = 17")[0]
    proof = json.loads(on_reading("ledger proof", found["prediction_id"]).out)
    assert (proof["seq"], proof["rows"], proof["chain_hash"]) == (17, 90, found["chain_hash"])
    assert proof["merkle_root"] == json.loads(on_reading("ledger head --json").out)["merkle_root"]
    assert json.loads(on_reading("ledger proof --rows 17", found["prediction_id"]).out)["rows"] == 17
    assert on_reading("ledger proof --rows 16", found["prediction_id"]).code == 2
    assert on_reading("ledger proof zzzz").code == 2


def test_a_head_vouches_for_its_own_rows_and_an_invented_one_for_none(on_reading, reading):
    kept = reading.one("SELECT seq || ':' || chain_hash FROM fact_predictions WHERE seq = 5")
    assert "the first 5 are those of the head given" in on_reading("ledger verify --head", kept).out
    assert on_reading("ledger verify --head", f"0:{'0' * 64}").code == 0
    assert on_reading("ledger verify --head", f"0:{'f' * 64}").code == 1


def test_a_damaged_ledger_is_neither_exported_nor_proved(monkeypatch, published, aipro, tmp_path):
    use(monkeypatch, published)
    named = str(published.one("SELECT prediction_id FROM fact_predictions WHERE seq = 5"))
    owner = published.owner()
    with owner.begin() as connection:
        connection.execute(sa.text("ALTER TABLE fact_predictions DISABLE TRIGGER USER"))
        connection.execute(sa.text("UPDATE fact_predictions SET probability = 0.77 WHERE seq = 5"))
    owner.dispose()
    for command in (f"ledger proof {named} --out", "ledger export --out"):
        done = aipro(command, tmp_path / "out")
        assert (done.code, "the ledger does not hold: row 5 was changed" in done.err) == (1, True)
    assert list(tmp_path.glob("out")) == []


def test_a_replay_says_how_much_came_again_and_names_what_did_not(monkeypatch, published, aipro):
    use(monkeypatch, published)
    done = aipro("predict replay --sport SIM-NFL --season 2025")
    assert done.code == 0
    assert "100.00% of 90 predictions equal; 6 abstentions; 0 differs, 0 missing, 0 extra" in done.out
    owner = published.owner()
    with owner.begin() as connection:
        connection.execute(sa.text("ALTER TABLE fact_predictions DISABLE TRIGGER USER"))
        connection.execute(sa.text("UPDATE fact_predictions SET kelly_fraction = 0.0123 WHERE seq = 5"))
    owner.dispose()
    done = aipro("predict replay --sport SIM-NFL --season 2025")
    assert done.code == 1
    assert "98.89% of 90 predictions equal" in done.out
    assert "kelly_fraction" in done.out
    told = [json.loads(line) for line in aipro("predict replay --sport SIM-NFL --season 2025 --json").out.splitlines()]
    assert [each["field"] for row in told for each in row["differences"]] == ["kelly_fraction"]
    assert aipro("predict replay").code == 2


def test_an_explanation_is_drawn_as_a_waterfall(on_reading, reading, tmp_path):
    found = str(reading.one("SELECT id FROM predictions ORDER BY id LIMIT 1"))
    place = tmp_path / "why" / "waterfall.png"
    done = on_reading(f"predict explain {found[:13]} --plot", place)
    assert (done.code, f"waterfall: {place}" in done.out) == (0, True)
    head = place.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    assert width > 600
    assert height > 400
    assert on_reading(f"predict explain {found[:13]} --plot /dev/null/no.png").code == 2


def read_json(place):
    return pd.DataFrame(json.loads(place.read_text()))  # pandas reads numbers less exactly than they are written


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_predictions_are_exported_with_all_that_is_known_of_them(on_reading, reading, tmp_path, form):
    place = tmp_path / f"out.{form}"
    assert f"90 predictions to {place}" in on_reading(f"predict export --format {form} --out", place).out
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": read_json}[form](place)
    stored = reading.rows("SELECT prediction_hash, probability FROM fact_predictions ORDER BY seq")
    assert read.sort_values("seq")["prediction_hash"].tolist() == [row["prediction_hash"] for row in stored]
    assert read.sort_values("seq")["probability"].tolist() == [row["probability"] for row in stored]
    assert {"kickoff", "book", "mode", "actual_result", "clv", "signal_tier"} <= set(read.columns)
    assert pd.to_datetime(read["kickoff"], utc=True).is_monotonic_increasing


def test_an_export_can_be_of_a_sport_a_day_and_tiers(on_reading, tmp_path):
    place = tmp_path / "out.csv"
    assert "0 predictions" in on_reading("predict export --sport NFL --out", place).out
    assert on_reading("predict export --sport SIM-NFL --tier D --out", place).code == 0
    assert set(pd.read_csv(place)["signal_tier"]) == {"D"}
    day = pd.read_csv(place, parse_dates=["kickoff"])["kickoff"].dt.tz_convert("America/New_York").dt.date.iloc[0]
    on_reading(f"predict export --sport SIM-NFL --date {day} --out", place)
    days = pd.read_csv(place, parse_dates=["kickoff"])["kickoff"].dt.tz_convert("America/New_York").dt.date
    assert set(days) == {day}
    assert on_reading("predict export --sport CURLING --out", place).code == 2
    assert on_reading("predict export --out", tmp_path / "no" / "folder.csv").code == 2


def test_after_a_live_run_the_head_is_kept_in_a_file_and_in_mlflow(trained, monkeypatch):
    tagged = []
    monkeypatch.setattr(job, "tag_models", lambda uri, places, tags: tagged.append((places, tags)) or [])
    engine, settings = trained.engine, trained.settings
    assert keep_head(engine, settings, predict(engine, settings, past_week_request()), NOW) is None
    kept = keep_head(engine, settings, predict(engine, settings, open_week_request()), NOW)
    facts = json.loads(kept.file.read_text())
    assert facts["head"] == f"90:{kept.head.chain_hash}"
    assert tag_head(engine, settings, kept) is None
    ((places, tags),) = tagged
    assert set(places.values()) == {f"aipro/SIM-NFL/{bet_type}" for bet_type in ("moneyline", "spread", "total")}
    assert (tags["ledger.head"], tags["ledger.merkle_root"]) == (facts["head"], facts["merkle_root"])
    assert keep_head(engine, settings, predict(engine, settings, open_week_request()), NOW) is None

    def refuses(*_):
        raise TrackingError("MLflow did not take the ledger's head: away")

    monkeypatch.setattr(job, "tag_models", refuses)
    assert "away" in tag_head(engine, settings, kept)
