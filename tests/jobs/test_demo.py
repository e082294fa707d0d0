"""The demo on a small league: everything it promises is printed, stored and in its report."""

import re
from contextlib import contextmanager

import pytest

from aipro_ml.config import ModelConfig, TrainingConfig
from aipro_ml.enums import BetType
from aipro_ml.jobs import demo
from aipro_ml.jobs.importing import League
from aipro_ml.jobs.listings import verify_ledger
from tests.fixtures_platform import NOW, SPORT, Platform

SMALL = ModelConfig(name="logistic", framework="sklearn", estimator="logistic_regression", params={"C": 0.01})


class Teller:
    """Remembers what the demo tells."""

    def __init__(self):
        self.stages, self.tables, self.lines = [], {}, []

    @contextmanager
    def stage(self, title):
        self.stages.append(title)
        yield lambda _done, _total: None

    def rows(self, rows, title):
        self.tables[title] = list(rows)

    def line(self, text):
        self.lines.append(text)


@pytest.mark.slow
def test_the_demo_tells_the_whole_way_and_leaves_a_report(database_settings, monkeypatch):
    monkeypatch.setattr(demo, "LEAGUE", League("NFL", seasons=6, books=1, seed=3))
    monkeypatch.setattr(demo, "TEST_SEASONS", 2)
    monkeypatch.setattr(demo, "NIGHTS_WEEKS", 1)
    config = TrainingConfig(min_train_seasons=1, models=dict.fromkeys(BetType, (SMALL,)))
    monkeypatch.setattr(demo, "training_config", lambda: config)
    tell = Teller()
    result = demo.run_demo(database_settings, None, NOW.replace(year=2026), tell)

    assert tell.stages == ["import", "features", "train moneyline", "train spread", "train total", "predict"]
    (slate,) = [rows for title, rows in tell.tables.items() if "week 17" in title]
    assert len(slate) == 48
    for row in slate:
        assert 0 < row["probability"] < 1
        assert {"edge", "kelly", "tier", "side", "line", "price", "game"} <= row.keys()
    boards = [rows for title, rows in tell.tables.items() if "walk-forward" in title]
    assert len(boards) == 3
    assert all({"constant", "market", "logistic"} <= {row["name"] for row in rows} for rows in boards)
    assert any(re.search(r"48 graded, 48 pending, 0 void, 0 ungradeable", line) for line in tell.lines)
    assert not any("MLflow was not written" in line for line in tell.lines)

    page = result.report.read_text(encoding="utf-8")
    assert result.report.is_relative_to(database_settings.reports_dir)
    assert page.lower().startswith("<!doctype html>")
    assert "data:image/png;base64," in page
    assert not re.search(r"(?:src|href)=[\"']https?://", page)
    platform = Platform(database_settings)
    assert platform.one("SELECT count(*) FROM ml_models WHERE is_production") == 3
    assert verify_ledger(database_settings, None)[0] == 96
    assert result.sport == SPORT
    platform.close()
