"""The layouts of nflverse, football-data.co.uk and mapped tables for malformed variants."""

from datetime import date, timedelta

from aipro_ml.sources import football_data, mapped, nflverse
from aipro_ml.sources.mapping import mapping_of
from tests.sources import football_files, mapped_files
from tests.sources import malformed_values as bad
from tests.sources.conftest import game_row
from tests.sources.malformed import Layout, Row
from tests.sources.malformed_values import without

CLUBS = (
    "Arsenal", "Aston Villa", "Bournemouth", "Brighton", "Burnley", "Chelsea", "Crystal Palace", "Everton",
    "Leicester", "Liverpool", "Man City", "Man United", "Newcastle", "Norwich", "Sheffield United", "Southampton",
    "Tottenham", "Watford", "West Ham", "Wolves",
)  # fmt: skip


def nflverse_game(number: int) -> list[Row]:
    """BUF at LA in week 1, 2, …"""
    day = date(2022, 9, 8) + timedelta(days=7 * number)
    cells = {"game_id": f"2022_{number + 1:02}_BUF_LA", "week": str(number + 1), "gameday": day.isoformat()}
    return [game_row(**cells, home_moneyline="220", away_moneyline="-270", spread_line="-6.5")]


def exchanged(*pairs: tuple[str, str]):
    """Return what exchanges the cells of the columns of each pair."""

    def swap(row: Row) -> Row:
        swapped = dict(row)
        for one, other in pairs:
            swapped[one], swapped[other] = row[other], row[one]
        return swapped

    return swap


def football_game(number: int) -> list[Row]:
    """A match a day, each of another pairing."""
    day = date(2019, 8, 17) + timedelta(days=number)
    home, away = CLUBS[number % 20], CLUBS[(number + 1 + number // 20) % 20]
    return [football_files.game_row(Date=day.strftime("%d/%m/%Y"), HomeTeam=home, AwayTeam=away)]


def mapped_game(number: int) -> list[Row]:
    """New Orleans at Atlanta on 11 September 2022 and the days after."""
    day = date(2022, 9, 11) + timedelta(days=number)
    return [mapped_files.table_row(Day=day.strftime("%d/%m/%Y"))]


DECIMALS = {"ML H": "3", "ML V": "1.42", "Open H": "2.65", "Open V": "1.52", "Line H": "1.9", "Line V": "1.92"}


def decimal_game(number: int) -> list[Row]:
    """The same games at decimal odds."""
    return [mapped_game(number)[0] | DECIMALS]


def _mapped(name: str, **changes):
    mapping = mapping_of(mapped_files.MAPPING | changes, name="map.yaml")
    return lambda content: mapped.read(content, name=name, mapping=mapping)


def _as_text_workbook(rows: list[Row]) -> bytes:
    return mapped_files.as_xlsx(*rows)


def _exchanged_nflverse(row: Row) -> Row:
    sides = exchanged(("home_team", "away_team"), ("home_score", "away_score"))(row)
    return sides | {"game_id": row["game_id"].replace("BUF_LA", "LA_BUF")}


MAPPED_CELLS = {
    "Day": [*without(bad.DAYS, ""), "", "2022-09-11", "11/09/22", "11.09.2022", "11/13/2022"],
    "Start": [*bad.CLOCKS, "13:00"],
    "Home": bad.TEAMS,
    "HP": bad.SCORES,
    "Line": [*bad.SPREADS, "-5.5"],  # the sign turned
    "Total": bad.TOTALS,
}

LAYOUTS = [
    Layout(
        "nflverse",
        "games.csv",
        lambda content: nflverse.read(content, name="games.csv"),
        nflverse_game,
        {
            "gameday": [*bad.DAYS, "2022-9-8", "09/08/2022", "2010-09-08"],
            "gametime": without(bad.CLOCKS, "1"),
            "season": bad.SEASONS,
            "week": bad.WEEKS,
            "game_type": ["", "reg", "XYZ", *bad.FEW_TEXTS],
            "home_team": [*bad.TEAMS, "la", "OAK", "BUF"],
            "home_score": ["", *bad.SCORES],
            "away_score": ["", "-3", "1e9", "4000"],
            "game_id": ["", "x" * 51, "x" * 5000],
            "home_moneyline": bad.AMERICAN,
            "over_odds": ["0", "-99", "NaN", "1.0", "-2147483648"],
            "spread_line": [*bad.SPREADS, "6.5"],
            "total_line": bad.TOTALS,
        },
        (*nflverse.GAME_FIELDS, *nflverse.nflverse_odds.FIELDS),
        marked={
            "location": ["Moon", "", "=1+1"],
            "result": ["20", "x", "NaN", "1e3"],
            "overtime": bad.FLAGS,
            "stadium_id": ["", "ZZZ99", "=1+1"],
        },
        told_at={"home_team": ("away_team",), "home_score": ("away_score",), "away_score": ("home_score",)},
        swapped=_exchanged_nflverse,
    ),
    Layout(
        "football-data",
        "E0_1920.csv",
        lambda content: football_data.read(content, name="E0_1920.csv"),
        football_game,
        {
            "Date": [*without(bad.DAYS, ""), "", "17-08-2019", "17.08.2019", "17/08/2018", "17/13/2019", "08/17/2019"],
            "Time": bad.CLOCKS,
            "HomeTeam": [*bad.TEAMS, "Real Madrid", "Arsenall"],
            "FTHG": ["", *bad.SCORES],
            "B365H": bad.DECIMAL,
            "PSCD": ["0", "1.0", "-99", "NaN", "-110", "1e308"],
            "P<2.5": ["0", "1.0", "-99", "NaN"],
            "AHh": [*bad.SPREADS, "0.75", "11"],
            "Div": ["", "E1", "SP1", "=1+1", "x" * 300],
        },
        football_data.FIELDS,
        marked={"FTR": ["A", "", "home", "=1+1", "x" * 300], "B365A": ["12"]},
        told_at={"FTHG": ("FTAG",), "B365A": ("B365H",)},
        swapped=exchanged(("HomeTeam", "AwayTeam")),
    ),
    Layout(
        "mapped",
        "table.csv",
        _mapped("table.csv"),
        mapped_game,
        {**MAPPED_CELLS, "ML H": bad.AMERICAN, "Open V": ["0", "99", "1.0", "NaN"], "Line H": ["0", "-99", "NaN"]},
        mapping_of(mapped_files.MAPPING, name="map.yaml").columns,
        marked={"Neutral": bad.FLAGS},
        told_at={"Home": ("Visitor",), "HP": ("VP",)},
        swapped=exchanged(("Home", "Visitor")),
    ),
    Layout(
        "mapped",
        "decimal.csv",
        _mapped("decimal.csv", odds="decimal"),
        decimal_game,
        {**MAPPED_CELLS, "ML H": bad.DECIMAL, "Open V": ["0", "-110", "1.0"], "Line H": ["0", "-99", "NaN"]},
        mapping_of(mapped_files.MAPPING, name="map.yaml").columns,
        marked={"Neutral": bad.FLAGS},
        told_at={"Home": ("Visitor",), "HP": ("VP",)},
        swapped=exchanged(("Home", "Visitor")),
    ),
]
