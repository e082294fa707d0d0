"""Box scores for the random league: some late, some missing, some corrected weeks later."""

import numpy as np
import pandas as pd

from aipro_ml.features.records import PLAYER_BOX_COLUMNS, PLAYER_STAT_COLUMNS, TEAM_BOX_COLUMNS, box_frame, frame_of
from aipro_ml.features.views import efficiency_nba, efficiency_nfl, usage

DAY = pd.Timedelta(days=1)
TEAM_FIGURES = (*efficiency_nfl.FIGURES, *efficiency_nba.FIGURES)
PLAYER_FIGURES = (*usage.NFL_USAGE, *usage.NBA_USAGE)
ROSTER = 6
AUDIT = "28D"
"""The league's office looks boxes over and tells its corrections together; each such moment opens an epoch."""


def random_boxes(seed: int, games: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (team boxes, player boxes) of the games that were ever final (revisions `games`)."""
    rng = np.random.default_rng([seed, 7])
    final = games.loc[games["status"] == "final"].drop_duplicates("game_id")
    teams, players = [], []
    for game in final.to_dict("records"):
        for side in ("home", "away"):
            if rng.random() < 0.05:
                continue
            known = game["known_at"] + (int(rng.integers(1, 9)) * DAY if rng.random() < 0.1 else 0 * DAY)
            box = {"team_id": game[f"{side}_team_id"], "game_id": game["game_id"]}
            teams += _versions(rng, box, known, TEAM_FIGURES)
            for number in range(ROSTER):
                if rng.random() < 0.7:
                    who = {**box, "player_id": f"{box['team_id']}-{number}"}
                    players += _versions(rng, who, known, PLAYER_FIGURES)
    return (
        box_frame(pd.DataFrame(teams), TEAM_BOX_COLUMNS, TEAM_FIGURES),
        box_frame(pd.DataFrame(players), PLAYER_BOX_COLUMNS, PLAYER_FIGURES),
    )


def _versions(rng: np.random.Generator, box: dict, known: pd.Timestamp, figures: tuple[str, ...]) -> list[dict]:
    """The box as first told and perhaps as corrected; one figure in fifty is missing."""
    rows = [{**box, "known_at": known, **_figures(rng, figures)}]
    if rng.random() < 0.02:
        rows.append({**box, "known_at": (known + DAY).ceil(AUDIT), **_figures(rng, figures)})
    return rows


def _figures(rng: np.random.Generator, figures: tuple[str, ...]) -> dict[str, float]:
    values = rng.integers(0, 40, len(figures)).astype("float64")
    values[rng.random(len(figures)) < 0.02] = np.nan
    return dict(zip(figures, values.tolist(), strict=True))


def random_player_stats(seed: int, seasons: tuple[int, ...]) -> pd.DataFrame:
    """A season total of one player a team and season, known two months after its end."""
    rng = np.random.default_rng([seed, 8])
    rows = [
        {
            "player_id": f"T{team}-0",
            "season": season,
            "stat_type": "touches",
            "value": rng.uniform(10, 300),
            "games_played": 12.0,
            "known_at": pd.Timestamp(f"{season + 1}-02-15", tz="UTC"),
        }
        for season in seasons
        for team in range(8)
    ]
    return frame_of(pd.DataFrame(rows), PLAYER_STAT_COLUMNS)
