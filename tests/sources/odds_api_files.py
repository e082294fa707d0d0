"""Small invented answers of The Odds API, and the CSV files others flatten it into, for tests to spoil."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

MIAMI, ALABAMA = "a" * 32, "b" * 32
MIAMI_GAME, ALABAMA_GAME = "2025:2025-10-17:LOU@MIA:1", "2025:2025-10-18:TENN@ALA:1"


def book(key: str = "fanduel", *, home: str, away: str, updated: str = "2025-10-17T12:40:00Z", **cells: Any) -> Json:
    """One bookmaker with three markets; `cells` replace prices and points."""
    said = {"ml_home": -535, "ml_away": 400, "spread": -13.5, "home_price": -115, "away_price": -105}
    said |= {"total": 50.5, "over": -112, "under": -108} | cells
    spread = said["spread"]
    away_spread = said["away_spread"] if "away_spread" in cells else -spread
    markets = {
        "h2h": [{"name": away, "price": said["ml_away"]}, {"name": home, "price": said["ml_home"]}],
        "spreads": [
            {"name": away, "price": said["away_price"], "point": away_spread},
            {"name": home, "price": said["home_price"], "point": spread},
        ],
        "totals": [
            {"name": "Over", "price": said["over"], "point": said["total"]},
            {"name": "Under", "price": said["under"], "point": said.get("under_total", said["total"])},
        ],
    }
    listed = [{"key": key_, "last_update": updated, "outcomes": outcomes} for key_, outcomes in markets.items()]
    return {"key": key, "title": key.title(), "last_update": updated, "markets": listed}


def event(**cells: Any) -> Json:
    """Louisville at Miami with one book; `cells` replace its fields, `books` the fields of that book."""
    made = {
        "id": MIAMI,
        "sport_key": "americanfootball_ncaaf",
        "sport_title": "NCAAF",
        "commence_time": "2025-10-17T23:00:00Z",
        "home_team": "Miami Hurricanes",
        "away_team": "Louisville Cardinals",
    }
    of_book = cells.pop("of_book", {})
    names = {"home": made["home_team"], "away": made["away_team"]}
    made |= {"bookmakers": [book(**(names | of_book))]}
    return made | cells


def other_event(**cells: Any) -> Json:
    """Tennessee at Alabama, the good game beside the spoilt one."""
    mine = {"id": ALABAMA, "commence_time": "2025-10-18T23:30:00Z", "home_team": "Alabama Crimson Tide"}
    mine |= {"away_team": "Tennessee Volunteers"}
    names = {"home": mine["home_team"], "away": mine["away_team"]}
    return event(**(mine | {"bookmakers": [book(**names, spread=-8.5)]} | cells))


def answer(*events: object) -> bytes:
    """The live answer with these events."""
    return json.dumps(list(events)).encode()


def wrapper(timestamp: object, *events: object) -> bytes:
    """The historical answer with these events."""
    return json.dumps({"timestamp": timestamp, "previous_timestamp": None, "data": list(events)}).encode()


def as_csv(rows: Sequence[dict[str, str]]) -> bytes:
    """These rows as the bytes of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def changes(*events: Json, snapshot: str = "2025-10-17T12:44:48Z") -> list[dict[str, str]]:
    """The rows of a change file in which all prices of these events are new at one snapshot."""
    return [
        {
            "snapshot_utc": snapshot,
            "event_id": game["id"],
            "commence_time": game["commence_time"],
            "home_team": game["home_team"],
            "away_team": game["away_team"],
            "bookmaker": maker["key"],
            "last_update": market["last_update"],
            "market": market["key"],
            "outcome": outcome["name"],
            "price": str(outcome["price"]),
            "point": str(outcome.get("point", "")),
        }
        for game in events
        for maker in game["bookmakers"]
        for market in maker["markets"]
        for outcome in market["outcomes"]
    ]


def day_row(**cells: str) -> dict[str, str]:
    """One game and book of a daily file of the NHL."""
    row = {
        "date": "2023-10-10", "sport": "NHL", "game_id": "c" * 32, "commence_time": "2023-10-10T21:30:00Z",
        "home_team": "Tampa Bay Lightning", "away_team": "Nashville Predators", "bookmaker": "caesars",
        "ml_home": "-160", "ml_away": "135", "spread_home": "-1.5", "spread_home_odds": "150", "spread_away": "1.5",
        "spread_away_odds": "-178", "total_line": "6.5", "total_over_odds": "-105", "total_under_odds": "-115",
    }  # fmt: skip
    return row | cells


def other_day_row(**cells: str) -> dict[str, str]:
    """A second, good game of the same day."""
    mine = {"game_id": "d" * 32, "home_team": "St Louis Blues", "away_team": "Montréal Canadiens"}
    return day_row(**(mine | {"commence_time": "2023-10-11T00:00:00Z"} | cells))


def college_row(**cells: str) -> dict[str, str]:
    """One result of college football."""
    row = {
        "game_id": "401", "season_year": "2025", "week": "8", "date": "2025-10-18", "season_type": "regular",
        "home_team": "Miami", "away_team": "Louisville", "home_score": "21", "away_score": "24", "went_ot": "0",
        "game_type": "regular", "game_phase": "regular", "neutral_site": "0", "notes": "",
    }  # fmt: skip
    return row | cells


def other_college_row(**cells: str) -> dict[str, str]:
    """A second, good result."""
    return college_row(**({"game_id": "402", "home_team": "Hawai'i", "away_team": "San José State"} | cells))


HOCKEY_HEADER = "Date,Time,Visitor,G,Home,G,,Att.,LOG,Notes"
HOCKEY_GOOD = "2023-10-10,5:30 PM,Nashville Predators,3,Tampa Bay Lightning,5,,19092,2:33,"


def hockey(*rows: str) -> bytes:
    """A schedule of hockey-reference.com with these rows and a good one after them."""
    return "\n".join([HOCKEY_HEADER, *rows, HOCKEY_GOOD, ""]).encode()


def hockey_row(**cells: str) -> str:
    """One result, played abroad and decided by a shootout."""
    row = {"Date": "2023-11-17", "Time": "2:00 PM", "Visitor": "Toronto Maple Leafs", "VG": "4"}
    row |= {"Home": "Detroit Red Wings", "HG": "3", "decided": "SO", "Att": "13382", "LOG": "2:41"}
    row |= {"Notes": "at Ericsson Globe Arena (Stockholm SE)"} | cells
    return ",".join(row.values())
