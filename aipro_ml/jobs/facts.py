"""What is known of a sport, from the database, in the frames features are computed from."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import box_records
from aipro_ml.db.repositories.records import load_frames, load_results
from aipro_ml.errors import GuardError
from aipro_ml.features import records as known
from aipro_ml.features.records import Records
from aipro_ml.features.sport import sport
from aipro_ml.identity import derive_id
from aipro_ml.sources.franchises import Venues, franchises
from aipro_ml.sources.home_grounds import known_venues
from aipro_ml.sources.synthetic import SIMULATED

_EVEN = 100  # no American price lies between -100 and 100


def load_records(
    connection: Connection,
    code: str,
    odds_of: Sequence[str] | None = None,
    recorded_by: datetime | None = None,
    *,
    reference_closes: bool = False,
) -> Records:
    """Return every stored fact of the sport `code`, each row with the time from which it was known.

    With `odds_of` only the quotes of these games: a game's features and board read no other game's quotes. With
    `recorded_by` only what the database held at that time. With `reference_closes` only the closing lines of
    home and over: a History hands out no others, so this is enough for features and predictions. GuardError where a
    stored quote is one that nobody can have offered.
    """
    frames = load_frames(connection, code, odds_of, recorded_by, reference_closes=reference_closes)
    odds = known.frame_of(frames["odds"], known.ODDS_COLUMNS)
    refuse_impossible(odds, code)
    return Records(
        games=known.frame_of(frames["games"], known.REVISION_COLUMNS),
        odds=odds,
        closing=known.frame_of(frames["closing"], known.CLOSING_COLUMNS),
        teams=known.frame_of(frames["teams"], known.TEAM_COLUMNS),
        venues=known.frame_of(frames["venues"], known.VENUE_COLUMNS),
        team_stats=known.frame_of(frames["team_stats"], known.TEAM_STAT_COLUMNS),
        **_boxes(connection, code, recorded_by),
        **dated_facts(code),
    )


def refuse_impossible(odds: pd.DataFrame, code: str) -> None:
    """Raise GuardError naming the first quote whose line is infinite or whose price no American price.

    No import stores one: somebody wrote it past the platform, and money would be staked on it.
    """
    price, line = odds["price"].to_numpy("float64"), odds["line"].to_numpy("float64")
    wrong = ~(np.abs(price) >= _EVEN) | np.isinf(price) | np.isinf(line)
    if wrong.any():
        first = odds[wrong].iloc[0]
        raise GuardError(
            f"{int(wrong.sum())} stored quotes of {code} are impossible, the first of game {first['game_id']}: "
            f"{first['market']} {first['selection']}, price {first['price']:g}, line {first['line']:g}; nothing is "
            "computed from them: restore the table `odds` from a backup, and see `aipro db check`"
        )


def load_played(connection: Connection, code: str) -> Records:
    """Return the games and closing lines of the sport `code` alone: what margins and grades are learned from."""
    frames = load_results(connection, code)
    return Records(
        games=known.frame_of(frames["games"], known.REVISION_COLUMNS),
        odds=known.no_rows(known.ODDS_COLUMNS),
        closing=known.frame_of(frames["closing"], known.CLOSING_COLUMNS),
        teams=known.no_rows(known.TEAM_COLUMNS),
        venues=known.no_rows(known.VENUE_COLUMNS),
        team_stats=known.no_rows(known.TEAM_STAT_COLUMNS),
    )


def dated_facts(code: str) -> dict[str, pd.DataFrame]:
    """Return when what a sport's teams and venues are began to be true, by the field of Records.

    From the reviewed files: the tables `teams` and `venues` hold the present only, which no feature may read.
    """
    files = SIMULATED["NFL"] if code.startswith("SIM-") else code  # every simulated league has the same teams
    places_known = known_venues(files) or Venues(venues={})
    alignments, grounds = franchises(files).alignments(), places_known.grounds()
    teams = [str(derive_id("team", code, team)) for team in alignments["team"]]
    places = [str(derive_id("venue", venue)) for venue in grounds["venue"]]
    return {
        "alignments": known.frame_of(alignments.assign(team_id=teams), known.ALIGNMENT_COLUMNS),
        "grounds": known.frame_of(
            grounds.assign(venue_id=places).rename(columns={"since": "known_at"}), known.GROUND_COLUMNS
        ),
    }


def _boxes(connection: Connection, code: str, recorded_by: datetime | None) -> dict[str, pd.DataFrame]:
    """Return the box scores the sport's views read, by the field of Records they belong to."""
    views = sport(code).views
    team = tuple(dict.fromkeys(figure for view in views for figure in view.team_figures))
    player = tuple(dict.fromkeys(figure for view in views for figure in view.player_figures))
    return {
        "team_boxes": known.box_frame(
            box_records.team_boxes(connection, code, team, recorded_by) if team else None, known.TEAM_BOX_COLUMNS, team
        ),
        "player_boxes": known.box_frame(
            box_records.player_boxes(connection, code, player, recorded_by) if player else None,
            known.PLAYER_BOX_COLUMNS,
            player,
        ),
        "player_stats": known.frame_of(
            box_records.player_stats(connection, code, player, recorded_by), known.PLAYER_STAT_COLUMNS
        ),
    }
