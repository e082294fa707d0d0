"""Season files of players: stored where no box scores say it, compared with the box scores where they do."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import box_stats, games
from aipro_ml.enums import Severity
from aipro_ml.identity import derive_id
from aipro_ml.sources.base import Finding
from aipro_ml.sources.box_scores import BoxBatch
from aipro_ml.sources.franchises import folded

SAME_FIGURE = {
    "passing_yards": "PassingYDS",
    "passing_tds": "PassingTD",
    "passing_interceptions": "PassingInt",
    "rushing_yards": "RushingYDS",
    "rushing_tds": "RushingTD",
    "receptions": "ReceivingRec",
    "receiving_yards": "ReceivingYDS",
    "receiving_tds": "ReceivingTD",
    "targets": "Targets",
    "carries": "TouchCarries",
}
"""nflverse's name of a figure, and what Fantasy.NFL.com's weeks call it."""


def of_stored_seasons(connection: Connection, batch: BoxBatch) -> BoxBatch:
    """Return the batch without season totals of seasons that have no games stored, each season a finding."""
    rows = batch.player_seasons
    if rows.empty:
        return batch
    stored = rows["season"].astype("int64").isin(games.seasons(connection, batch.sport))
    missing = rows.loc[~stored].drop_duplicates("season")
    said = "no game of this season is stored: import the season's games first"
    found = [
        Finding(str(file), int(line), "season", str(season), "season_unknown", said)
        for file, line, season in missing[["file", "line_number", "season"]].itertuples(index=False)
    ]
    kept = rows.loc[stored].reset_index(drop=True)
    return replace(batch, player_seasons=kept, findings=(*batch.findings, *found))


def season_rows(connection: Connection, batch: BoxBatch) -> pd.DataFrame:
    """Return the rows of `player_stats` a season file gives: of players and seasons without stored box scores."""
    rows = batch.player_seasons
    if rows.empty:
        return pd.DataFrame()
    played = box_stats.played_seasons(connection, batch.sport)
    ids = {
        player: str(derive_id("player", batch.sport, batch.player_ids, player)) for player in rows["player"].unique()
    }
    told: list[tuple[str, str, str, float, object]] = []
    for player, season, played_in, stats in rows[["player", "season", "games_played", "stats"]].itertuples(index=False):
        if (ids[player], int(season)) in played:
            continue
        place = str(derive_id("season", batch.sport, int(season)))
        told.extend((ids[player], place, figure, value, played_in) for figure, value in stats.items())
    names = ["player_id", "season_id", "stat_type", "value", "games_played"]
    frame = pd.DataFrame(told, columns=names)
    return frame.astype({"value": "float64", "games_played": "Int64"})


def reconciled(connection: Connection, batch: BoxBatch) -> BoxBatch:
    """Return the batch with each difference from the totals of stored box scores as a finding.

    Players of one system of numbers are compared by number. Of two systems only those are who bear one name in one
    team, alone in both, and played equally many games in both: others are not comparable, and nobody is merged.
    """
    rows = batch.player_seasons
    if rows.empty:
        return batch
    years = sorted({int(season) for season in rows["season"]})
    totals = box_stats.season_totals(connection, batch.sport, years)
    if totals.empty:
        return batch
    wide = totals.pivot_table(index=["player_id", "season"], columns="stat_type", values="value", aggfunc="first")
    who = totals.drop_duplicates(["player_id", "season"]).set_index(["player_id", "season"])[["name", "team", "games"]]
    pairs = [*_by_number(batch, who), *_by_name(batch, who)]
    found: list[Finding] = []
    for position, key, names in pairs:
        told = rows.iloc[position]
        found.extend(_differences(told, wide.loc[key].dropna(), names))
    note = f"{len(pairs)} player seasons compared with the box scores, {len(found)} differ"
    return replace(batch, findings=(*batch.findings, *found), notes=(*batch.notes, note))


def _by_number(batch: BoxBatch, who: pd.DataFrame) -> Iterable[tuple[int, tuple[str, int], dict[str, str]]]:
    rows, known = batch.player_seasons, set(who.index)
    for position, (player, season) in enumerate(zip(rows["player"], rows["season"], strict=True)):
        key = (str(derive_id("player", batch.sport, batch.player_ids, player)), int(season))
        if key in known:
            yield position, key, {name: name for name in rows["stats"].iloc[position]}


def _by_name(batch: BoxBatch, who: pd.DataFrame) -> Iterable[tuple[int, tuple[str, int], dict[str, str]]]:
    rows = batch.player_seasons
    mine = pd.DataFrame(
        {
            "position": range(len(rows)),
            "season": rows["season"].astype("int64"),
            "team": rows["team"].astype(object),
            "name": [folded(str(name)) for name in rows["player_name"]],
            "games": rows["games_played"].astype("float64"),
        }
    ).dropna()
    theirs = who.reset_index().assign(name=[folded(name) for name in who["name"]]).dropna(subset=["team"])
    key = ["season", "team", "name"]
    alone = [frame.loc[~frame.duplicated(key, keep=False)] for frame in (mine, theirs)]
    both = alone[0].merge(alone[1], on=[*key, "games"])
    for position, player, season in both[["position", "player_id", "season"]].itertuples(index=False):
        yield int(position), (player, int(season)), SAME_FIGURE


def _differences(told: pd.Series, stored: pd.Series, names: dict[str, str]) -> Iterable[Finding]:
    """Yield one warning where the file and the box scores have other values of a figure."""
    other = [
        f"{figure} {told['stats'].get(figure, 0.0):g} against {stored.get(same, 0.0):g}"
        for figure, same in names.items()
        if told["stats"].get(figure, 0.0) != stored.get(same, 0.0)
    ]
    if other:
        said = f"the box scores stored of {told['player_name']} in {told['season']} add up otherwise: they stay"
        value = "; ".join(other[:3]) + (f" and {len(other) - 3} more" if len(other) > 3 else "")
        yield Finding(
            str(told["file"]), int(told["line_number"]), "stats", value, "season_differs", said, Severity.WARNING
        )
