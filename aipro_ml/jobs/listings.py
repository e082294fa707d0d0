"""Listings of runs, predictions, explanations and the ledger."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from aipro_ml.config import Settings
from aipro_ml.db.repositories import feature_store, games, models, predictions, reference
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.features.definition import view_hash
from aipro_ml.features.sport import sport
from aipro_ml.files import is_disk_s_fault
from aipro_ml.inference.ledger import Fault, Head, verify
from aipro_ml.jobs.database import opened

PRODUCTION = "production"
_EVER = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Listed:
    """Which predictions to list: of games on the local days `since` to `until` (inclusive), the latest `limit`.

    Those of the production models only; with `shadow` those of other models too, with `model` (how its id begins) only
    that one's, whatever it was.
    """

    since: date | None = None
    until: date | None = None
    limit: int = 60
    model: str | None = None
    shadow: bool = False


def list_predictions(settings: Settings, code: str, asked: Listed) -> list[dict[str, Any]]:
    """Return published predictions, in order of kick-off, with `model` and its `role` (production or shadow).

    AiproError where a model is named that the sport has not.
    """
    league = sport(code)
    zone = ZoneInfo(league.config.timezone)
    first = _EVER[0] if asked.since is None else datetime.combine(asked.since, time(), zone)
    last = _EVER[1] if asked.until is None else datetime.combine(asked.until + timedelta(days=1), time(), zone)
    with opened(settings) as engine, engine.connect() as connection:
        frame = predictions.list_predictions(connection, league.code, first, last)
        known = [str(each.id) for each in models.list_models(connection, league.code)] if asked.model else []
    if asked.model is not None:
        wanted = asked.model.lower()
        if not any(each.startswith(wanted) for each in known):
            raise AiproError(
                f"no such model: none of {league.code} begins with {asked.model!r}; see `aipro model list`"
            )
        frame = frame[frame["model"].str.startswith(wanted)]
    elif not asked.shadow:
        frame = frame[frame["role"] == PRODUCTION]
    shown = frame.assign(id=frame["id"].str[:8], model=frame["model"].str[:8])
    return [{str(k): v for k, v in row.items()} for row in shown.tail(asked.limit).to_dict("records")]


def list_runs(settings: Settings, code: str, limit: int) -> list[dict[str, object]]:
    """Return the latest prediction runs of the sport."""
    league = sport(code)
    with opened(settings) as engine, engine.connect() as connection:
        return predictions.list_runs(connection, league.code, limit)


def list_games(settings: Settings, code: str, season: int | None, week: int | None) -> list[dict[str, Any]]:
    """Return the games of a season (default: the latest) with teams and scores."""
    league = sport(code)
    with opened(settings) as engine, engine.connect() as connection:
        reference.sport_id(connection, league.code)
        frame = games.schedule(connection, league.code)
        names = reference.team_names(connection, league.code)
    year = frame["season"].max() if season is None else season
    frame = _of_week(_of_season(frame, league.code, year), f"{league.code} {year}", week)
    frame["home"], frame["away"] = frame["home_team_id"].map(names), frame["away_team_id"].map(names)
    shown = frame[["game_id", "season", "week", "kickoff", "away", "home", "away_score", "home_score", "status"]]
    return [{str(k): v for k, v in row.items()} for row in shown.to_dict("records")]


def _of_season(frame: pd.DataFrame, code: str, season: int) -> pd.DataFrame:
    found = frame[frame["season"] == season]
    if found.empty:
        stored = ", ".join(str(year) for year in sorted(set(frame["season"])))
        raise UsageError(f"no games of {code} {season} are stored; stored seasons: {stored or 'none'}")
    return found


def _of_week(frame: pd.DataFrame, named: str, week: int | None) -> pd.DataFrame:
    """Return the games of the week; UsageError where the season has no such week, or no weeks at all."""
    if week is None:
        return frame
    weeks = sorted(set(frame["week"].dropna().astype(int)))
    if not weeks:
        raise UsageError(f"{named}: its games are not counted in weeks: leave --week out")
    if week not in weeks:
        raise UsageError(f"{named} has no week {week}: its games stand in weeks {weeks[0]} to {weeks[-1]}")
    return frame[frame["week"] == week]


def explanation(settings: Settings, reference_: str) -> list[dict[str, Any]]:
    """Return the explanation rows of the one prediction whose id begins so; UsageError where it is not one."""
    with opened(settings) as engine, engine.connect() as connection:
        frame = predictions.explanation_of(connection, reference_)
    found = frame["prediction_id"].nunique()
    if found != 1:
        raise UsageError(f"{found} predictions begin with {reference_!r}: see `aipro predict list`")
    return [{str(k): v for k, v in row.items()} for row in frame.drop(columns="prediction_id").to_dict("records")]


def plot_explanation(settings: Settings, reference_: str, rows: list[dict[str, Any]], path: Path) -> Path:
    """Draw the explanation `rows` of the prediction whose id begins so; UsageError where `path` cannot be written."""
    from aipro_ml.inference.waterfall import waterfall

    with opened(settings) as engine, engine.connect() as connection:
        title = predictions.title_of(connection, reference_)
    try:
        return waterfall(path, rows, title=title)
    except (OSError, ValueError) as error:
        if is_disk_s_fault(error):
            raise
        raise UsageError(f"{path}: cannot be drawn ({str(error).splitlines()[0]})") from error


def verify_ledger(settings: Settings, head: Head | None) -> tuple[int, Head | None, list[Fault]]:
    """Return (rows, head, faults) of the ledger: every hash recomputed from its row, every link followed."""
    with opened(settings) as engine, engine.connect() as connection:
        rows = predictions.ledger_rows(connection)
        now = predictions.ledger_head(connection)
    return len(rows), None if now is None else Head(*now), verify(rows, head)


def list_feature_sets(settings: Settings) -> list[dict[str, Any]]:
    """Return every feature set with its stored vectors."""
    with opened(settings) as engine, engine.connect() as connection:
        frame = feature_store.list_sets(connection)
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def list_stored_views(settings: Settings, code: str) -> list[dict[str, Any]]:
    """Return every stored version of the sport's views; `is_current`: it is what the code computes now."""
    league = sport(code)
    now = {(view.name, view_hash(view)) for view in league.views}
    with opened(settings) as engine, engine.connect() as connection:
        reference.sport_id(connection, league.code)
        frame = feature_store.list_views(connection, league.code)
    return [
        {**row, "version": row["version"][:12], "is_current": (row["view"], row["version"]) in now}
        for row in ({str(k): v for k, v in each.items()} for each in frame.to_dict("records"))
    ]


def list_ratings(settings: Settings, code: str, moment: datetime) -> list[dict[str, Any]]:
    """Return the Elo rating of each team as known at a moment, the best first, with its rank."""
    league = sport(code)
    with opened(settings) as engine, engine.connect() as connection:
        reference.sport_id(connection, league.code)
        frame = feature_store.ratings_at(connection, league.code, moment)
    frame.insert(0, "rank", frame["rating"].rank(method="min", ascending=False).astype("int64"))
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
