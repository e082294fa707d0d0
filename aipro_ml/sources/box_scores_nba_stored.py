"""The NBA's boxes against stored games: found by day and teams; the stored site and score are the facts."""

from dataclasses import replace

import pandas as pd

from aipro_ml.enums import Severity
from aipro_ml.sources.base import Finding, conform
from aipro_ml.sources.box_games import by_day, nearest_by_day
from aipro_ml.sources.box_scores import TEAM_GAME_COLUMNS, BoxBatch
from aipro_ml.sources.box_scores_nba import player_box_games, read_player_box, read_team_box
from aipro_ml.sources.dated import NBA, in_order

FACTS = ["game", "season", "home", "away", "home_score", "away_score"]


def read_stored_team_box(data: bytes, *, name: str, schedule: pd.DataFrame) -> BoxBatch:
    """Return the team boxes in `data` under the games of `schedule` (see `box_games`); others are findings."""
    batch = read_team_box(data, name=name)
    games = batch.games
    wanted = pd.DataFrame(
        {
            "season": games["season"],
            "day": games["kickoff"].dt.tz_convert(NBA.zone).dt.tz_localize(None).dt.floor("D"),
            "team": games["home"],
            "opponent": games["away"],
            "line_number": games["line_number"],
        }
    )
    stored = by_day(wanted, schedule, NBA.zone)
    lost = _lost(wanted.loc[stored.isna()], name, schedule)
    boxes = batch.team_games.assign(game=batch.team_games["game"].map(dict(zip(games["game"], stored, strict=True))))
    boxes = boxes.loc[boxes["game"].notna()].reset_index(drop=True)
    boxes = conform(boxes, TEAM_GAME_COLUMNS)
    told = boxes[["game"]].merge(schedule[FACTS], on="game", how="left")
    return replace(
        batch,
        games=games.iloc[:0],
        team_games=boxes.assign(is_home=(told["home"] == boxes["team"]).astype("boolean")),
        findings=in_order((*batch.findings, *lost, *_contradictions(boxes, told, name))),
    )


def read_stored_player_box(data: bytes, *, name: str, schedule: pd.DataFrame) -> BoxBatch:
    """Return the player boxes in `data` under the games of `schedule` (see `box_games`); others are findings."""
    wanted = player_box_games(data, name=name)
    stored = by_day(wanted, schedule, NBA.zone)
    lost = wanted.loc[stored.isna()]
    games = wanted[["external_id"]].assign(game=stored).dropna()
    games = games.merge(schedule[FACTS], on="game", how="left")
    batch = read_player_box(data, name=name, games=games)
    near = dict(zip(lost["external_id"], _lost(lost, name, schedule), strict=True))
    findings = tuple(
        near.get(finding.value, finding) if finding.rule == "no_such_game" else finding for finding in batch.findings
    )
    return replace(batch, findings=in_order(findings))


def _lost(wanted: pd.DataFrame, name: str, schedule: pd.DataFrame) -> list[Finding]:
    rows = wanted.to_dict("records")
    return [
        Finding(
            name,
            int(row["line_number"]),
            "game",
            f"{row['day']:%Y-%m-%d}: {row['team']} against {row['opponent']}",
            "no_such_game",
            f"no such game is stored; {nearest_by_day({str(key): value for key, value in row.items()}, schedule)}",
        )
        for row in rows
    ]


def _contradictions(boxes: pd.DataFrame, told: pd.DataFrame, name: str) -> list[Finding]:
    """Return a warning for each box that has another site or score than the stored game, which stays."""
    home = (told["home"] == boxes["team"]).astype("boolean")
    score = told["home_score"].where(home, told["away_score"]).astype("Float64")
    cases = (
        (home != boxes["is_home"], "MATCHUP", "site_differs", "the stored game has the other team at home: it stays"),
        ((score != boxes["points_for"]).fillna(False), "PTS", "score_differs", "the stored score is another: it stays"),
    )
    return [
        Finding(name, int(line), column, str(points), rule, said, Severity.WARNING)
        for differs, column, rule, said in cases
        for line, points in boxes.loc[differs.astype(bool), ["line_number", "points_for"]].itertuples(index=False)
    ]
