"""The performance page says what figures mean, without lies in either direction."""

import pandas as pd
import pytest

from aipro_ml.evaluation import performance_plots as plots
from aipro_ml.evaluation.performance import scored_rows, summary
from aipro_ml.evaluation.performance_report import KindSection, PerformancePage, meaning, write_performance_page
from aipro_ml.evaluation.report import ReportFigure
from aipro_ml.evaluation.windows import windows
from tests.evaluation.test_expected import LAST, bets


def said(clv, **changed):
    rows = bets().assign(clv=clv, **changed, all="all")
    spans = windows(rows, LAST, seed=1)
    return meaning(summary(rows, ["all"], seed=1).iloc[0].to_dict(), spans[spans["window"] == "season"])


@pytest.mark.parametrize(
    ("clv", "verdict"),
    [
        (0.02, "better than the market that closed"),
        (-0.02, "the closing market was the better judge"),
        ([0.05, -0.05] * 60, "not to be told from nothing"),
        (float("nan"), "nobody can say what the bets were worth"),
    ],
)
def test_closing_line_value_is_judged_by_its_interval(clv, verdict):
    assert verdict in said(clv)[0]


def test_a_single_week_is_said_to_have_no_interval():
    worth = said(-0.02, season=2022, week=1)[0]
    assert "one week, no interval" in worth
    assert "nan" not in worth


def test_a_log_loss_outside_its_band_is_called_so():
    assert "as it should if every probability is right" in said(0.0)[2]
    assert "look at the calibration" in said(0.0, probability=0.95)[2]


def test_the_page_holds_every_kind_apart_with_its_plots_and_escapes_names(tmp_path):
    rows = bets().assign(book="<B>", signal_tier="D")
    drawn = [
        plots.units_by_kickoff(tmp_path / "units.png", rows, title="units"),
        plots.clv_histogram(tmp_path / "clv.png", rows, title="CLV"),
        plots.reliability(tmp_path / "reliability.png", scored_rows(rows), title="reliability"),
        plots.log_loss_beside_expected(tmp_path / "loss.png", scored_rows(rows), 30, title="log loss"),
    ]
    figures = tuple(ReportFigure(path, path.stem) for path in drawn)
    sections = tuple(
        KindSection(
            title, ("It says.",), windows(rows, LAST, 1), {"By book": summary(rows, ["book"], 1)}, figures[:count]
        )
        for title, count in (("Live, production", 4), ("Live, shadow", 0))
    )
    waiting = pd.DataFrame(
        {"date": ["2022-12-01"], "bet_type": ["total"], "n": [9], "expected": [0.69], "expected_low": [0.68]}
    )
    page = write_performance_page(tmp_path / "page.html", PerformancePage("T & T", {"Sport": "NFL"}, sections, waiting))
    text = page.read_text(encoding="utf-8")
    assert text.index("Live, production") < text.index("Live, shadow") < text.index("Before results are in")
    assert text.count("data:image/png;base64,") == 4
    assert "&lt;B&gt;" in text
    assert "<B>" not in text
    assert "0.6900" in text
    assert [each.name for each in tmp_path.glob("*.tmp")] == []
