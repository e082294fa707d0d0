"""The look of a report: one HTML page without external resources, and frames as tables."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

MISSING = "–"

_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --ink: #16202e; --soft: #566173; --paper: #ffffff; --card: #f5f7fa; --rule: #dde3ea; --accent: #1d4ed8;
  --good: #15803d; --bad: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b6; --paper: #10151c; --card: #19212b;
  --rule: #2c3744; --accent: #7aa5ff; --good: #4ade80; --bad: #f87171; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 80rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p, li { max-width: 46rem; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem 1.5rem; margin: 0;
  background: var(--card); padding: 1rem; border-radius: .6rem; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .5rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 600; }
th.text, td.text { text-align: left; }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--paper); }
.good { color: var(--good); } .bad { color: var(--bad); }
.tier { display: inline-block; min-width: 1.6rem; text-align: center; border-radius: .3rem; font-weight: 600;
  border: 1px solid var(--rule); }
.tier-A, .tier-B { background: var(--accent); color: var(--paper); border-color: var(--accent); }
.tier-C { border-color: var(--accent); color: var(--accent); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); gap: 1.25rem;
  margin-top: 1rem; }
figure { margin: 0; }
img { display: block; width: 100%; height: auto; background: #fff; border-radius: .5rem; }
</style>
</head>
<body>
$body
</body>
</html>
"""
)


def page(title: str, body: str) -> str:
    """Return the whole document; `title` is text, `body` is HTML."""
    return _PAGE.substitute(title=escape(title), body=body)


def table(frame: pd.DataFrame, labels: Mapping[str, str], empty: str) -> str:
    """Return `frame` as a table of those of its columns that `labels` names; `empty` is said of no rows."""
    if frame.empty:
        return f'<p class="soft">{escape(empty)}</p>'
    names = [name for name in labels if name in frame.columns]
    kinds = {name: "" if name in _FORMATS else ' class="text"' for name in names}
    head = "".join(f"<th scope=col{kinds[name]}>{escape(labels[name])}</th>" for name in names)
    rows = "".join(
        "<tr>" + "".join(f"<td{kinds[name]}>{cell(name, row[name])}</td>" for name in names) + "</tr>\n"
        for row in frame[names].to_dict("records")
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>'


def figure(png: Path, caption: str) -> str:
    """Return the image inside the page itself, with its caption."""
    data = b64encode(png.read_bytes()).decode()
    text = escape(caption, quote=True)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'


def cell(name: str, value: Any) -> str:
    """Return one value as HTML in the form its column is read in; missing values are a dash."""
    if value is None or pd.isna(value):
        return MISSING
    if name == "signal_tier":
        tier = escape(str(value))
        return f'<span class="tier tier-{tier}">{tier}</span>'
    if name in _FORMATS:
        return _FORMATS[name](value)
    if isinstance(value, bool):
        return "yes" if value else '<span class="bad">no</span>'
    if isinstance(value, pd.Timestamp):
        return escape(value.strftime("%Y-%m-%d %H:%M"))
    return escape(str(value).replace("_", " "))


def _signed(value: float, text: str) -> str:
    kind = "good" if value > 0 else "bad" if value < 0 else ""
    return f'<span class="{kind}">{text}</span>' if kind else text


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _points(value: float) -> str:
    value = round(value, 3) + 0.0
    return _signed(value, f"{value:+.1%}")


def _units(value: float) -> str:
    return _signed(value, f"{value:+.2f}")


def _price(value: float) -> str:
    return f"{value:+.0f}"


def _line(value: float) -> str:
    return f"{value:g}"


def _score(value: float) -> str:
    return f"{value:.4f}"


def _difference(value: float) -> str:
    return f"{value:+.4f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


_FORMATS: dict[str, Callable[[float], str]] = {
    **dict.fromkeys(("probability", "fair_probability", "accuracy", "clv_coverage"), _percent),
    **dict.fromkeys(("hit_low", "hit_high"), _percent),
    **dict.fromkeys(("edge", "ev", "clv", "roi", "roi_low", "roi_high"), _points),
    **dict.fromkeys(("mean_clv", "clv_low", "clv_high"), _points),
    **dict.fromkeys(("hit_rate", "stress", "max_drawdown"), _percent),
    **dict.fromkeys(("flat_roi", "kelly_roi", "growth", "observed", "null_mean"), _points),
    "null_sd": _percent,
    **dict.fromkeys(("p", "adjusted"), _score),
    "turnover": lambda value: f"{value:.1f}×",
    "flat_units": _units,
    "kelly_fraction": lambda value: f"{value:.2%}",
    **dict.fromkeys(("profit_loss", "units"), _units),
    "odds_at_prediction": _price,
    **dict.fromkeys(("line_at_prediction", "closing_line"), _line),
    **dict.fromkeys(("log_loss", "brier", "auc", "ece", "ece_null"), _score),
    **dict.fromkeys(("expected", "expected_low", "expected_high"), _score),
    **dict.fromkeys(("delta_log_loss_vs_market", "ci_low", "ci_high"), _difference),
    **dict.fromkeys(("n", "win", "loss", "push", "final", "drawdown_days", "scored", "weeks"), _count),
}
"""How a number of each column is written; columns not named here are words."""
