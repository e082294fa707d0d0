"""The random league of props in PostgreSQL, as the NFL's: boxes under one source's numbers, prices under another's."""

from datetime import UTC, datetime

import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.base import Base
from aipro_ml.db.copy import copy_rows
from aipro_ml.db.repositories import boxes, props, reference
from aipro_ml.identity import derive_id, derive_ids
from tests.props.random_props import League

STORED = datetime(2022, 7, 1, tzinfo=UTC)
"""When everything is imported: after the last of 24 weeks from January on."""

FIGURES = {"Rec": "ReceivingRec", "Targets": "Targets", "Yards": "ReceivingYDS"}
PROPS = {"catches": "receptions", "yards": "receiving_yards"}


def name_of(player: str) -> str:
    return f"Ann {player.replace('-', '')}"


def game_id(game: str) -> str:
    return str(derive_id("game", "NFL", game))


def box_player(player: str) -> str:
    return str(derive_id("player", "NFL", "nfl.com", player))


def priced_player(player: str) -> str:
    return str(derive_id("player", "NFL", "nflverse", player))


def store_props(connection: sa.Connection, league: League) -> None:
    """Store the whole league."""
    _store_games(connection, league)
    identities = [
        pd.DataFrame(
            {
                "id": [who(player) for player in league.players.index],
                "external_id": [f"{system}:{player}" for player in league.players.index],
                "name": [name_of(player) for player in league.players.index],
                "position": position,
            }
        )
        for who, system, position in ((box_player, "nfl.com", "WR"), (priced_player, "nflverse", None))
    ]
    boxes.save_players(connection, pd.concat(identities, ignore_index=True), STORED)
    boxes.save_player_games(connection, box_rows(league.versions), STORED, seen_before=False)
    books = pd.DataFrame({"name": ["One", "Two"], "is_sharp": False})
    reference.save_books(connection, books, STORED)
    props.save_props(connection, price_rows(league.prices), STORED, seen_before=False)


def box_rows(versions: pd.DataFrame) -> pd.DataFrame:
    """Return the boxes as rows of `fact_player_games`."""
    players = versions["player_id"].map(box_player)
    games = versions["game_id"].map(game_id)
    told = versions[list(FIGURES)].rename(columns=FIGURES).to_dict("records")
    return pd.DataFrame(
        {
            "id": [str(each) for each in derive_ids("fact_player_game", players, games)],
            "player_id": players,
            "game_id": games,
            "team_id": [str(derive_id("team", "NFL", team)) for team in versions["team_id"]],
            "stats": pd.Series(told, index=versions.index, dtype=object),
            "minutes": pd.Series(pd.NA, index=versions.index, dtype="Float64"),
            "known_at": versions["known_at"],
        }
    )


def price_rows(prices: pd.DataFrame) -> pd.DataFrame:
    """Return the prices as `save_props` takes them."""
    return pd.DataFrame(
        {
            "game_id": prices["game_id"].map(game_id),
            "player_id": prices["player_id"].map(priced_player),
            "prop_type": prices["prop"].map(PROPS),
            "line": prices["line"],
            "sportsbook_id": [str(derive_id("sportsbook", book)) for book in prices["book"]],
            "over_price": prices["over_price"].astype("Int64"),
            "under_price": prices["under_price"].astype("Int64"),
            "as_of": prices["as_of"],
        }
    )


def _store_games(connection: sa.Connection, league: League) -> None:
    tables = Base.metadata.tables
    created = pd.Timestamp(STORED)
    sport, season = derive_id("sport", "NFL"), derive_id("season", "NFL", 2022)
    row = pd.DataFrame({"id": [sport], "code": ["NFL"], "name": ["NFL"], "created_at": [created]})
    copy_rows(connection, tables["sports"], row)
    days = {"start_date": [created.date()], "end_date": [created.date()], "created_at": [created]}
    copy_rows(
        connection, tables["seasons"], pd.DataFrame({"id": [season], "sport_id": [sport], "year": [2022], **days})
    )
    names = sorted({*league.games["home_team_id"], *league.games["away_team_id"]})
    teams = pd.DataFrame({"id": derive_ids("team", ["NFL"] * len(names), names), "name": names, "abbreviation": names})
    copy_rows(connection, tables["teams"], teams.assign(sport_id=sport, external_id=names, created_at=created))
    games = league.games.reset_index()
    told = pd.DataFrame(
        {
            "id": [game_id(game) for game in games["game_id"]],
            "sport_id": sport,
            "season_id": season,
            "external_id": games["game_id"],
            "home_team_id": [derive_id("team", "NFL", team) for team in games["home_team_id"]],
            "away_team_id": [derive_id("team", "NFL", team) for team in games["away_team_id"]],
            "week": games["week"],
            "game_date": games["kickoff"],
            "status": "final",
            "home_score": 20,
            "away_score": 17,
            "created_at": created,
        }
    )
    copy_rows(connection, tables["games"], told)
