"""A first mapping for a table nobody has explained yet: what its headers and cells give away, `?` for the rest."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from typing import Any

import pandas as pd

from aipro_ml.sources.checks import numbers
from aipro_ml.sources.excel import is_excel, read_excel
from aipro_ml.sources.franchises import folded
from aipro_ml.sources.mapping import HOURS, UNKNOWN
from aipro_ml.sources.read import read_csv

Found = dict[str, str]
"""Columns of the table by what they seem to hold."""

NAMES: Table[str, Sequence[str]] = {
    "home": ("hometeam", "home", "teamhome", "homename", "homecode"),
    "away": ("awayteam", "away", "teamaway", "awayname", "awaycode", "visitor", "visitorteam", "roadteam"),
    "date": ("date", "gamedate", "gameday", "matchdate", "day", "kickoff", "commencetime", "starttime", "datetime"),
    "time": ("time", "gametime", "kickofftime", "matchtime"),
    "home_score": ("homescore", "homepoints", "homegoals", "fthg", "scorehome", "ptshome", "homepts", "hg"),
    "away_score": ("awayscore", "awaypoints", "awaygoals", "ftag", "scoreaway", "ptsaway", "awaypts", "ag"),
    "season": ("season", "year", "seasonyear"),
    "week": ("week", "weeknumber"),
    "book_column": ("book", "bookmaker", "sportsbook", "bookie"),
    "recorded_at": ("timestamp", "recordedat", "snapshot", "snapshotutc", "lastupdate", "quotedat"),
    "favourite": ("favourite", "favorite", "whosfavored", "whosfavoured"),
    "moneyline.home": ("homemoneyline", "moneylinehome", "homeml", "mlhome", "homeodds", "oddshome", "b365h", "psh"),
    "moneyline.draw": ("drawmoneyline", "drawodds", "oddsdraw", "draw", "b365d", "psd"),
    "moneyline.away": ("awaymoneyline", "moneylineaway", "awayml", "mlaway", "awayodds", "oddsaway", "b365a", "psa"),
    "spread.line": ("spread", "spreadline", "homespread", "spreadhome", "handicap", "pointspread", "line", "ahh"),
    "spread.home": ("homespreadodds", "spreadoddshome", "homespreadprice", "spreadhomeodds", "b365ahh", "pahh"),
    "spread.away": ("awayspreadodds", "spreadoddsaway", "awayspreadprice", "spreadawayodds", "b365aha", "paha"),
    "total.line": ("total", "totalline", "overunder", "ou", "totalpoints"),
    "total.over": ("overodds", "overprice", "oddsover", "totaloverodds", "over"),
    "total.under": ("underodds", "underprice", "oddsunder", "totalunderodds", "under"),
}
FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%Y", "%d-%m-%Y", "%Y%m%d", "%b %d, %Y",
    "%d %b %Y", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
)  # fmt: skip
CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p")
PRICES = (
    "moneyline.home",
    "moneyline.draw",
    "moneyline.away",
    "spread.home",
    "spread.away",
    "total.over",
    "total.under",
)
ENOUGH = 0.3
"""A spread's sign is told by its correlation with the moneyline's favourite, if it is at least this."""


def cells_of(data: bytes, *, name: str) -> pd.DataFrame:
    """Return every named column of the table `data` (CSV, gzip of it, or .xlsx) as text, NA where missing."""
    read = read_excel if is_excel(data) else read_csv
    return read(data, name=name, columns=(), also=bool).frame.drop(columns="line_number")


def propose(frame: pd.DataFrame) -> dict[str, Any]:
    """Return a mapping (plain values, for YAML) for the table `frame` of text cells, `?` where it does not say.

    It is a draft to be read: `mapping.mapping_of` refuses it until each `?` is filled in.
    """
    found = _columns(frame)
    told: dict[str, Any] = {"sport": UNKNOWN, "source": UNKNOWN, "timezone": UNKNOWN}
    told["date"] = {"column": found.get("date", UNKNOWN), "format": _format(frame, found.get("date"), FORMATS)}
    timed = any(hour in told["date"]["format"] for hour in HOURS)
    if "time" in found and not timed:
        told["time"] = {"column": found["time"], "format": _format(frame, found["time"], CLOCKS)}
    elif not timed:
        told["usual_time"] = UNKNOWN
    if "season" in found and _is_year(frame[found["season"]]):
        told["season"] = found["season"]
    else:
        told["season_starts_month"] = UNKNOWN
    told |= {side: found.get(side, UNKNOWN) for side in ("home", "away")}
    told |= {name: found[name] for name in ("week", "book_column") if name in found}
    if {"home_score", "away_score"} <= set(found):
        told |= {name: found[name] for name in ("home_score", "away_score")}
    if "recorded_at" in found:
        form = _format(frame, found["recorded_at"], FORMATS)
        told["recorded_at"] = {"column": found["recorded_at"], "format": form}
    told["odds"] = _odds(frame, found)
    told["markets"] = _markets(frame, found)
    return told


def _columns(frame: pd.DataFrame) -> Found:
    """Return the first column of each meaning, the likelier name first."""
    folded_names: dict[str, str] = {}
    for column in frame.columns:
        folded_names.setdefault(folded(str(column)), str(column))
    return {
        meaning: next(folded_names[name] for name in names if name in folded_names)
        for meaning, names in NAMES.items()
        if any(name in folded_names for name in names)
    }


def _format(frame: pd.DataFrame, column: str | None, formats: Sequence[str]) -> str:
    """Return the one format every cell has; where several fit, `?` and all of them."""
    if column is None:
        return UNKNOWN
    cells = frame[column].dropna()
    fits = [
        form for form in formats if len(cells) and pd.to_datetime(cells, format=form, errors="coerce").notna().all()
    ]
    return fits[0] if len(fits) == 1 else " ".join([UNKNOWN, " or ".join(fits)]).strip()


def _is_year(cells: pd.Series) -> bool:
    value = numbers(cells)
    return bool(value.notna().all() and value.between(1900, 2100).all())


def _odds(frame: pd.DataFrame, found: Found) -> str:
    columns = [found[name] for name in PRICES if name in found]
    value = (
        pd.concat([numbers(frame[column]) for column in columns]).dropna() if columns else pd.Series(dtype="Float64")
    )
    if value.empty:
        return UNKNOWN
    if (value.abs() >= 100).all():
        return "american"
    return "decimal" if (value > 1).all() and (value < 100).mean() > 0.99 else UNKNOWN


def _markets(frame: pd.DataFrame, found: Found) -> list[dict[str, Any]]:
    """Return the markets whose columns are there."""
    markets = []
    for market, sides in (
        ("moneyline", ("home", "draw", "away")), ("spread", ("home", "away")), ("total", ("over", "under")),
    ):  # fmt: skip
        prices = {side: found[f"{market}.{side}"] for side in sides if f"{market}.{side}" in found}
        line = found.get(f"{market}.line")
        if line is None and (market != "moneyline" or not prices):
            continue
        told: dict[str, Any] = {"market": market}
        if "book_column" not in found:
            told["book"] = UNKNOWN
        told["seen"] = "recorded" if "recorded_at" in found else UNKNOWN
        told["prices"] = prices
        if line is not None:
            told["line"] = line
        if market == "spread":
            told |= _sign(frame, found)
        markets.append(told)
    return markets


def _sign(frame: pd.DataFrame, found: Found) -> dict[str, str]:
    """Return the sign convention, told by who the moneyline's favourite is."""
    line = numbers(frame[found["spread.line"]])
    if "favourite" in found and line.dropna().ge(0).all():
        return {"sign": "unsigned", "favourite": found["favourite"]}
    if not {"moneyline.home", "moneyline.away"} <= set(found):
        return {"sign": UNKNOWN}
    home, away = (_implied(numbers(frame[found[f"moneyline.{side}"]])) for side in ("home", "away"))
    agreement = line.astype(float).corr(home - away)
    if not abs(agreement) >= ENOUGH:
        return {"sign": UNKNOWN}
    return {"sign": "home_favoured_by" if agreement > 0 else "home_handicap"}


def _implied(price: pd.Series) -> pd.Series:
    """Return the implied probability of American or decimal odds, whichever each number can be."""
    value = price.astype(float)
    american = (100 / (value + 100)).where(value > 0, value / (value - 100))
    return american.where(value.abs() >= 100, 1 / value.where(value > 1))
