"""NFL player weeks and seasons as Fantasy.NFL.com shows them (a folder or tar: YEAR/WEEK/POS.csv, YEAR/POS_season.csv).

A row's team is the player's at the time of the scrape, after the season: whoever changed teams is credited to the later
one, and so to games he did not play. Nothing in the file tells these rows, but a team's own totals do: a game for which
the players have more than the team had is refused (`credited_elsewhere`). Rows without any figure name players who did
not play. Projections (`projected/`) are somebody's forecasts beside the outcome: they are counted and left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from aipro_ml.errors import DataFileError
from aipro_ml.sources.base import Finding, conform
from aipro_ml.sources.box_games import both_sides, reject_lost
from aipro_ml.sources.box_scores import (
    LONGEST_NAME,
    PLAYER_GAME_COLUMNS,
    PLAYER_SEASON_COLUMNS,
    BoxBatch,
    figures,
)
from aipro_ml.sources.checks import FindingLog, id_numbers
from aipro_ml.sources.dated import in_order
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.pairs import placed
from aipro_ml.sources.read import read_csv

SPORT, SOURCE, PLAYER_IDS = "NFL", "hvpkod_player_weeks", "nfl.com"
WEEK = re.compile(r"(?:^|/)(?P<season>\d{4})/(?P<week>\d{1,2})/(?P<position>[A-Z]{1,3})\.csv(?:\.gz)?$")
SEASON = re.compile(r"(?:^|/)(?P<season>\d{4})/(?P<position>[A-Z]{1,3})_season\.csv(?:\.gz)?$")
PROJECTED = re.compile(r"(?:^|/)projected/[A-Z]{1,3}_projected\.csv(?:\.gz)?$")
KEYS = ("PlayerName", "PlayerId", "Pos", "Team")
NO_TEAM, NO_GAME = "FA", "Bye"
NOT_FIGURES = (*KEYS, "PlayerOpponent", "Rank", "TotalPoints", "FanPtsAgainst-pts", "line_number")
"""Not what a player did: keys, and points and ranks of one fantasy league."""

OFFENCE, KICKING, DEFENCE = ("QB", "RB", "WR", "TE"), ("K",), ("DB", "DL", "LB")
TOTALS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ReceivingRec": ("receptions", OFFENCE),
    "TouchCarries": ("carries", OFFENCE),
    "PassingYDS": ("passing_yards", OFFENCE),
    "PatMade": ("pat_made", KICKING),
    "TurnoverInt": ("def_interceptions", DEFENCE),
    "TacklesSck": ("def_sacks", DEFENCE),
}
"""A player's figure, the team's figure it adds up to at most, and the positions it is refused for."""


def read(
    files: Mapping[str, bytes], *, name: str, schedule: pd.DataFrame, known_from: datetime | None = None
) -> BoxBatch:
    """Return the weeks and seasons in `files` (by their path) for the games of `schedule` (see `box_games`).

    Bad rows become findings; DataFileError for a file that is no CSV, or where nothing is a player file.
    """
    if not any(WEEK.search(path) or SEASON.search(path) for path in files):
        raise DataFileError("holds no YEAR/WEEK/POS.csv and no YEAR/POS_season.csv", file=name)
    games, totals = _rows(files, WEEK, also=("PlayerOpponent",)), _rows(files, SEASON)
    projected = sum(PROJECTED.search(path) is not None for path in files)
    landed, passed_over = _player_games(games, schedule)
    left_out = f"{projected} files of projections are left out" if projected else ""
    return BoxBatch(
        sport=SPORT,
        source=SOURCE,
        player_games=landed,
        player_seasons=_player_seasons(totals),
        player_ids=PLAYER_IDS,
        without_figures=passed_over,
        findings=in_order((*games.findings(), *totals.findings())),
        rows_read=games.rows_read + totals.rows_read,
        notes=(left_out,) if left_out else (),
        known_from=known_from,
    )


@dataclass(frozen=True)
class _Rows:
    """Rows of several files under one index, with the file, season, week and position each stands in."""

    frame: pd.DataFrame
    log: FindingLog
    misshapen: tuple[Finding, ...]
    rows_read: int

    def findings(self) -> tuple[Finding, ...]:
        """Return everything found, each at the file and line of its row."""
        places = list(zip(self.frame["file"].astype(str), self.frame["line_number"].astype(int), strict=True))
        return (*self.misshapen, *placed(self.log.findings, places, places))

    def figure_columns(self) -> list[str]:
        """Return the columns that say what a player did."""
        return [column for column in self.frame if column not in (*NOT_FIGURES, *_ADDED)]


_ADDED = {"file": "string", "folder_position": "string", "season": "int64", "week": "int64", "line_number": "int64"}


def _rows(files: Mapping[str, bytes], form: re.Pattern[str], also: tuple[str, ...] = ()) -> _Rows:
    """Return the rows of every file whose path has this form."""
    columns = (*KEYS, *also)
    parts = [
        pd.DataFrame(
            {name: pd.Series([], dtype=kind) for name, kind in (dict.fromkeys(columns, "string") | _ADDED).items()}
        )
    ]
    misshapen: list[Finding] = []
    rows_read = 0
    for path, content in files.items():
        told = form.search(path)
        if told is None:
            continue
        table = read_csv(content, name=path, columns=columns, also=lambda column: column != "")
        rows_read += table.rows_read
        misshapen.extend(table.findings)
        facts = told.groupdict()
        slot = {"season": int(facts["season"]), "week": int(facts.get("week", 0))}
        parts.append(table.frame.assign(file=path, folder_position=facts["position"], **slot))
    frame = pd.concat(parts, ignore_index=True)
    log = FindingLog("", pd.Series(frame.index, index=frame.index, dtype="int64"))
    return _Rows(frame, log, tuple(misshapen), rows_read)


def _player_games(rows: _Rows, schedule: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the good player games and how many rows were passed over for want of a figure."""
    frame, log = rows.frame, rows.log
    columns = rows.figure_columns()
    played = frame[columns].notna().any(axis=1)
    _check_players(frame, played, log)
    teamless = played & frame["Team"].eq(NO_TEAM).fillna(False)
    said = "he had no team any more when this was scraped: whom he played for is not told"
    log.reject(teamless, frame["Team"], "team_unknown", said)
    idle = played & ~teamless & frame["PlayerOpponent"].eq(NO_GAME).fillna(False)
    log.reject(idle, frame["PlayerOpponent"], "played_on_a_bye", "his team had no game in this week")
    wanted = _sides(frame, played & ~log.rejected, log)
    found = wanted.merge(both_sides(schedule), on=["season", "week", "team", "opponent"], how="left")
    found = found.set_axis(frame.index)
    lost = played & found["game"].isna() & ~log.rejected
    told_before = wanted.loc[lost, ["season", "week", "team"]].duplicated().reindex(frame.index, fill_value=False)
    reject_lost(lost & ~told_before, wanted, schedule, log)
    again = played & _numbered(frame).duplicated(["season", "week", "PlayerId"])
    log.reject(again & ~log.rejected, frame["PlayerId"], "duplicate_row", "an earlier row has this player's week")
    landed = frame.loc[played & ~lost & ~log.rejected]
    facts = found.loc[landed.index, ["team", "game"]].assign(
        **_who(landed), minutes=pd.Series(pd.NA, index=landed.index, dtype="Float64")
    )
    facts["stats"] = figures(landed, columns, log)
    empty_handed = facts["stats"].map(len) == 0
    return conform(facts.loc[~empty_handed], PLAYER_GAME_COLUMNS), int((~played).sum())


def _sides(frame: pd.DataFrame, asked: pd.Series, log: FindingLog) -> pd.DataFrame:
    """Return season, week, team and opponent of each asked row; a team nobody knows rejects it."""
    teams = franchises(SPORT)
    wanted = frame[["season", "week"]].astype("Int64")
    for role, column in (("team", "Team"), ("opponent", "PlayerOpponent")):
        codes = frame[column].str.removeprefix("@").where(asked)
        wanted[role] = teams.resolve_all(codes, wanted["season"])
        said = "no such team in that season; see configs/teams/nfl.yaml"
        log.reject(asked & wanted[role].isna() & ~log.rejected, frame[column], "unknown_team", said)
    return wanted


def _player_seasons(rows: _Rows) -> pd.DataFrame:
    """Return the good player seasons, without a team: the file has that of years later."""
    frame, log = rows.frame, rows.log
    columns = rows.figure_columns()
    played = frame[columns].notna().any(axis=1)
    _check_players(frame, played, log)
    again = played & _numbered(frame).duplicated(["season", "PlayerId"])
    log.reject(again & ~log.rejected, frame["PlayerId"], "duplicate_row", "an earlier row has this player's season")
    landed = frame.loc[played & ~log.rejected]
    facts = landed[["season"]].assign(**_who(landed), games_played=pd.NA, team=pd.NA)
    facts["stats"] = figures(landed, columns, log)
    return conform(facts, PLAYER_SEASON_COLUMNS)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows' keys with each player's number in one spelling."""
    return frame[["season", "week"]].assign(PlayerId=id_numbers(frame["PlayerId"]))


def _check_players(frame: pd.DataFrame, played: pd.Series, log: FindingLog) -> None:
    nobody = id_numbers(frame["PlayerId"]).isna()
    log.reject(played & nobody, frame["PlayerId"], "player", "no number of a player")
    nameless = frame["PlayerName"].isna() | (frame["PlayerName"].str.len() > LONGEST_NAME).fillna(False)
    log.reject(played & nameless, frame["PlayerName"], "player_name", f"no name of 1 to {LONGEST_NAME} letters")
    strange = frame["Pos"].ne(frame["folder_position"]).fillna(True)
    log.reject(played & strange & ~log.rejected, frame["Pos"], "position", "not the position its file is of")


def _who(landed: pd.DataFrame) -> dict[str, pd.Series]:
    return {
        "player": id_numbers(landed["PlayerId"]),
        "player_name": landed["PlayerName"],
        "position": landed["Pos"],
        "file": landed["file"],
        "line_number": landed["line_number"],
    }


def credited_elsewhere(player_games: pd.DataFrame, team_totals: pd.DataFrame) -> pd.DataFrame:
    """Return which player games stand in a team's game whose players together have more than the team had.

    `player_games`: PLAYER_GAME_COLUMNS; `team_totals`: game, team and the team's figures of TOTALS (NaN: unknown).
    Result, on the index of `player_games`: `unchecked` (the team's own figures are not stored) and `excess` (the
    figure that is exceeded, "" where none is).
    """
    names = ["game", "team"]
    keys = player_games[names].astype("string")
    stats = pd.DataFrame(
        {figure: [row.get(figure, 0.0) for row in player_games["stats"]] for figure in TOTALS}, index=player_games.index
    )
    sums = stats.groupby([keys["game"], keys["team"]]).transform("sum")
    team = keys.merge(team_totals, on=names, how="left").set_axis(player_games.index)
    excess = pd.Series("", index=player_games.index)
    for figure, (total, positions) in TOTALS.items():
        over = (sums[figure] > team[total].astype("float64")) & player_games["position"].isin(positions)
        excess = excess.mask(over.fillna(False).astype(bool) & (excess == ""), figure)
    known = keys.set_index(names).index.isin(team_totals.astype(dict.fromkeys(names, "string")).set_index(names).index)
    return pd.DataFrame({"unchecked": ~known, "excess": excess}, index=player_games.index)
