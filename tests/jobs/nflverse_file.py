"""An invented games file in nflverse's layout, small enough to read, whose cells tests change."""

import csv
import gzip
import io
from collections.abc import Mapping

TEAMS = ("BUF", "MIA", "NE", "NYJ")
DAYS = {2021: ("2021-09-12", "2021-09-19", "2021-09-26"), 2022: ("2022-09-11", "2022-09-18", "2022-09-25")}
PAIRS = ((("BUF", "MIA"), ("NE", "NYJ")), (("NE", "BUF"), ("MIA", "NYJ")), (("BUF", "NYJ"), ("MIA", "NE")))
FIRST = "2021_01_BUF_MIA"
"""The id of the first game; BUF plays at MIA."""

Row = dict[str, str]


def season_rows(**changed: Mapping[str, str]) -> list[Row]:
    """Return twelve games of four teams; `changed` replaces cells by game id (with `g` before it)."""
    rows = []
    for season, days in DAYS.items():
        for week, (day, pairs) in enumerate(zip(days, PAIRS, strict=True), start=1):
            for number, (away, home) in enumerate(pairs):
                rows.append(_row(season, week, day, away, home, 17 + 3 * number + week))
    for row in rows:
        row.update(changed.get("g" + row["game_id"], {}))
    return rows


def scheduled(game: str, day: str, away: str, home: str) -> Row:
    """Return a game still to be played, priced already."""
    row = _row(2022, 4, day, away, home, 0)
    unplayed = {"game_id": game, "away_score": "", "home_score": "", "result": "", "total": "", "overtime": ""}
    return row | unplayed


def as_csv(rows: list[Row]) -> bytes:
    """Return the rows as a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_gzip(rows: list[Row]) -> bytes:
    """Return the rows as a packed CSV file."""
    return gzip.compress(as_csv(rows), mtime=0)


def _row(season: int, week: int, day: str, away: str, home: str, home_score: int) -> Row:
    away_score = 20
    return {
        "game_id": f"{season}_{week:02d}_{away}_{home}", "season": str(season), "game_type": "REG",
        "week": str(week), "gameday": day, "weekday": "Sunday", "gametime": "13:00", "away_team": away,
        "away_score": str(away_score), "home_team": home, "home_score": str(home_score), "location": "Home",
        "result": str(home_score - away_score), "total": str(home_score + away_score), "overtime": "0",
        "away_moneyline": "130", "home_moneyline": "-150", "spread_line": "3", "away_spread_odds": "-110",
        "home_spread_odds": "-110", "total_line": "44.5", "under_odds": "-105", "over_odds": "-115",
        "roof": "outdoors", "surface": "grass", "stadium_id": "BUF00", "stadium": "Highmark Stadium",
    }  # fmt: skip
