"""The HTML report as a browser shows it: title, tables and pictures, and nothing asked of anybody."""

import json
import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.evaluation.plots import cumulative_units
from aipro_ml.evaluation.report import ModelSection, Report, ReportFigure, write_report

pytestmark = pytest.mark.browser

LOOK = """<script>addEventListener("load", () => {
  document.body.dataset.seen = JSON.stringify({
    pictures: [...document.images].map(i => i.complete && i.naturalWidth > 100),
    rows: [...document.querySelectorAll("table")].map(t => t.tBodies[0].rows.length),
    asked: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
    wide: document.documentElement.scrollWidth > innerWidth,
  })})</script>"""
"""Added by the test: the page itself has no script."""


def graded(n=40):
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "kickoff": pd.Timestamp("2022-09-11T17:00Z") + pd.to_timedelta(np.arange(n), unit="h"),
            "game": [f"A{i} at B{i}" for i in range(n)],
            "bet_type": "spread",
            "actual_result": random.choice(["win", "loss"], n),
            "profit_loss": random.choice([0.909, -1.0], n),
            "clv": random.normal(-0.02, 0.02, n),
        }
    )


@pytest.fixture
def report(tmp_path):
    units = cumulative_units(tmp_path / "units.png", graded(), title="Season 2022")
    board = pd.DataFrame({"name": ["market", "logistic"], "n": [2961, 2961], "log_loss": [0.6094, 0.6277]})
    slate = pd.DataFrame(
        {
            "kickoff": pd.to_datetime(["2022-09-11T17:00Z"]),
            "game": ["BUF @ LA"],
            "bet_type": ["moneyline"],
            "predicted_side": ["home"],
            "line_at_prediction": [np.nan],
            "odds_at_prediction": [-110],
            "probability": [0.551],
            "edge": [0.051],
            "ev": [0.0519],
            "kelly_fraction": [0.0138],
            "signal_tier": ["A"],
        }
    )
    return Report(
        title="NFL: predictions",
        facts={"Sport": "NFL"},
        slate=slate,
        sections=(ModelSection(BetType.MONEYLINE, board, (ReportFigure(units, "Skill"),), -0.03, 0.06),),
        summary=pd.DataFrame({"bet_type": ["spread"], "signal_tier": ["D"], "n": [40], "units": [-3.2]}),
        grades=graded(5),
        figures=(ReportFigure(units, "Units"),),
        remarks=("Back-filled.",),
    )


def test_the_report_shows_its_tables_and_pictures_and_asks_nobody(chromium, tmp_path, report):
    place = write_report(tmp_path / "report.html", report)
    html = place.read_text(encoding="utf-8")
    place.write_text(html.replace("</body>", LOOK + "</body>"), encoding="utf-8")
    dom = chromium.dom(place.as_uri())
    assert "<title>NFL: predictions</title>" in dom
    found = re.search(r'data-seen="([^"]*)"', dom)
    assert found is not None
    seen = json.loads(unescape(found[1]))
    assert seen == {"pictures": [True, True], "rows": [1, 2, 1, 5], "asked": [], "wide": False}
