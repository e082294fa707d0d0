"""Small invented files in the layouts of the archives, two games each, whose cells tests can spoil."""

import csv
import importlib.util
import io
import json
import tarfile

import pandas as pd

from aipro_ml.sources import nflverse
from tests.sources.conftest import as_csv as nflverse_csv
from tests.sources.conftest import game_row, other_row

Row = dict[str, str]
HAS_EXCEL = importlib.util.find_spec("openpyxl") is not None


def as_csv(rows: list[Row]) -> bytes:
    """These rows as the bytes of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_excel(rows: list[Row]) -> bytes:
    """These rows as the bytes of a workbook; numbers are numbers in it."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append([_number(cell) for cell in row.values()])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _number(cell: str):
    try:
        return float(cell) if "." in cell else int(cell)
    except ValueError:
        return cell or None


def as_tar(files: dict[str, bytes]) -> bytes:
    """These files as the bytes of a packed tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def as_parquet(rows: list[dict]) -> bytes:
    """These rows as the bytes of a Parquet file."""
    out = io.BytesIO()
    pd.DataFrame(rows).to_parquet(out)
    return out.getvalue()


def kaggle_rows() -> list[Row]:
    first = {
        "season": "2013", "date": "2013-01-05", "regular": "True", "playoffs": "False", "away": "gs", "home": "no",
        "score_away": "97", "score_home": "106", "ot_away": "0", "ot_home": "0", "whos_favored": "home",
        "spread": "3.5", "total": "195.5", "moneyline_away": "150", "moneyline_home": "-170",
    }  # fmt: skip
    late = {"season": "2023", "date": "2023-02-03", "away": "bkn", "home": "cha", "ot_away": "9", "ot_home": "12"}
    bare = {"whos_favored": "away", "moneyline_away": "", "moneyline_home": ""}
    return [first, first | late | bare]


def oddsportal_rows() -> list[Row]:
    first = {
        "date": "17 Jun 2024", "season_type": "Play Offs", "neutral": "0", "team_1": "Boston Celtics",
        "team_2": "Dallas Mavericks", "points_1": "106", "points_2": "88", "moneyline_1": "-270",
        "moneyline_2": "+220", "game_url": "https://www.oddsportal.com/x/boston-celtics-dallas-mavericks-dUhxW4j2/",
    }  # fmt: skip
    other = {"date": "26 Oct 2011", "season_type": "Pre-season"}
    last = {"date": "30 Oct 2012", "season_type": "Regular", "moneyline_1": "-", "moneyline_2": "-", "neutral": "1"}
    return [first, first | last | {"game_url": "https://www.oddsportal.com/x/a-b-aaaaaaaa/"}, first | other]


def kyleskom_rows() -> list[Row]:
    first = {
        "index": "0", "Date": "2022-23-1019", "Home": "Detroit Pistons", "Away": "Orlando Magic", "OU": "215.5",
        "Spread": "3.5", "ML_Home": "-164", "ML_Away": "138", "Points": "222", "Win_Margin": "4",
    }  # fmt: skip
    other = {"Date": "2023-10-24", "Home": "Denver Nuggets", "Spread": "PK", "ML_Home": "NL", "ML_Away": "NL"}
    return [first, first | other]


def klland_rows() -> list[Row]:
    first = {
        "date": "2007-10-30", "season": "2008", "away_team": "Portland", "home_team": "SanAntonio", "away_pts": "97",
        "home_pts": "106", "close_spread": "13.0", "close_total": "189.5", "away_ml": "900", "home_ml": "-1400",
    }  # fmt: skip
    return [first, first | {"away_team": "Utah", "home_team": "Seattle"}]


def sbr_rows(home: Row | None = None, away: Row | None = None) -> list[Row]:
    """Four rows: a game whose rows take the given cells, and a neutral one after overtime."""
    visitor = {
        "Date": "1030", "Rot": "501", "VH": "V", "Team": "Portland", "1st": "26", "2nd": "23", "3rd": "28",
        "4th": "20", "Final": "97", "Open": "184", "Close": "189.5", "ML": "900", "2H": "95",
    }  # fmt: skip
    host = {
        "Date": "1030", "Rot": "502", "VH": "H", "Team": "SanAntonio", "1st": "29", "2nd": "30", "3rd": "22",
        "4th": "25", "Final": "106", "Open": "12.5", "Close": "13", "ML": "-1400", "2H": "5",
    }  # fmt: skip
    abroad = {"Date": "102", "VH": "N", "4th": "20", "1st": "26", "2nd": "23", "3rd": "28", "ML": "NL"}
    other = [
        visitor | abroad | {"Rot": "503", "Team": "NewJersey", "Close": "1.5", "Final": "107"},
        host | abroad | {"Rot": "504", "Team": "Seattle", "Close": "201", "Open": "pk", "Final": "110"},
    ]
    other[0]["Open"] = "203"
    return [visitor | (away or {}), host | (home or {}), *other]


def sbr_nfl_rows() -> list[dict]:
    first = {
        "season": 2011, "date": 20110908.0, "home_team": "Packers", "away_team": "Saints", "home_final": "42",
        "away_final": "34", "home_close_ml": -250, "away_close_ml": 210, "home_open_spread": -4.5,
        "away_open_spread": 4.5, "home_close_spread": -5.0, "away_close_spread": 5.0, "2H_total": 0.0,
        "open_over_under": 46.0, "close_over_under": 48.0,
    }  # fmt: skip
    return [first, first | {"home_team": "Fortyniners", "away_team": "SanDiego", "date": 20110911.0}]


def as_json(rows: list[dict]) -> bytes:
    """These records as the bytes of a JSON file."""
    return json.dumps(rows).encode()


def bmr_rows(home: Row | None = None, away: Row | None = None) -> list[Row]:
    """Four rows: a game whose rows take the given cells, and one in January after overtime."""
    visitor = {
        "game_id": "3452705", "team_id": "1519", "season": "2018", "week": "3", "team": "Pittsburgh",
        "date": "Mon 9/24", "time": "8:15 PM", "score": "30", "outcome": "FINAL", "rotation": "489",
        "opening_moneyline": "-135.0", "opening_spread": "-2.5", "opening_spread_odds": "-110.0",
        "opening_total": "49.5", "opening_total_odds": "-110.0", "8_moneyline": "100.0", "8_spread": "1.0",
        "8_spread_odds": "-105.0", "8_total": "55.0", "8_total_odds": "-110.0", "82_moneyline": "105.0",
        "82_spread": "1.5", "82_spread_odds": "-115.0", "82_total": "54.5", "82_total_odds": "-105.0",
    }  # fmt: skip
    host = visitor | {
        "team_id": "1544", "team": "Tampa Bay", "score": "27", "rotation": "490", "opening_moneyline": "115.0",
        "opening_spread": "2.5", "8_moneyline": "-120.0", "8_spread": "-1.0", "8_spread_odds": "-115.0",
        "82_moneyline": "-125.0", "82_spread": "-1.5", "82_spread_odds": "-105.0", "82_total_odds": "-115.0",
    }  # fmt: skip
    late = {"game_id": "1", "week": "18", "date": "Sat 1/5", "time": "4:35 PM", "outcome": "FINAL OT"}
    other = [
        visitor | late | {"team": "L.A. Rams", "rotation": "101"},
        host | late | {"team": "Oakland", "rotation": "102"},
    ]
    return [host | (home or {}), visitor | (away or {}), *other]


def schedule() -> pd.DataFrame:
    """The games of the invented nflverse file: BUF at LA and CLE at CAR in week 1 of 2022."""
    return nflverse.read(nflverse_csv(game_row(), other_row()), name="games.csv").games


def action_rows(**cells) -> list[dict]:
    """A game of book 15 whose first row takes the given cells, a bare second game and what is left out."""
    shared = {"book_id": 15, "period": "event", "team": None, "season": 2022, "week": 1, "event_id": 4418}
    sides = [
        ("spread", "home", 2.5, -110, "LA"), ("spread", "away", -2.5, -109, "BUF"),
        ("moneyline", "home", 0.0, 120, "LA"), ("moneyline", "away", 0.0, -140, "BUF"),
        ("total", "over", 52.0, -110, None), ("total", "under", 52.0, -108, None),
    ]  # fmt: skip
    names = ("line_type", "side", "value", "odds", "team")
    rows = [shared | dict(zip(names, side, strict=True)) for side in sides]
    other = [row | {"event_id": 4419, "team": {"LA": "CAR", "BUF": "CLE"}.get(row["team"])} for row in rows[:4]]
    half = [row | {"period": "firsthalf", "value": 26.0} for row in rows]
    team_total = rows[4] | {"line_type": "core_bet_type_6_team_score", "value": 24.5, "team": "LA"}
    return [rows[0] | cells, *rows[1:], *other, *half, team_total]
