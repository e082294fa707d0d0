"""A small random league with everything history can hold: postponements, corrections, several books, late rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml.features.records import (
    ALIGNMENT_COLUMNS,
    CLOSING_COLUMNS,
    GROUND_COLUMNS,
    ODDS_COLUMNS,
    REVISION_COLUMNS,
    TEAM_COLUMNS,
    TEAM_STAT_COLUMNS,
    VENUE_COLUMNS,
    Records,
    frame_of,
)
from tests.features.random_boxes import random_boxes, random_player_stats

TEAMS = tuple(f"T{number}" for number in range(8))
EVERY_TEAM = (*TEAMS, "P2001", "P2002", "P2003")
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
WEEKS, SEASONS = 12, (2001, 2002, 2003)
DAY, HOUR, MINUTE = pd.Timedelta(days=1), pd.Timedelta(hours=1), pd.Timedelta(minutes=1)
MARKETS = (("moneyline", "home", "away"), ("spread", "home", "away"), ("total", "over", "under"))
PRICES = (-150.0, -130.0, -120.0, -110.0, 100.0, 105.0, 120.0)


@dataclass(frozen=True)
class Shape:
    """What a sport's season looks like: days between rounds, games a pairing, points, overtime, draws, newcomers."""

    days: int = 7
    series: int = 1
    most_points: int = 40
    overtime: float = 0.1
    doubleheaders: float = 0.0
    three_way: bool = False
    promotion: bool = False


SHAPES = {
    "NFL": Shape(),
    "NCAAF": Shape(),
    "NBA": Shape(days=2, most_points=130),
    "NHL": Shape(days=2, most_points=6, overtime=0.3),
    "MLB": Shape(days=4, series=2, most_points=10, doubleheaders=0.3),
    "EPL": Shape(most_points=4, overtime=0.0, three_way=True, promotion=True),
}


def random_league(seed: int, shape: Shape = SHAPES["NFL"]) -> Records:
    """Records of three seasons of eight teams; the same seed gives the same league."""
    rng = np.random.default_rng(seed)
    schedule = _schedule(rng, shape)
    games = pd.concat([_revisions(rng, game, shape) for game in schedule.to_dict("records")])
    quotes = pd.concat([_quotes(rng, game, shape) for game in schedule.to_dict("records")], ignore_index=True)
    team_boxes, player_boxes = random_boxes(seed, games)
    return Records(
        games=frame_of(games, REVISION_COLUMNS),
        odds=frame_of(quotes, ODDS_COLUMNS),
        closing=frame_of(_closing(rng, quotes, schedule), CLOSING_COLUMNS),
        teams=_teams(),
        venues=_venues(rng),
        team_stats=_stats(rng),
        team_boxes=team_boxes,
        player_boxes=player_boxes,
        player_stats=random_player_stats(seed, SEASONS),
        alignments=_alignments(),
        grounds=_grounds(),
    )


def _schedule(rng: np.random.Generator, shape: Shape) -> pd.DataFrame:
    rows = []
    for season in SEASONS:
        start = pd.Timestamp(f"{season}-09-07 17:00", tz="UTC")
        teams, moves = _members(season, shape), [-3, 0, 0, 1] if shape.days == 7 else [0, 0, 0, 1]
        for week in range(1, WEEKS + 1):
            order = rng.permutation(len(teams))
            for pair in range(4):
                home, away = teams[order[2 * pair]], teams[order[2 * pair + 1]]
                neutral = bool(rng.random() < 0.05)
                fixture = {
                    "season": season,
                    "season_type": "postseason" if week == WEEKS else "regular",
                    "week": float(week),
                    "home_team_id": home,
                    "away_team_id": away,
                    "venue_id": "" if rng.random() < 0.03 else f"V{TEAMS[pair] if neutral else home}",
                    "neutral_site": neutral,
                    "season_start": start - DAY,
                }
                kickoff = start + (shape.days * week + int(rng.choice(moves))) * DAY + 3 * pair * HOUR
                rows += _series(rng, fixture, kickoff, shape)
    return pd.DataFrame(rows)


def _members(season: int, shape: Shape) -> tuple[str, ...]:
    """The season's eight teams; with promotion another one replaces the last each year."""
    return (*TEAMS[:-1], f"P{season}") if shape.promotion and season > SEASONS[0] else TEAMS


def _series(rng: np.random.Generator, fixture: dict, kickoff: pd.Timestamp, shape: Shape) -> list[dict]:
    """One game, or several a day apart, of which the second may be played twice on its day."""
    games, number = [], 1
    for index in range(shape.series):
        if index and rng.random() < shape.doubleheaders:
            kickoff, number = kickoff + 4 * HOUR, number + 1
        else:
            kickoff, number = kickoff + int(index > 0) * DAY, 1
        name = "" if shape.series == 1 else f"_{index}"
        game = (
            f"{fixture['season']}_{int(fixture['week']):02d}_{fixture['away_team_id']}_{fixture['home_team_id']}{name}"
        )
        games.append({**fixture, "game_id": game, "game_number": number, "kickoff": kickoff})
    return games


def _revisions(rng: np.random.Generator, game: dict, shape: Shape) -> pd.DataFrame:
    """The plan, perhaps a postponement, the result, perhaps corrections of it weeks later."""
    open_game = {"status": "scheduled", "home_score": np.nan, "away_score": np.nan, "overtime": False}
    kickoff = game["kickoff"]
    rows = [{**game, **open_game, "known_at": game["season_start"]}]
    if rng.random() < 0.1:
        told = kickoff - 2 * DAY
        rows.append({**game, **open_game, "status": "postponed", "known_at": told})
        kickoff = kickoff + 2 * DAY
        rows.append({**game, **open_game, "kickoff": kickoff, "known_at": told + HOUR})
    home, away = rng.integers(0, shape.most_points, 2)
    late = bool(rng.random() < shape.overtime)
    result = {"status": "final", "home_score": home, "away_score": away, "overtime": late}
    known = kickoff + 4 * HOUR
    rows.append({**game, **result, "kickoff": kickoff, "known_at": known})
    if rng.random() < 0.04 / shape.series:
        later = known + int(rng.integers(1, 40)) * DAY
        corrected = {**result, "home_score": home + 7}
        if rng.random() < 0.3:
            corrected = {**open_game, "status": "cancelled"}
        rows.append({**game, **corrected, "kickoff": kickoff, "known_at": later})
    return pd.DataFrame(rows).assign(kickoff_estimated=False, revision=range(1, len(rows) + 1))


def _quotes(rng: np.random.Generator, game: dict, shape: Shape) -> pd.DataFrame:
    """Three books, quotes from six days before to one hour into the game; one book is one-sided at times."""
    rows = []
    centre = {"moneyline": np.nan, "spread": float(rng.integers(-14, 14)) / 2, "total": 40.0}
    for book in ("Alpha", "Beta", "Gamma"):
        for market, reference, other in MARKETS:
            line = centre[market]
            for hours in (140, 30, 20, 6, 0.05, -1):
                line += float(rng.choice([0, 0, 0.5, -0.5]))
                sides = (reference,) if book == "Gamma" and rng.random() < 0.2 else (reference, other)
                if market == "moneyline" and shape.three_way and len(sides) > 1:
                    sides = (*sides, "draw")
                rows.extend(
                    {
                        "game_id": game["game_id"],
                        "book": book,
                        "is_sharp": book == "Alpha",
                        "market": market,
                        "selection": side,
                        "line": -line if side == "away" else line,
                        "price": float(rng.choice(PRICES)),
                        "recorded_at": game["kickoff"] - hours * HOUR,
                    }
                    for side in sides
                )
    return pd.DataFrame(rows)


def _closing(rng: np.random.Generator, quotes: pd.DataFrame, schedule: pd.DataFrame) -> pd.DataFrame:
    """The last quote before kick-off; every tenth row is delivered up to ten days late."""
    kickoff = quotes["game_id"].map(schedule.set_index("game_id")["kickoff"])
    before = quotes.loc[quotes["recorded_at"] < kickoff]
    last = before.drop_duplicates(["game_id", "book", "market", "selection"], keep="last")
    late = np.where(rng.random(len(last)) < 0.1, rng.integers(1, 240, len(last)), 0) * HOUR
    closed_at = kickoff.loc[last.index] - MINUTE + late
    return last.assign(closed_at=closed_at).rename(columns={"line": "closing_line", "price": "closing_price"})


def _teams() -> pd.DataFrame:
    rows = [{"team_id": team, "abbreviation": team} for team in EVERY_TEAM]
    return frame_of(pd.DataFrame(rows), TEAM_COLUMNS)


def _alignments() -> pd.DataFrame:
    """Two conferences of two divisions; in the third season every other team stands elsewhere."""
    rows = [
        {"team_id": team, "conference": "EW"[number % 2], "division": "NS"[division % 2], "first": first, "last": last}
        for number, team in enumerate(EVERY_TEAM)
        for first, last, division in ((2001, 2002, number // 4), (2003, 9999, number // 2))
    ]
    return frame_of(pd.DataFrame(rows), ALIGNMENT_COLUMNS)


def _venues(rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        {
            "venue_id": f"V{team}",
            "timezone": ZONES[number % 4],
            "latitude": rng.uniform(30, 45),
            "longitude": rng.uniform(-120, -75),
        }
        for number, team in enumerate(TEAMS)
    ]
    return frame_of(pd.DataFrame(rows), VENUE_COLUMNS)


def _grounds() -> pd.DataFrame:
    """Roofs and surfaces; one stadium gets a roof and one another surface in the middle of a season."""
    known = [(number == 0, "grass" if number % 2 else "fieldturf", "2001-03-01") for number in range(len(TEAMS))]
    rows = [(f"V{team}", *facts) for team, facts in zip(TEAMS, known, strict=True)]
    rows += [("VT2", True, "fieldturf", "2002-10-05"), ("VT1", False, "fieldturf", "2003-10-05")]
    table = pd.DataFrame(rows, columns=["venue_id", "is_dome", "surface_type", "known_at"])
    return frame_of(table.assign(known_at=pd.to_datetime(table["known_at"], utc=True)), GROUND_COLUMNS)


def _stats(rng: np.random.Generator) -> pd.DataFrame:
    rows = [
        {
            "team_id": team,
            "season": season,
            "stat_type": "points_per_game",
            "value": rng.uniform(10, 30),
            "games_played": float(WEEKS),
            "known_at": pd.Timestamp(f"{season + 1}-02-15", tz="UTC"),
        }
        for season in SEASONS
        for team in TEAMS
    ]
    return frame_of(pd.DataFrame(rows), TEAM_STAT_COLUMNS)
