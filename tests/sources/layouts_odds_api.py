"""The layouts of The Odds API and of the results files beside it for malformed variants."""

import copy
import json
import re
from datetime import UTC, date, datetime, timedelta

from aipro_ml.sources import odds_api, odds_api_flat, odds_api_scores, results_nba, results_ncaaf, results_nhl
from tests.sources import malformed_values as bad
from tests.sources import odds_api_files as files
from tests.sources.layouts_tables import exchanged
from tests.sources.malformed import Layout, Row, csv_of


def _moment(number: int) -> str:
    return (datetime(2025, 10, 17, 23, tzinfo=UTC) + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def event_of(number: int) -> list[Row]:
    """Louisville at Miami on 17 October 2025 and the days after, one event each."""
    return [files.event(id=f"{number:032x}", commence_time=_moment(number))]


def changes_of(number: int) -> list[Row]:
    """The same events as six rows of a file of changes."""
    return files.changes(*event_of(number))


def day_of(number: int) -> list[Row]:
    """Nashville at Tampa Bay on 10 October 2023 and the days after."""
    moment = datetime(2023, 10, 10, 21, 30, tzinfo=UTC) + timedelta(days=number)
    return [files.day_row(game_id=f"{number:032x}", commence_time=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))]


def set_path(row: Row, column: str, value: object) -> Row:
    """Return the event with another value at a JSON path like `bookmakers[0].key`."""
    changed = copy.deepcopy(row)
    steps = [int(step) if step.isdigit() else step for step in re.findall(r"[A-Za-z_0-9]+", column)]
    place = changed
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = value
    return changed


def college_game(number: int) -> list[Row]:
    """Louisville at Miami, a result a day."""
    day = date(2025, 9, 6) + timedelta(days=number)
    return [files.college_row(game_id=str(401 + number), date=day.isoformat())]


def hockey_game(number: int) -> list[Row]:
    """Nashville at Tampa Bay in the layout of hockey-reference.com."""
    day = date(2023, 10, 10) + timedelta(days=number)
    row = dict(zip(HOCKEY, files.HOCKEY_GOOD.split(","), strict=True))
    return [row | {"Date": day.isoformat()}]


HOCKEY = ("Date", "Time", "Visitor", "VG", "Home", "HG", "decided", "Att.", "LOG", "Notes")


NBA = (
    "Date",
    "Start (ET)",
    "Visitor/Neutral",
    "VP",
    "Home/Neutral",
    "HP",
    "box",
    "decided",
    "A",
    "L",
    "Arena",
    "Notes",
)


def nba_result(number: int) -> list[Row]:
    """The Lakers at Denver in the layout of basketball-reference.com."""
    day = date(2023, 10, 24) + timedelta(days=number)
    cells = (f"{day:%a %b} {day.day} {day.year}", "7:30p", "Los Angeles Lakers", "107", "Denver Nuggets", "119")
    return [dict(zip(NBA, (*cells, "Box Score", "", "19842", "2:12", "Ball Arena", ""), strict=True))]


def nba_csv(rows: list[Row]) -> bytes:
    """Return the file with its header that names four columns PTS, PTS and nothing."""
    _, _, body = csv_of(rows).partition(b"\n")
    return (results_nba.HEADER + "Attend.,LOG,Arena,Notes").encode() + b"\n" + body


def score_of(number: int) -> list[Row]:
    """Louisville at Miami, completed, as the API's scores tell it."""
    event = files.event(id=f"{number:032x}", commence_time=_moment(number))
    scores = [{"name": "Miami Hurricanes", "score": "21"}, {"name": "Louisville Cardinals", "score": "24"}]
    told = {"completed": True, "scores": scores, "last_update": _moment(number + 1)}
    return [{key: value for key, value in event.items() if key != "bookmakers"} | told]


def hockey_csv(rows: list[Row]) -> bytes:
    """Return the file with the header that names three columns G, G and nothing."""
    _, _, body = csv_of(rows).partition(b"\n")
    return files.HOCKEY_HEADER.encode() + b"\n" + body


PRICE, OTHER_PRICE = (f"bookmakers[0].markets[{market}].outcomes[1].price" for market in (0, 1))
POINT, TOTAL = "bookmakers[0].markets[1].outcomes[1].point", "bookmakers[0].markets[2].outcomes[0].point"
NAME, MARKET = "bookmakers[0].markets[0].outcomes[1].name", "bookmakers[0].markets[0].key"
JSON_PRICES = [0, -99, 99, 1.0, 1.91, -110.5, -2147483648, 10**30, *bad.JSON_VALUES]
EVENT_CELLS = {
    "home_team": [*bad.TEAMS, None, 7, "Louisville Cardinals", *bad.JSON_VALUES],
    "id": [None, "", "x" * 51, "a\nb", "=1+1", "\u202e1", "#REF!", "x" * 300, *bad.JSON_VALUES[1:5]],
    "commence_time": [None, "", *bad.MOMENTS, *bad.JSON_VALUES],
    "sport_key": ["icehockey_nhl", "cricket", "", *bad.FEW_TEXTS, *bad.JSON_VALUES],
    "bookmakers": [None, "none", 7, {}, True],
    "bookmakers[0]": [None, "none", 7, [], True],
    "bookmakers[0].markets": [None, "none", 7, {}, True],
    PRICE: [None, "", *bad.AMERICAN, *JSON_PRICES],
    OTHER_PRICE: [0, -99, "NaN", 1.0],
    POINT: [None, "", *bad.SPREADS, 81, -13.3, 13.5, *bad.JSON_VALUES],
    TOTAL: [None, "", *bad.TOTALS, 9.5, 151, *bad.JSON_VALUES],
    NAME: [None, "", 4, *bad.TEXTS, "Alabama Crimson Tide", "Tie", "Over"],
}
TOLD_AT = {
    "home_team": ("away_team",),
    TOTAL: ("bookmakers[0].markets[2].outcomes[1].point",), POINT: ("bookmakers[0].markets[1].outcomes[0].point",),
}  # fmt: skip


def _json_layout(source: str, file: str, read, columns=tuple(EVENT_CELLS), **options) -> Layout:
    return Layout(
        source,
        file,
        read,
        event_of,
        {column: EVENT_CELLS[column] for column in columns},
        (),
        spoil=set_path,
        place=lambda number, column: f"[{number}].{column}",
        kind="json",
        first_line=1,
        told_at=TOLD_AT,
        swapped=exchanged(("home_team", "away_team")),
        **options,
    )


def _answer(rows: list[Row]) -> bytes:
    return json.dumps(rows).encode()


def _wrapped(rows: list[Row]) -> bytes:
    return files.wrapper("2025-10-17T12:45:00Z", *rows)


def _in_folder(content: bytes) -> dict[str, bytes]:
    return {"ncaaf_20251017T124448Z.json": content, "z_20251017T134448Z.json": files.answer()}


def _in_days(content: bytes) -> dict[str, bytes]:
    good = files.as_csv([files.day_row(game_id="e" * 32, home_team="Boston Bruins", date="2023-10-09")])
    return {"odds_2023-10-10.csv": content, "odds_2023-10-09.csv": good.partition(b"\n")[0] + b"\n"}


SOME = ("home_team", "commence_time", PRICE, POINT)
LAYOUTS = [
    _json_layout(
        "odds-api",
        "live.json",
        lambda content: odds_api.read(content, name="live.json", sport="NCAAF"),
        encode=_answer,
    ),
    _json_layout(
        "odds-api",
        "historical.json",
        lambda content: odds_api.read(content, name="historical.json", sport="NCAAF"),
        ("commence_time",),
        encode=_wrapped,
    ),
    _json_layout(
        "odds-api-folder",
        "ncaaf_20251017T124448Z.json",
        lambda content: odds_api.read_folder(content, sport="NCAAF"),
        SOME,
        encode=_answer,
        wrap=_in_folder,
        lone="ncaaf_20251017T124448Z.json",
    ),
    Layout(
        "odds-api-changes",
        "changes.csv",
        lambda content: odds_api_flat.read_changes(content, name="changes.csv", sport="NCAAF"),
        changes_of,
        {
            "snapshot_utc": ["", *bad.MOMENTS],
            "commence_time": ["", *bad.MOMENTS],
            "home_team": [*bad.TEAMS, "Louisville Cardinals"],
            "event_id": ["", "x" * 51, "a\nb", "=1+1", "\u202e1", "#REF!"],
            "bookmaker": ["", "k" * 101],
            "outcome": ["", *bad.TEXTS, "Alabama Crimson Tide", "Over"],
            "price": ["", *bad.AMERICAN],
        },
        odds_api_flat.CHANGE_FIELDS,
        marked={"last_update": bad.MOMENTS, "market": ["", "alternate", *bad.FEW_TEXTS]},
        told_at={"home_team": ("away_team",)},
    ),
    Layout(
        "odds-api-changes",
        "changes.csv",
        lambda content: odds_api_flat.read_changes(content, name="changes.csv", sport="NCAAF"),
        changes_of,
        {"point": ["", *bad.SPREADS, "81", "-13.3", "13.75"], "price": ["0", "-99", "NaN", "1.0"]},
        odds_api_flat.CHANGE_FIELDS,
        spoilt=2,
        told_at={"home_team": ("away_team",)},
    ),
    Layout(
        "odds-api-days",
        "odds_2023-10-10.csv",
        lambda content: odds_api_flat.read_days(content, sport="NHL"),
        day_of,
        {
            "sport": ["", "NFL", *bad.FEW_TEXTS],
            "commence_time": ["", *bad.MOMENTS],
            "home_team": [*bad.TEAMS, "Nashville Predators"],
            "game_id": ["", "x" * 51, "a\nb", "=1+1", "\u202e1", "#REF!"],
            "bookmaker": ["", "k" * 101],
            "ml_home": bad.AMERICAN,
            "spread_home": ["", *bad.SPREADS, "1.5", "-2.5"],
            "spread_home_odds": ["0", "-99", "NaN", "1.0"],
            "total_line": ["", *bad.TOTALS, "26"],
        },
        odds_api_flat.DAY_FIELDS,
        wrap=_in_days,
        lone="odds_2023-10-10.csv",
        marked={"date": ["", *bad.DAYS]},
        told_at={"home_team": ("away_team",), "spread_home": ("spread_away",)},
        swapped=exchanged(("home_team", "away_team")),
    ),
    Layout(
        "odds-api-scores",
        "scores.json",
        lambda content: odds_api_scores.read(content, name="scores.json", sport="NCAAF"),
        score_of,
        {
            **{column: EVENT_CELLS[column] for column in ("home_team", "id", "commence_time")},
            "sport_key": ["icehockey_nhl"],
            "completed": [None, "true", 1, "yes", [], {}],
            "scores": [None, "21-24", 7, {}, [], [7]],
            "scores[0].score": [None, "", *bad.SCORES, *bad.JSON_VALUES],
            "scores[0].name": [None, "", 4, *bad.TEXTS],
        },
        (),
        encode=_answer,
        spoil=set_path,
        place=lambda number, column: f"[{number}].{column}",
        kind="json",
        first_line=1,
        told_at={
            "home_team": ("away_team", "home_score"),
            "scores": ("home_score",),
            "scores[0].score": ("home_score",),
            "scores[0].name": ("home_score",),
        },
        swapped=exchanged(("home_team", "away_team")),
    ),
    Layout(
        "results-nba",
        "schedule.csv",
        lambda content: results_nba.read(content, name="schedule.csv"),
        nba_result,
        {
            "Date": [*bad.DAYS, "", "2023-10-24", "Oct 24 2023", "Tue Oct 24", "Tue Feb 30 2024", "Tue Aug 1 2023"],
            "Start (ET)": [*bad.CLOCKS, "19:30", "7:30", "13:30p", "7:30 PM", "7:30x"],
            "Home/Neutral": [*bad.TEAMS, "Los Angeles Lakers"],
            "HP": ["", *bad.SCORES],
            "VP": ["", *bad.SCORES],
        },
        (),
        encode=nba_csv,
        marked={"decided": ["x", "6", *bad.FEW_TEXTS, "ot"], "Start (ET)": [""]},
        told_at={
            "Home/Neutral": ("Visitor/Neutral",),
            "HP": ("home_points", "visitor_points"),
            "VP": ("visitor_points", "home_points"),
        },
        swapped=exchanged(("Home/Neutral", "Visitor/Neutral")),
    ),
    Layout(
        "results-ncaaf",
        "results.csv",
        lambda content: results_ncaaf.read(content, name="results.csv"),
        college_game,
        {
            "date": [*bad.DAYS, "", "10/18/2025", "2025-5-18", "2024-10-18"],
            "season_year": ["", "2024", *bad.SEASONS],
            "season_type": ["", "Regular", "bowl", *bad.FEW_TEXTS],
            "home_team": [*bad.TEAMS, "Louisville"],
            "home_score": ["", *bad.SCORES],
            "away_score": ["", *bad.SCORES],
            "game_id": ["", "x" * 51, "x" * 5000],
        },
        results_ncaaf.FIELDS,
        marked={"neutral_site": ["", *bad.FLAGS], "went_ot": ["", *bad.FLAGS], "week": ["", *bad.WEEKS]},
        told_at={
            "season_year": ("date",),
            "home_team": ("away_team",),
            "home_score": ("away_score",),
            "away_score": ("home_score",),
        },
        swapped=exchanged(("home_team", "away_team")),
    ),
    Layout(
        "results-nhl",
        "schedule.csv",
        lambda content: results_nhl.read(content, name="schedule.csv"),
        hockey_game,
        {
            "Date": [*bad.DAYS, "", "10/10/2023", "2023-7-10", "2023-08-10"],
            "Time": [*bad.CLOCKS, "13:00 PM", "7:30", "7:30 pm", "19:30", "07:60 PM", "0:30 AM"],
            "Home": [*bad.TEAMS, "Nashville Predators"],
            "HG": ["", *bad.SCORES],
            "VG": ["", *bad.SCORES],
        },
        (),
        encode=hockey_csv,
        marked={"decided": ["x", "6", *bad.FEW_TEXTS, "ot"]},
        told_at={"Home": ("Visitor",), "HG": ("home_goals", "visitor_goals"), "VG": ("visitor_goals", "home_goals")},
        swapped=exchanged(("Home", "Visitor")),
    ),
]
