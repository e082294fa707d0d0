"""Sports, teams, venues, seasons and sportsbooks: the things games and odds refer to."""

from datetime import datetime
from uuid import UUID

import pandas as pd
from sqlalchemy import Connection, select, update

from aipro_ml.db.copy import UpsertCount, insert_new, upsert
from aipro_ml.db.locks import wait_for
from aipro_ml.db.models.odds import Sportsbook
from aipro_ml.db.models.sports import Season, Sport, Team, Venue
from aipro_ml.errors import UsageError
from aipro_ml.identity import derive_id

_SPAN = ("name", "start_date", "end_date")


def sport_id(connection: Connection, code: str) -> UUID:
    """Return the id of the sport `code`; UsageError naming the stored ones where it has no data."""
    found = connection.scalar(select(Sport.id).where(Sport.code == code))
    if found is not None:
        return found
    known = sorted(connection.scalars(select(Sport.code)))
    stored = ", ".join(known) if known else "none"
    raise UsageError(f"no data of sport {code}: import it first (stored sports: {stored})")


def lock_sport(connection: Connection, code: str) -> None:
    """Wait for the exclusive right to import into the sport `code` until this transaction ends."""
    wait_for(connection, f"import {code}")


def save_sport(connection: Connection, code: str, name: str, now: datetime) -> int:
    """Store the sport if it is new; return the rows written."""
    row = pd.DataFrame({"id": [derive_id("sport", code)], "code": [code], "name": [name]})
    return insert_new(connection, Sport.__table__, row.assign(created_at=pd.Timestamp(now)))


def save_feature_count(connection: Connection, code: str, count: int) -> None:
    """Note how many features the sport has; written for readers, never read as a feature."""
    stale = (Sport.code == code) & Sport.feature_count.is_distinct_from(count)
    connection.execute(update(Sport).where(stale).values(feature_count=count))


def save_teams(connection: Connection, code: str, teams: pd.DataFrame, now: datetime) -> UpsertCount:
    """Store canonical teams (sources.base.TEAM_COLUMNS) of the sport `code`."""
    rows = pd.DataFrame(
        {
            "id": [derive_id("team", code, team) for team in teams["team"]],
            "sport_id": derive_id("sport", code),
            "external_id": teams["team"],
            **{name: teams[name] for name in ("name", "abbreviation", "city", "conference", "division")},
            "created_at": pd.Timestamp(now),
        }
    )
    changing = ("name", "abbreviation", "city", "conference", "division")
    return upsert(connection, Team.__table__, rows, key=("id",), update=changing)


def save_venues(connection: Connection, venues: pd.DataFrame, now: datetime) -> UpsertCount:
    """Store canonical venues (sources.base.VENUE_COLUMNS), which sports may share, in one order (see `save_books`)."""
    facts = [name for name in venues.columns if name != "venue"]
    rows = venues[facts].assign(
        id=[derive_id("venue", venue) for venue in venues["venue"]], created_at=pd.Timestamp(now)
    )
    ordered = rows.sort_values("id", key=lambda ids: ids.astype(str), kind="stable")
    return upsert(connection, Venue.__table__, ordered, key=("id",), update=facts)


def save_seasons(connection: Connection, code: str, seasons: pd.DataFrame, now: datetime) -> UpsertCount:
    """Store canonical seasons (sources.base.SEASON_COLUMNS); the latest of the sport is current.

    A stored season only grows: a source that knows fewer of its games does not shorten it, and its name stays.
    """
    if seasons.empty:
        return UpsertCount(0, 0)
    rows = pd.DataFrame(
        {
            "id": [derive_id("season", code, int(year)) for year in seasons["season"]],
            "sport_id": derive_id("sport", code),
            "year": seasons["season"],
            "name": seasons["name"],
            "start_date": seasons["start_date"].dt.date,
            "end_date": seasons["end_date"].dt.date,
            "created_at": pd.Timestamp(now),
        }
    )
    count = upsert(connection, Season.__table__, _grown(connection, rows), key=("id",), update=_SPAN)
    latest = select(Season.id).where(Season.sport_id == derive_id("sport", code))
    latest = latest.order_by(Season.year.desc()).limit(1)
    current = connection.scalar(latest)
    of_sport = Season.sport_id == derive_id("sport", code)
    is_current = Season.id == current
    wrong = of_sport & (Season.is_current != is_current)
    connection.execute(update(Season).where(wrong).values(is_current=is_current))
    return count


def _grown(connection: Connection, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of seasons with the stored name and the wider of both spans."""
    statement = select(Season.id, Season.name, Season.start_date, Season.end_date).where(
        Season.id.in_(list(rows["id"]))
    )
    stored = {row.id: row for row in connection.execute(statement)}
    told = [stored.get(key) for key in rows["id"]]
    return rows.assign(
        name=[new if old is None else old.name for new, old in zip(rows["name"], told, strict=True)],
        start_date=[
            new if old is None else min(new, old.start_date) for new, old in zip(rows["start_date"], told, strict=True)
        ],
        end_date=[
            new if old is None else max(new, old.end_date) for new, old in zip(rows["end_date"], told, strict=True)
        ],
    )


def save_books(connection: Connection, books: pd.DataFrame, now: datetime) -> int:
    """Store sportsbooks (columns name, is_sharp) that are new; return the rows written.

    In one order: two sports share them, and two imports that insert the same ones crosswise wait for each other.
    """
    rows = books.assign(id=[derive_id("sportsbook", name) for name in books["name"]], created_at=pd.Timestamp(now))
    return insert_new(connection, Sportsbook.__table__, rows.sort_values("name", kind="stable"))


def team_names(connection: Connection, code: str) -> dict[str, str]:
    """Return abbreviation by team id (text) of the sport."""
    rows = connection.execute(select(Team.id, Team.abbreviation).where(Team.sport_id == derive_id("sport", code)))
    return {str(key): name for key, name in rows}
