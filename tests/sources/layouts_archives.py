"""The layouts of the untimed archives and of Action Network for malformed variants."""

import json
import re
from datetime import date, timedelta
from functools import cache

import pandas as pd

from aipro_ml.sources import (
    action_network,
    action_network_props,
    bmr,
    kaggle_nba,
    klland,
    kyleskom,
    nflverse,
    oddsportal,
    sbr,
    sbr_nfl,
)
from tests.sources import archive_files as files
from tests.sources import malformed_values as bad
from tests.sources.contract import check_props
from tests.sources.layouts_tables import exchanged, nflverse_game
from tests.sources.malformed import Layout, Row, csv_of
from tests.sources.malformed_values import without


def _read(module, name, **options):
    return lambda content: module.read(content, name=name, **options)


def _day(year: int, month: int, day: int, number: int) -> date:
    return date(year, month, day) + timedelta(days=number)


def kaggle_game(number: int) -> list[Row]:
    """Golden State at New Orleans on 5 January 2013 and the days after."""
    return [files.kaggle_rows()[0] | {"date": _day(2013, 1, 5, number).isoformat()}]


def oddsportal_game(number: int) -> list[Row]:
    """Dallas at Boston on 1 January 2024 and the days after."""
    cells = {"date": _day(2024, 1, 1, number).strftime("%d %b %Y"), "season_type": "Regular"}
    return [files.oddsportal_rows()[0] | cells | {"game_url": f"https://x/boston-dallas-{number:08}/"}]


def kyleskom_game(number: int) -> list[Row]:
    """Orlando at Detroit in the season 2022-23."""
    return [files.kyleskom_rows()[0] | {"Date": _day(2022, 10, 19, number).strftime("2022-23-%m%d")}]


def klland_game(number: int) -> list[Row]:
    """Portland at San Antonio on 30 October 2007 and the days after."""
    return [files.klland_rows()[0] | {"date": _day(2007, 11, 1, number).isoformat()}]


def sbr_game(number: int) -> list[Row]:
    """The same game in SBR's two rows."""
    day = _day(2007, 11, 1, number).strftime("%m%d")
    away, home = files.sbr_rows()[:2]
    return [away | {"Date": day, "Rot": str(501 + 2 * number)}, home | {"Date": day, "Rot": str(502 + 2 * number)}]


def sbr_nfl_game(number: int) -> list[Row]:
    """New Orleans at Green Bay in September 2011 and on."""
    day = float(_day(2011, 9, 8, number).strftime("%Y%m%d"))
    return [files.sbr_nfl_rows()[0] | {"date": day}]


def bmr_game(number: int) -> list[Row]:
    """Pittsburgh at Tampa Bay, a week each game."""
    season, week = 2018 + number // 15, number % 15 + 1
    day = _day(season, 9, 3, 7 * week)
    cells = {"date": f"{day:%a} {day.month}/{day.day}", "week": str(week), "game_id": str(3452705 + number)}
    cells["season"] = str(season)
    home, away = files.bmr_rows()[:2]
    return [home | cells | {"rotation": str(490 + 2 * number)}, away | cells | {"rotation": str(489 + 2 * number)}]


def text_workbook(rows: list[Row]) -> bytes:
    """Return a workbook in which plain numbers are numbers and all else is text."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append([_typed(cell) for cell in row.values()])
        for cell in book.active[book.active.max_row]:
            cell.data_type = "s" if cell.data_type in {"f", "e"} else cell.data_type
    import io

    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _typed(cell: str):
    if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,8})", cell):
        return int(cell)
    return float(cell) if re.fullmatch(r"-?[0-9]{1,9}\.[0-9]*[1-9]", cell) else cell or None


def printable(values: list) -> list:
    """Return the values that a workbook can hold."""
    return [value for value in values if "\x1b" not in value and len(value) < 32_000]


@cache
def schedule() -> pd.DataFrame:
    """Return the games of the invented nflverse season."""
    rows = [row for number in range(40) for row in nflverse_game(number)]
    return nflverse.read(csv_of(rows), name="games.csv").games


def action_game(number: int) -> list[Row]:
    """BUF at LA in week 1, 2, … of 2022 as Action Network's event."""
    cells = {"event_id": str(4418 + number), "week": str(number + 1)}
    return [{name: cell if cell is None else str(cell) for name, cell in row.items()} | cells
            for row in files.action_rows()[:6]]  # fmt: skip


def parquet_of(rows: list[Row]) -> bytes:
    """Return a Parquet file of texts."""
    return files.as_parquet([{name: None if cell == "" else cell for name, cell in row.items()} for row in rows])


@cache
def action_games() -> pd.DataFrame:
    """Return the games with Action Network's events as external ids."""
    rows = [row for number in range(40) for row in action_game(number)]
    return action_network.read(parquet_of(rows), name="lines.parquet", schedule=schedule()).games


def prop_game(number: int) -> list[Row]:
    """Two sides of a player's receiving yards in each game."""
    row = {
        "bet_type": "receiving_yards", "event_id": str(4418 + number), "book_id": "15", "line_type": "total",
        "action_network_player_id": "31017", "period": "event", "side": "over", "value": "55.5", "odds": "-110",
        "join_name": "c.kupp", "player_id": "00-0033908",
    }  # fmt: skip
    return [row, row | {"side": "under", "odds": "-115"}]


def _bmr_tar(content: bytes) -> bytes:
    return files.as_tar({"2018/week_3.csv": content, "README": b"no csv"})


SBR_CELLS = {
    "Date": [*without(bad.DAYS, "44815"), "", "1332", "0230", "230.5"],
    "Rot": ["", "x", "0", "-502", "502.5", "1e3", "NaN", "５０２", "9" * 20, *bad.FEW_TEXTS],
    "VH": ["", "V", "x", "N", "h", *bad.FEW_TEXTS],
    "Team": bad.TEAMS,
    "Final": ["", *bad.SCORES],
    "Close": [*bad.SPREADS, "195", "-13"],
    "Open": [*bad.SPREADS, "184"],
    "ML": bad.AMERICAN,
}
BMR_CELLS = {
    "team": bad.TEAMS,
    "date": [*bad.DAYS, "", "Sat 9/24", "Mon 13/24", "9/24", "Mon 2/30"],
    "time": ["", "8:15", "13:15 PM", *bad.CLOCKS],
    "season": ["", *bad.SEASONS],
    "week": ["", "0", *bad.WEEKS],
    "rotation": ["", "x", "0", "-1", "1.5", "NaN", "9" * 20],
    "outcome": ["", "x", "final", *bad.FEW_TEXTS],
    "score": ["", *bad.SCORES],
    "8_moneyline": without(bad.AMERICAN),
    "8_spread": [*bad.SPREADS, "1.0", "-3"],
    "8_total": [*bad.TOTALS, "55.5"],
    "82_spread_odds": ["0", "-99", "NaN", "1.0", "-2000"],
}
LAYOUTS = [
    Layout(
        "kaggle-nba",
        "nba.csv",
        _read(kaggle_nba, "nba.csv"),
        kaggle_game,
        {
            "date": [*bad.DAYS, "", "01/05/2013", "2013-1-5", "2012-08-05"],
            "season": ["", "2012", *bad.SEASONS],
            "home": [*bad.TEAMS, "gs"],
            "score_home": ["", *bad.SCORES],
            "spread": [*bad.SPREADS, "-3.5"],
            "total": bad.TOTALS,
            "moneyline_home": [*bad.AMERICAN, "-1000"],
            "whos_favored": ["", "x", "HOME", "away", *bad.FEW_TEXTS],
        },
        kaggle_nba.FIELDS,
        marked={"moneyline_home": ["150"]},
        told_at={
            "season": ("date",),
            "home": ("away",),
            "score_home": ("score_away",),
            "whos_favored": ("spread",),
        },
        swapped=exchanged(("home", "away")),
    ),
    Layout(
        "oddsportal-nba",
        "oddsportal.csv",
        _read(oddsportal, "oddsportal.csv"),
        oddsportal_game,
        {
            "date": [*bad.DAYS, "", "2024-01-01", "1 Jan 2024", "01 Jan", "01 Jul 2024"],
            "season_type": ["", "x", "regular", *bad.FEW_TEXTS],
            "neutral": ["", *bad.FLAGS],
            "team_1": [*bad.TEAMS, "Dallas Mavericks"],
            "points_1": ["", *bad.SCORES],
            "moneyline_1": [*bad.AMERICAN, "-1000"],
            "moneyline_2": ["0", "-99", "1.0", "NaN", "-1000"],
        },
        oddsportal.FIELDS,
        told_at={"team_1": ("team_2",), "points_1": ("points_2",), "moneyline_2": ("moneyline_1",)},
        swapped=exchanged(("team_1", "team_2")),
    ),
    Layout(
        "kyleskom-nba",
        "odds_2022-23.csv",
        _read(kyleskom, "odds_2022-23.csv"),
        kyleskom_game,
        {
            "Date": [*bad.DAYS, "", "2022-23-1331", "2022-23-0801", "1999-00-1101"],
            "Home": [*bad.TEAMS, "Orlando Magic"],
            "Points": bad.SCORES,
            "Win_Margin": ["", "x", "3", "NaN", "999", "1e3"],
            "Spread": [*bad.SPREADS, "-3.5"],
            "OU": bad.TOTALS,
            "ML_Home": [*bad.AMERICAN, "-1000"],
            "ML_Away": ["0", "-99", "1.0", "-1000"],
        },
        kyleskom.FIELDS,
        marked={"ML_Home": ["138"]},
        told_at={"Home": ("Away",), "Win_Margin": ("Points",), "ML_Away": ("ML_Home",)},
        swapped=exchanged(("Home", "Away")),
    ),
    Layout(
        "klland-nba",
        "klland.csv",
        _read(klland, "klland.csv"),
        klland_game,
        {
            "date": [*bad.DAYS, "", "11/01/2007", "2007-11-1", "2007-08-01"],
            "season": ["", "2010", *bad.SEASONS],
            "home_team": [*bad.TEAMS, "Portland"],
            "home_pts": ["", *bad.SCORES],
            "close_spread": [*bad.SPREADS, "-13"],
            "close_total": bad.TOTALS,
            "home_ml": bad.AMERICAN,
            "away_ml": ["0", "-99", "1.0", "-1400"],
        },
        klland.FIELDS,
        marked={"home_ml": ["900"]},
        told_at={"season": ("date",), "home_team": ("away_team",), "home_pts": ("away_pts",), "away_ml": ("home_ml",)},
        swapped=exchanged(("home_team", "away_team")),
    ),
    Layout(
        "sbr-nba",
        "nba_odds_2007-08.csv",
        _read(sbr, "nba_odds_2007-08.csv"),
        sbr_game,
        SBR_CELLS,
        sbr.FIELDS,
        marked={"ML": ["900"]},
        spoilt=1,
        unread=frozenset({"Open"}),
        told_at={"Team": ("Team",), "Final": ("Final",)},
    ),
    Layout(
        "sbr-nba",
        "nba_2007-08.xlsx",
        _read(sbr, "nba_2007-08.xlsx"),
        sbr_game,
        {column: printable(values) for column, values in SBR_CELLS.items()},
        sbr.FIELDS,
        encode=text_workbook,
        kind="xlsx",
        spoilt=1,
        unread=frozenset({"Open"}),
    ),
    Layout(
        "sbr-nfl",
        "nfl.json",
        _read(sbr_nfl, "nfl.json"),
        sbr_nfl_game,
        {
            "date": [*without(bad.DAYS, ""), "", 20110230.0, 110908, *bad.JSON_VALUES],
            "season": ["", 2010, *bad.SEASONS, *bad.JSON_VALUES[1:]],
            "home_team": [*bad.TEAMS, "Saints", *bad.JSON_VALUES],
            "home_final": ["", *bad.SCORES, *bad.JSON_VALUES],
            "home_close_ml": [*bad.AMERICAN, 0, -99, 1.0, *bad.JSON_VALUES],
            "home_close_spread": [*bad.SPREADS, 5.0, 48.5, *bad.JSON_VALUES],
            "close_over_under": [*bad.TOTALS, 4.5, *bad.JSON_VALUES],
        },
        sbr_nfl.FIELDS,
        encode=lambda rows: json.dumps(rows).encode(),
        kind="json",
        first_line=1,
        told_at={
            "season": ("date",),
            "home_team": ("away_team",),
            "home_final": ("away_final",),
            "close_over_under": ("home_close_spread",),
        },
        swapped=exchanged(("home_team", "away_team")),
    ),
    Layout("bmr", "week_3.csv", _read(bmr, "week_3.csv"), bmr_game, BMR_CELLS, bmr.FIELDS),
    Layout(
        "bmr",
        "2018/week_3.csv",
        _read(bmr, "bmr.tar.gz"),
        bmr_game,
        {column: BMR_CELLS[column] for column in ("date", "team", "8_moneyline")},
        bmr.FIELDS,
        wrap=_bmr_tar,
    ),
    Layout(
        "action-network",
        "lines.parquet",
        lambda content: action_network.read(content, name="lines.parquet", schedule=schedule()),
        action_game,
        {
            "team": [*without(bad.TEAMS, ""), "BUF", "PIT"],
            "event_id": ["", "x", "-1", "1.5", "0", "NaN", "1e3", "9" * 20, *bad.FEW_TEXTS],
            "book_id": ["", "x", "-1", "1.5", "0", "NaN", "1e3", "9" * 20, *bad.FEW_TEXTS],
            "season": ["", *bad.SEASONS],
            "week": ["", "0", *bad.WEEKS],
            "side": ["", "noside", "over", "draw", "away", "HOME", *bad.FEW_TEXTS],
            "value": ["", *bad.SPREADS, "-2.5", "29"],
            "odds": bad.AMERICAN,
        },
        action_network.FIELDS,
        encode=parquet_of,
        kind="parquet",
        first_line=1,
        told_at={"team": ("event_id",), "side": ("event_id",), "season": ("event_id",), "week": ("event_id",)},
    ),
    Layout(
        "action-network-props",
        "props.parquet",
        lambda content: action_network_props.read(content, name="props.parquet", games=action_games()),
        prop_game,
        {
            "event_id": ["", "x", "-1", "1.5", "0", "NaN", "1e3", "9" * 20, *bad.FEW_TEXTS],
            "book_id": ["", "x", "-1", "1.5", "0", "NaN", "1e3", "9" * 20, *bad.FEW_TEXTS],
            "action_network_player_id": ["", "-1", "x", "1.5", "NaN", "9" * 20, *bad.FEW_TEXTS],
            "bet_type": ["", "x" * 300, "a\nb", "=1+1", "\u202e1", "#REF!"],
            "line_type": ["", "x", "spread", *bad.TEXTS],
            "side": ["", "noside", "home", "draw", "OVER", *bad.TEXTS],
            "value": ["", *without(bad.SPREADS, "101"), "-55.5", "0", "601"],
            "odds": ["", *bad.AMERICAN],
            "join_name": ["x" * 101, "x" * 300, "x" * 5000],
        },
        action_network_props.FIELDS,
        encode=parquet_of,
        kind="parquet",
        first_line=1,
        keys=lambda batch: list(dict.fromkeys(batch.props["game"])),
        check=check_props,
    ),
]
