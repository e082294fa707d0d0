"""Revisions of games: their order, which are final, which correct a final one, and the result as it stands."""

import pandas as pd

from aipro_ml.enums import GameStatus
from aipro_ml.errors import LeakError

SCHEDULE_COLUMNS = (
    "season",
    "season_type",
    "week",
    "game_number",
    "kickoff",
    "home_team_id",
    "away_team_id",
    "venue_id",
    "neutral_site",
)
RESULT_COLUMNS = ("game_id", *SCHEDULE_COLUMNS, "home_score", "away_score", "overtime", "known_at")
_TRUTH = [*SCHEDULE_COLUMNS, "status", "home_score", "away_score", "overtime"]
_SCORE = ["status", "home_score", "away_score"]
_STATUS_ORDER = {status.value: rank for rank, status in enumerate(GameStatus)}


def in_known_order(games: pd.DataFrame) -> pd.DataFrame:
    """Return revisions (REVISION_COLUMNS) by knowledge time; of one game at one moment by their number.

    So what was imported last stands last. Where numbers are equal too their content orders them: the order of rows
    is irrelevant.
    """
    rank = games["status"].map(_STATUS_ORDER).fillna(-1)
    keys = ["known_at", "game_id", "revision", "_rank", "kickoff", "home_score", "away_score"]
    return games.assign(_rank=rank).sort_values(keys, ignore_index=True).drop(columns="_rank")


def corrections(revisions: pd.DataFrame) -> pd.Series:
    """Return the moments at which an already final game changed; `revisions` stand in known order."""
    final = _is_final(revisions)
    final_before = final.groupby(revisions["game_id"], sort=False).cumsum() - final > 0
    return revisions.loc[final_before & ~_as_before(revisions, _TRUTH), "known_at"]


def results_of(revisions: pd.DataFrame) -> pd.DataFrame:
    """Return RESULT_COLUMNS of every game with a final score, ordered by (known_at, game_id).

    The score is the last version's, `known_at` the first final one's. LeakError for a score before its kick-off.
    """
    final = revisions.loc[_is_final(revisions)]
    early = final["known_at"] < final["kickoff"]
    if early.any():
        game = final.loc[early].iloc[0]
        raise LeakError(
            f"game {game['game_id']}: its score is marked as known at {game['known_at']}, before its "
            f"kick-off {game['kickoff']}; import it again with the right times"
        )
    first = final.drop_duplicates("game_id").set_index("game_id")["known_at"]
    current = revisions.drop_duplicates("game_id", keep="last")
    current = current.loc[_is_final(current)]
    current = current.assign(known_at=first.reindex(current["game_id"]).array)
    return current.sort_values(["known_at", "game_id"], ignore_index=True)[list(RESULT_COLUMNS)]


def scored_at(revisions: pd.DataFrame) -> pd.Series:
    """Return from when on the score each finished game now has was known without a break (index game_id)."""
    since = revisions["known_at"].mask(_as_before(revisions, _SCORE)).groupby(revisions["game_id"], sort=False).ffill()
    last = revisions.assign(since=since).drop_duplicates("game_id", keep="last").set_index("game_id")
    return last.loc[_is_final(last), "since"]


def _as_before(revisions: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Return whether a revision says of `columns` what the one before it of its game said."""
    said, last = revisions[columns], revisions.groupby("game_id", sort=False)[columns].shift()
    same = ((said == last) | (said.isna() & last.isna())).all(axis=1)
    return same & revisions.duplicated("game_id")


def _is_final(games: pd.DataFrame) -> pd.Series:
    scored = games["home_score"].notna() & games["away_score"].notna()
    return scored & (games["status"] == GameStatus.FINAL.value)
