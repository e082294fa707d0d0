"""The layouts of box scores and prop markets as the import reads them, for malformed variants."""

from dataclasses import dataclass, replace
from functools import cache

import pandas as pd

from aipro_ml.sources import box_scores_nba_stored, hvpkod, nflverse_seasons, player_props
from aipro_ml.sources.base import Finding
from tests.sources import malformed_values as bad
from tests.sources.contract import check_boxes, check_findings, check_prop_markets
from tests.sources.layouts_archives import LAYOUTS as ARCHIVES
from tests.sources.layouts_archives import action_game, parquet_of, schedule
from tests.sources.layouts_boxes import LAYOUTS as BOXES
from tests.sources.layouts_boxes import box_of, nba_game, nba_games, player_of
from tests.sources.malformed import Layout, Row, csv_of
from tests.sources.malformed_values import without

WEEK, TOTAL = "2022/1/QB.csv", "2022/QB_season.csv"
LINES, PROPS = "game_lines.parquet", "props.parquet"


def total_of(number: int) -> list[Row]:
    """A passer's season, of one player and then others."""
    return [{
        "PlayerName": "Josh Allen", "PlayerId": str(2560955 + number), "Pos": "QB", "Team": "BUF",
        "PassingYDS": "297", "RushingYDS": "56", "TouchCarries": "10", "Rank": "1", "TotalPoints": "33.48",
    }]  # fmt: skip


def week_of(number: int) -> list[Row]:
    """A passer's first week of 2022 at Los Angeles, of one player and then others."""
    return [row | {"PlayerOpponent": "@LA"} for row in total_of(number)]


def season_of(number: int) -> list[Row]:
    """A passer's season as nflverse tells it, of one player and then others."""
    return [{
        "player_id": f"00-{19596 + number:07d}", "player_name": "T.Brady", "player_display_name": "Tom Brady",
        "position": "QB", "season": "2022", "season_type": "REG", "recent_team": "TB", "games": "17",
        "passing_yards": "4694", "passing_epa": "60.2242697716568",
    }]  # fmt: skip


@cache
def stored_nba(of_teams: bool) -> pd.DataFrame:
    """The games of the invented boxes as the database has them."""
    boxes = [row for number in range(60) for row in box_of(number)]
    games = nba_games()
    if of_teams:
        games = box_scores_nba_stored.read_team_box(csv_of(boxes), name="box.csv").games
    return games.drop(columns=["external_id", "line_number"])


def dated_player_of(number: int) -> list[Row]:
    """Two players of each side in each game, with the game's day."""
    (game,) = nba_game(number)
    rows = player_of(number)
    others = [row | {"player_id": f"1{row['player_id']}", "player_name": "Another One"} for row in rows]
    return [row | {"game_date": game["date"], "season": game["season"]} for row in (*rows, *others)]


@dataclass(frozen=True)
class Priced:
    """Prop markets as `landed` looks for them."""

    props: pd.DataFrame
    findings: tuple[Finding, ...]


def priced(content: dict[str, bytes]) -> Priced:
    """Read a folder of game lines and props down to its markets."""
    batch = player_props.read_action_network(content, schedule())
    markets, found = player_props.prop_markets(batch)
    return Priced(markets, tuple(sorted((*batch.findings, *found), key=lambda finding: (finding.file, finding.line))))


def check_priced(batch: Priced) -> None:
    """Hold markets and their findings against the contract."""
    check_prop_markets(batch.props)
    check_findings(batch)


def with_lines(content: bytes) -> dict[str, bytes]:
    """Return a folder of these props and the game lines of their events."""
    return {LINES: parquet_of([row for number in range(40) for row in action_game(number)]), PROPS: content}


def _players(frame: str):
    return lambda batch: list(getattr(batch, frame).sort_values("line_number")["player"])


def _layout(source: str, among: list[Layout]) -> Layout:
    return next(layout for layout in among if layout.source == source)


NUMBERS_OF_PLAYERS = ["", "x", "-1", "0", "1.5", "NaN", "1e3", "9" * 20, "２０", *bad.FEW_TEXTS]
NAMES = ["", "x" * 101, "x" * 5000]
POSITIONS = ["", "RB", "qb", "x", *bad.FEW_TEXTS]
WEEKS_CELLS = {
    "Team": [*bad.TEAMS, "FA", "CAR", "buf"],
    "PlayerOpponent": ["", "Bye", "@XXX", "CAR", *bad.TEXTS],
    "PlayerId": NUMBERS_OF_PLAYERS,
    "PlayerName": NAMES,
    "Pos": POSITIONS,
    "PassingYDS": bad.NUMBERS,
    "RushingYDS": bad.NUMBERS,
}

LAYOUTS = [
    Layout(
        "nfl-player-weeks",
        WEEK,
        lambda content: hvpkod.read(content, name=WEEK, schedule=schedule()),
        week_of,
        WEEKS_CELLS,
        (*hvpkod.KEYS, "PlayerOpponent"),
        wrap=lambda content: {WEEK: content},
        keys=_players("player_games"),
        check=check_boxes,
        told_at={"Team": ("team",), "PlayerOpponent": ("team",)},
        unit="player",
    ),
    Layout(
        "nfl-player-weeks",
        TOTAL,
        lambda content: hvpkod.read(content, name=TOTAL, schedule=schedule()),
        total_of,
        {name: WEEKS_CELLS[name] for name in ("PlayerId", "PlayerName", "Pos", "PassingYDS")},
        hvpkod.KEYS,
        wrap=lambda content: {TOTAL: content},
        keys=_players("player_seasons"),
        check=check_boxes,
        unit="player",
    ),
    Layout(
        "nfl-player-seasons",
        "seasons.csv",
        lambda content: nflverse_seasons.read(content, name="seasons.csv"),
        season_of,
        {
            "player_id": ["", "x", "00-19596", "0-0019596", "00-00195960", "００-0019596", "00–0019596", *bad.TEXTS],
            "player_display_name": NAMES,
            "season": ["", *bad.SEASONS],
            "season_type": ["", "POST", "reg", "REG+POST", *bad.TEXTS],
            "recent_team": [*without(bad.TEAMS, "", "#N/A", "null"), "TBX"],
            "games": ["-1", "31", "1.5", *bad.NUMBERS],
            "passing_yards": bad.NUMBERS,
            "passing_epa": [*bad.NUMBERS, "1.5.5", "9" * 20],
        },
        nflverse_seasons.KEYS,
        keys=_players("player_seasons"),
        check=check_boxes,
        unit="player",
    ),
    replace(
        _layout("nba-team-box", BOXES),
        source="nba-team-boxes",
        read=lambda data: box_scores_nba_stored.read_stored_team_box(
            data, name="box.csv", schedule=stored_nba(of_teams=True)
        ),
        keys=lambda batch: list(dict.fromkeys(batch.team_games.sort_values("line_number")["game"])),
    ),
    replace(
        _layout("nba-player-box", BOXES),
        source="nba-player-boxes",
        read=lambda data: box_scores_nba_stored.read_stored_player_box(
            data, name="players.csv", schedule=stored_nba(of_teams=False)
        ),
        game=dated_player_of,
        told_at={"team_abbreviation": ("game_id",)},  # a third team: no such game is stored
    ),
    replace(
        _layout("action-network-props", ARCHIVES),
        source="nfl-props",
        read=priced,
        wrap=with_lines,
        check=check_priced,
        keys=lambda batch: list(dict.fromkeys(batch.props.sort_values("line_number")["game"])),
    ),
]
