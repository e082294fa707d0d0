"""Rows of the tables of players and boxes, made of a batch of box scores."""

import pandas as pd

from aipro_ml.identity import derive_id
from aipro_ml.sources.box_scores import BoxBatch


def known_times(schedule: pd.DataFrame, now: object) -> pd.Series:
    """Return from when a box read `now` is known, by game: with the result of history, with this import otherwise.

    A result that was stored as it became known is live: its game's box is then first known now.
    """
    final = schedule.loc[schedule["result_known_at"].notna()].set_index("game")
    result, moment = final["result_known_at"], pd.Timestamp(str(now)).tz_convert("UTC").as_unit("us")
    live = result >= final["result_stored_at"]
    return result.where(~live, result.clip(lower=moment))


def player_id(batch: BoxBatch, player: object) -> str:
    """Return the id of a player by his number in the source's system of numbers."""
    return str(derive_id("player", batch.sport, batch.player_ids, player))


def player_identities(batch: BoxBatch) -> pd.DataFrame:
    """Return id, external_id, name and position of every player of the batch, as last told."""
    names = ["player", "player_name", "position"]
    every = pd.concat([batch.player_games[names], batch.player_seasons[names]], ignore_index=True)
    one = every.drop_duplicates("player", keep="last")
    return pd.DataFrame(
        {
            "id": [player_id(batch, player) for player in one["player"]],
            "external_id": [f"{batch.player_ids}:{player}" for player in one["player"]],
            "name": one["player_name"].array,
            "position": one["position"].array,
        }
    )


def team_rows(batch: BoxBatch, known: pd.Series) -> pd.DataFrame:
    """Return rows of `fact_team_games`; `known` is `known_times`."""
    rows = batch.team_games
    teams = {team: str(derive_id("team", batch.sport, team)) for team in {*rows["team"], *rows["opponent"]}}
    team = rows["team"].map(teams)
    return pd.DataFrame(
        {
            "id": [str(derive_id("fact_team_game", *key)) for key in zip(team, rows["game"], strict=True)],
            "team_id": team,
            "game_id": rows["game"],
            "opponent_id": rows["opponent"].map(teams),
            "is_home": rows["is_home"],
            "points_for": rows["points_for"],
            "points_against": rows["points_against"],
            "stats": rows["stats"],
            "known_at": known.reindex(rows["game"]).array,
        }
    )


def player_rows(batch: BoxBatch, known: pd.Series) -> pd.DataFrame:
    """Return rows of `fact_player_games`; the minutes stand among the figures too, so that corrections keep them."""
    rows = batch.player_games
    ids = {player: player_id(batch, player) for player in rows["player"].unique()}
    teams = {team: str(derive_id("team", batch.sport, team)) for team in rows["team"].unique()}
    player = rows["player"].map(ids)
    stats = [
        row if pd.isna(minutes) else {**row, "minutes": float(minutes)}
        for row, minutes in zip(rows["stats"], rows["minutes"], strict=True)
    ]
    return pd.DataFrame(
        {
            "id": [str(derive_id("fact_player_game", *key)) for key in zip(player, rows["game"], strict=True)],
            "player_id": player,
            "game_id": rows["game"],
            "team_id": rows["team"].map(teams),
            "stats": pd.Series(stats, index=rows.index, dtype=object),
            "minutes": rows["minutes"],
            "known_at": known.reindex(rows["game"]).array,
        }
    )


def season_teams(batch: BoxBatch) -> pd.DataFrame:
    """Return the team each player was in (player_id, team_id, season), None where a season does not say."""
    rows = batch.player_seasons
    return pd.DataFrame(
        {
            "player_id": [player_id(batch, player) for player in rows["player"]],
            "team_id": [None if pd.isna(team) else str(derive_id("team", batch.sport, team)) for team in rows["team"]],
            "season": rows["season"],
        }
    )


def season_ids(rows: pd.DataFrame, schedule: pd.DataFrame, code: str) -> list[object]:
    """Return the ids of the seasons the games of `rows` are of, in order."""
    seasons = schedule.loc[schedule["game"].isin(rows["game"]), "season"].unique()
    return [derive_id("season", code, int(season)) for season in sorted(seasons)]
