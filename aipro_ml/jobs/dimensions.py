"""The warehouse's dimensions as frames: calendar days, teams and models through their changes."""

from collections.abc import Iterator, Sequence
from datetime import date

import pandas as pd

from aipro_ml.identity import derive_ids
from aipro_ml.sources.franchises import Franchise, Franchises
from aipro_ml.times import iso_utc

TEAM_FACTS = ["name", "abbreviation", "conference", "division"]


def date_rows(first: date, last: date) -> pd.DataFrame:
    """Return `dim_dates` of every day from the first of January of `first` to the end of the year of `last`."""
    days = pd.date_range(f"{first.year}-01-01", f"{last.year}-12-31", freq="D")
    iso = days.isocalendar()
    return pd.DataFrame(
        {
            "id": derive_ids("dim_date", days.strftime("%Y-%m-%d")),
            "date": days.date,
            **{name: getattr(days, name) for name in ("year", "quarter", "month", "day")},
            "iso_week": iso["week"].to_numpy("int64"),
            "weekday": iso["day"].to_numpy("int64"),
            "is_weekend": iso["day"].to_numpy("int64") >= 6,
        }
    )


def team_rows(teams: pd.DataFrame, seasons: pd.DataFrame, known: Franchises | None) -> pd.DataFrame:
    """Return `dim_teams` of one sport: a row for each span of seasons in which name and place of a team were the same.

    `teams`: team_id, sport_code, franchise and TEAM_FACTS of today; `seasons`: year and starts_at (UTC), by year.
    `known`: what the configuration dates of the franchises; without it there is one span. A span begins with its
    first season; the last one has no end.
    """
    rows = []
    for team in teams.to_dict("records"):
        franchise = None if known is None else known.teams.get(team["franchise"])
        rows += _spans({str(name): value for name, value in team.items()}, seasons, franchise)
    return pd.DataFrame(rows).assign(id=lambda frame: derive_ids("dim_team", frame["team_id"], _iso(frame)))


def _spans(team: dict[str, object], seasons: pd.DataFrame, franchise: Franchise | None) -> list[dict[str, object]]:
    spans: list[dict[str, object]] = []
    for year, starts_at in zip(seasons["year"], seasons["starts_at"], strict=True):
        facts = {name: team[name] for name in TEAM_FACTS} | (_then(franchise, int(year)) if franchise else {})
        if spans and all(spans[-1][name] == facts[name] for name in TEAM_FACTS):
            continue
        if spans:
            spans[-1] |= {"valid_to": starts_at, "is_current": False}
        base = {"team_id": team["team_id"], "sport_code": team["sport_code"], **facts}
        spans.append({**base, "valid_from": starts_at, "valid_to": None, "is_current": True})
    return spans


def _then(franchise: Franchise, season: int) -> dict[str, str]:
    """Return what the franchise was in a season that it is not today: name and code, conference and division.

    An alias that only begins another name of that season ("Los Angeles") is a spelling, not a name of its own.
    """
    found: dict[str, str] = {}
    aliases = [alias for alias in franchise.aliases if alias.first <= season <= alias.last]
    names = [franchise.name, *(alias.name for alias in aliases)]
    whole = [a for a in aliases if not any(n != a.name and n.lower().startswith(a.name.lower()) for n in names)]
    if whole:
        found |= {"name": whole[0].name, "abbreviation": whole[0].code[:10]}
    for span in franchise.earlier:
        if span.first <= season <= span.last:
            found |= {"conference": span.conference, "division": span.division}
    return found


def model_rows(stored: pd.DataFrame, champions: pd.DataFrame) -> pd.DataFrame:
    """Return `dim_models`: a row for each span in which a model was, or was not, in production.

    `stored`: model_id, sport_code, bet_type, framework, version and created_at. `champions`: model_id, sport_code,
    bet_type and decided_at of each model that came into production, in the order of the decisions.
    """
    rows = [row for model in stored.to_dict("records") for row in _standings(model, champions)]
    if not rows:
        return pd.DataFrame()
    return pd.DataFrame(rows).assign(id=lambda frame: derive_ids("dim_model", frame["model_id"], _iso(frame)))


def _standings(model: dict[str, object], champions: pd.DataFrame) -> Iterator[dict[str, object]]:
    peers = champions[(champions["sport_code"] == model["sport_code"]) & (champions["bet_type"] == model["bet_type"])]
    changes = [(model["created_at"], False)]
    for champion, decided_at in zip(peers["model_id"], peers["decided_at"], strict=True):
        stands = champion == model["model_id"]
        if stands != changes[-1][1]:
            changes.append((decided_at, stands))
    named = {name: model[name] for name in ("model_id", "sport_code", "bet_type", "framework", "version")}
    for number, (since, stands) in enumerate(changes):
        until = changes[number + 1][0] if number + 1 < len(changes) else None
        if until != since:
            span = {"valid_from": since, "valid_to": until, "is_current": until is None}
            yield {**named, "is_production": stands, **span}


def _iso(frame: pd.DataFrame) -> Sequence[str]:
    return [iso_utc(pd.Timestamp(value).to_pydatetime()) for value in frame["valid_from"]]
