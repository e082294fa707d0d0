"""Box scores as they were known: of each box one version, at the place in time of its first."""

from collections.abc import Sequence

import pandas as pd

TEAM_BOX = ["team_id", "game_id"]
PLAYER_BOX = ["player_id", "game_id"]
_KEYS = ("team_id", "player_id", "game_id", "known_at")


def current_boxes(versions: pd.DataFrame, keys: Sequence[str], figures: Sequence[str]) -> pd.DataFrame:
    """Return one row a box, ordered by (known_at, game_id, team, player): its last version, known when the first was.

    `versions` has the keys, known_at and figures; a figure of `figures` that it lacks is NaN.
    """
    ordered = _in_order(versions)
    first = ordered.drop_duplicates(list(keys)).set_index(list(keys))["known_at"]
    last = ordered.drop_duplicates(list(keys), keep="last")
    told = last.assign(known_at=first.reindex(pd.MultiIndex.from_frame(last[list(keys)])).array)
    names = [name for name in _KEYS if name in told]
    table = pd.concat([told[names], told.reindex(columns=list(figures)).astype("float64")], axis=1)
    return _in_order(table)


def corrected_at(versions: pd.DataFrame, keys: Sequence[str]) -> list[pd.Timestamp]:
    """Return, in order, the moments at which what was known of a team's game changed.

    A known box got other figures or another team; or a player came to a game whose other players were known before:
    what views make of all of them together would else be as late as the last one.
    """
    if versions.empty:
        return []
    ordered = _in_order(versions)
    figures = [name for name in ordered if name not in (*keys, "known_at")]
    again = ordered.duplicated(list(keys))
    before = ordered.groupby(list(keys))[figures].shift()
    same = (ordered[figures] == before) | (ordered[figures].isna() & before.isna())
    first = ordered.groupby(TEAM_BOX)["known_at"].transform("first")
    changed = (again & ~same.all(axis=1)) | (~again & (ordered["known_at"] > first))
    return sorted(ordered.loc[changed, "known_at"].unique())


def _in_order(boxes: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in ("known_at", "game_id", "team_id", "player_id") if name in boxes]
    return boxes.sort_values(names, kind="stable", ignore_index=True)
