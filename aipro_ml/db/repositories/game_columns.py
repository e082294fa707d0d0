"""What a reader is told of a game beside a prediction, a bet or a prop on it, and the tables that say it."""

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from aipro_ml.db.models.sports import Game, Sport, Team

HOME, AWAY = aliased(Team), aliased(Team)
NAME = (AWAY.abbreviation + " @ " + HOME.abbreviation).label("game")
GAME = (
    Game.game_date.label("kickoff"),
    AWAY.abbreviation.label("away"),
    HOME.abbreviation.label("home"),
    Game.status,
    Game.away_score,
    Game.home_score,
)


def with_teams(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return the statement, which has the game, joined to its sport and both teams."""
    return (
        statement.join(Sport, Sport.id == Game.sport_id)
        .join(HOME, HOME.id == Game.home_team_id)
        .join(AWAY, AWAY.id == Game.away_team_id)
    )
