"""Looking at features: one game's with the facts behind them, and what differs between two moments or versions."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from aipro_ml.db.repositories import feature_store, feature_vectors, reference
from aipro_ml.enums import BetType
from aipro_ml.errors import StaleDataError, UsageError
from aipro_ml.features.build import MatrixRequest, decided_entities
from aipro_ml.features.history import History
from aipro_ml.features.rows import explained_row, feature_rows
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.vectors import set_name
from aipro_ml.times import iso_utc

_DAY_AND_TEAMS = re.compile(r"(\d{4}-\d{2}-\d{2})\s+(\S+?)\s*@\s*(\S+)")


@dataclass(frozen=True)
class ShownGame:
    """A game, its decision time, and its features: `features.rows.EXPLAINED_COLUMNS`."""

    game_id: str
    name: str
    kickoff: datetime
    as_of: datetime
    features: pd.DataFrame


def show_game(engine: Engine, code: str, game: str, as_of: datetime | None, now: datetime) -> ShownGame:
    """Return the features of one game at `as_of` (default: its decision time), with the time of each one's facts.

    `game`: an id, how it begins, or `2022-09-11 BAL@NYJ` (local day, away@home). StaleDataError for a moment that
    has not come; UsageError where `game` is not exactly one.
    """
    league, history = _loaded(engine, code)
    found = find_game(history, league, game)
    moment = _moment(history, league, found, as_of, now)
    scheduled = history.schedule([found], pd.Series({found: moment}))
    table = explained_row(found, moment, history, league)
    kickoff = scheduled["kickoff"].iloc[0].to_pydatetime()
    return ShownGame(found, _names(history, scheduled).iloc[0], kickoff, moment.to_pydatetime(), table)


def diff_game(
    engine: Engine, code: str, game: str, between: tuple[datetime, datetime | None], now: datetime
) -> pd.DataFrame:
    """Return what of a game's features differs between two moments: feature, before, after, change.

    The later moment is the game's decision time unless it is given.
    """
    league, history = _loaded(engine, code)
    found = find_game(history, league, game)
    moments = [_moment(history, league, found, moment, now) for moment in between]
    rows = feature_rows(pd.DataFrame({"game_id": found, "as_of": moments}), history, league)
    before, after = rows.iloc[0], rows.iloc[1]
    table = pd.DataFrame({"feature": rows.columns, "before": before.array, "after": after.array})
    table["change"] = table["after"] - table["before"]
    same = (table["before"] == table["after"]) | (table["before"].isna() & table["after"].isna())
    return table.loc[~same].reset_index(drop=True)


def diff_sets(engine: Engine, code: str, bet_type: BetType, versions: tuple[str | None, str | None]) -> pd.DataFrame:
    """Return what differs between two stored versions of a sport's set, one row a feature that does.

    Columns feature, rows (compared), changed, largest (absolute change) and first (the earliest changed game).
    `versions` are how they begin; by default the active one and the one before it. A feature only one version
    has says so in `first`.
    """
    league = sport(code)
    name = set_name(league, bet_type, league.columns())
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        sets = feature_store.sets_of(connection, league.code, bet_type.value, name)
        found = {each["version"]: each["id"] for each in sets}
        old, new = _versions(name, list(found), versions)
        before, after = (feature_vectors.vector_values(connection, found[version]) for version in (old, new))
    return _changed_columns(before, after)


def _versions(name: str, known: list[str], asked: tuple[str | None, str | None]) -> tuple[str, str]:
    chosen = []
    for begins, default in zip(asked, (1, 0), strict=True):
        fitting = [known[default]] if begins is None and len(known) > default else []
        fitting = fitting if begins is None else [version for version in known if version.startswith(begins)]
        if len(fitting) != 1:
            stored = ", ".join(version[:12] for version in known) or "none"
            raise UsageError(f"{name}: {begins or 'an earlier version'} is not one stored version ({stored})")
        chosen.append(fitting[0])
    return chosen[0], chosen[1]


def _changed_columns(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    keys = ["game_id", "as_of"]
    both = before.merge(after, on=keys, suffixes=("", " "))
    rows = []
    for name in [*before.columns.drop([*keys, "season"]), *after.columns.difference(before.columns)]:
        if name not in before or name not in after:
            rows.append((name, len(both), 0, np.nan, "only before" if name in before else "only after"))
            continue
        old, new = both[name].to_numpy(), both[f"{name} "].to_numpy()
        changed = ~((old == new) | (np.isnan(old) & np.isnan(new)))
        if changed.any():
            sizes = np.abs(new - old)[changed]
            largest = float(np.nanmax(sizes)) if not np.isnan(sizes).all() else np.nan
            rows.append((name, len(both), int(changed.sum()), largest, both["game_id"][changed].iloc[0]))
    return pd.DataFrame(rows, columns=["feature", "rows", "changed", "largest", "first"])


def find_game(history: History, league: Sport, reference_: str) -> str:
    """Return the id of the one game `reference_` names; UsageError with the candidates where it is not one."""
    schedule = history.latest_schedule()
    named = _DAY_AND_TEAMS.fullmatch(reference_.strip())
    if named is None:
        fitting = schedule.loc[schedule.index.str.startswith(reference_.strip().lower())]
        hint = "give the beginning of one id, or day and teams as in '2022-09-11 BAL@NYJ'; fitting"
        candidates = fitting
    else:
        local = schedule["kickoff"].dt.tz_convert(ZoneInfo(league.config.timezone)).dt.strftime("%Y-%m-%d")
        candidates = schedule.loc[local == named[1]]
        teams = candidates.assign(name=_names(history, candidates))["name"]
        fitting = candidates.loc[teams == f"{named[2].upper()}@{named[3].upper()}"]
        hint = f"the games of {named[1]} ({league.config.timezone})"
    if len(fitting) != 1:
        told = _names(history, candidates).head(20)
        listed = ", ".join(f"{name} {game[:8]}" for game, name in told.items()) or "none"
        count = f"{len(fitting)} games" if len(fitting) else "no game"
        raise UsageError(f"{reference_!r} names {count} of {league.code}; {hint}: {listed}")
    return str(fitting.index[0])


def _names(history: History, games: pd.DataFrame) -> pd.Series:
    team = history.teams()["abbreviation"]
    away, home = (games[f"{side}_team_id"].map(team) for side in ("away", "home"))
    return away + "@" + home


def _loaded(engine: Engine, code: str) -> tuple[Sport, History]:
    league = sport(code)
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        return league, History(load_records(connection, league.code))


def _moment(history: History, league: Sport, game: str, as_of: datetime | None, now: datetime) -> pd.Timestamp:
    if as_of is None:
        entities = decided_entities(history, league, MatrixRequest())
        if game not in entities.index:
            raise UsageError(f"game {game} was not known at its decision time: say --as-of")
        decided: pd.Timestamp = entities.loc[game, "as_of"]
        return min(decided, pd.Timestamp(now).as_unit("us"))
    if as_of > now:
        raise StaleDataError(f"as of {iso_utc(as_of)} lies in the future: what will be known then is not known yet")
    return pd.Timestamp(as_of).as_unit("us")
