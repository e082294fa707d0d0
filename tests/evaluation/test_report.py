"""The report is one readable page that needs nothing but itself."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.evaluation.plots import cumulative_units
from aipro_ml.evaluation.report import ModelSection, Report, ReportFigure, blend_sentence, write_report

SLATE = pd.DataFrame(
    {
        "kickoff": pd.to_datetime(["2022-09-11T17:00Z", "2022-09-11T17:00Z", "2022-09-11T20:25Z"]),
        "game": ["BUF at LA", "<script>alert(1)</script>", "KC at ARI"],
        "bet_type": ["moneyline", "spread", "total"],
        "predicted_side": ["home", "away", "under"],
        "line_at_prediction": [np.nan, 0.0, 53.5],
        "odds_at_prediction": [-110, 105, -108],
        "probability": [0.551, 0.489, 0.52],
        "edge": [0.051, np.nan, -0.002],
        "ev": [0.0519, 0.0024, -0.01],
        "kelly_fraction": [0.0138, 0.0, 0.0],
        "signal_tier": ["A", "D", "D"],
    }
)
LEADERBOARD = pd.DataFrame(
    {
        "name": ["market", "logistic"],
        "framework": ["baseline", "sklearn"],
        "n": [2961, 2961],
        "log_loss": [0.60941, 0.62771],
        "auc": [0.7191, np.nan],
        "accuracy": [0.666, 0.64],
        "delta_log_loss_vs_market": [0.0, 0.0183],
    }
)


def graded(n=60):
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
    units = cumulative_units(tmp_path / "plots" / "units.png", graded(), title="Season 2022")
    return Report(
        title="NFL & friends",
        facts={"As of": "2022-09-11T16:59:00Z", "Data": "6,421 games"},
        slate=SLATE,
        sections=(ModelSection(BetType.MONEYLINE, LEADERBOARD, (), -0.03, 0.06),),
        summary=pd.DataFrame(
            {"bet_type": ["spread"], "signal_tier": ["D"], "n": [60], "units": [-3.2], "roi": [-0.053]}
        ),
        grades=graded(5),
        abstentions=pd.DataFrame({"game": ["X at Y"], "bet_type": ["total"], "reason": ["no_fresh_quote"]}),
        figures=(ReportFigure(units, "Units & CLV"),),
        remarks=("Back-filled.",),
    )


@pytest.fixture
def page(tmp_path, report):
    return write_report(tmp_path / "out" / "report.html", report).read_text(encoding="utf-8")


class Balance(HTMLParser):
    """Holds the tags that are open; void elements never are."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_tag_is_closed(page):
    parser = Balance()
    parser.feed(page)
    assert parser.open == []


def test_the_page_needs_nothing_from_elsewhere(page):
    assert set(re.findall(r'(?:src|href)="([^"]{0,22})', page)) == {"data:image/png;base64,"}
    assert "@import" not in page
    assert "url(" not in page
    assert "<link" not in page
    assert "<script" not in page


def test_words_are_escaped(page):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "NFL &amp; friends" in page
    assert 'alt="Units &amp; CLV"' in page


def test_numbers_are_written_as_they_are_read(page):
    for text in ("55.1%", "+5.1%", "1.38%", "+105", "-110", "0.6094", "+0.0183", "2,961", "2022-09-11 17:00", "53.5"):
        assert f">{text}<" in page


def test_line_zero_is_shown_and_a_missing_one_is_a_dash(page):
    rows = re.findall(r"<tr><td class=\"text\">.*?</tr>", page)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    assert cells[0][3] == "–"
    assert cells[1][3] == "0"
    assert cells[1][6] == "–"  # one-sided: no edge


def test_the_reasons_to_abstain_and_the_remarks_are_there(page):
    assert "no fresh quote" in page
    assert "Back-filled." in page
    assert "Nobody beats the closing line" in page


@pytest.mark.parametrize(
    ("coef", "se", "words"),
    [
        (-0.03, 0.06, "not distinguishable from nothing"),
        (0.3, 0.05, "more than two standard errors from nothing."),
        (0.9, 0.05, "check for a leak"),
        (0.0, None, "too few rows"),
        (None, None, "no market blend"),
    ],
)
def test_the_blend_is_put_into_honest_words(coef, se, words):
    assert words in blend_sentence(ModelSection(BetType.SPREAD, LEADERBOARD, (), coef, se))


def test_an_empty_night_still_makes_a_page(tmp_path):
    text = write_report(tmp_path / "r.html", Report("Quiet", {}, pd.DataFrame())).read_text(encoding="utf-8")
    assert "No prediction was published." in text
    assert text.count("Nothing is graded yet.") == 2


def test_the_plot_is_a_picture_even_of_nothing(tmp_path):
    path = cumulative_units(tmp_path / "none.png", graded(0), title="none")
    assert path.read_bytes().startswith(b"\x89PNG")
