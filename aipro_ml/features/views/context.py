"""Context: where in the season, which rivals, what ground and hour, and how far the visitors came."""

import numpy as np
import pandas as pd

from aipro_ml.config import SportConfig
from aipro_ml.enums import SeasonType
from aipro_ml.features.asof import asof_join, asof_sides, counted, rolling_before
from aipro_ml.features.history import History
from aipro_ml.features.places import distance_km, utc_offset
from aipro_ml.features.places import hour as utc_hour
from aipro_ml.features.view import FeatureView

COLUMNS = (
    "season_day",
    "week",
    "games_played",
    "same_division",
    "same_conference",
    "neutral",
    "postseason",
    "primetime",
    "dome",
    "artificial_turf",
    "travel_km_diff",
    "time_zone_shift",
    "west_to_east_early",
    "head_to_head",
)
PRIMETIME_HOUR, EARLY_HOUR = 19, 14
MEETINGS = 3


def compute(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    """Return COLUMNS; missing where a venue, division or home ground is not known.

    `travel_km_diff`: how much farther the away team is from its home ground than the home team is.
    `time_zone_shift`: hours the away team's clock is put forward (east positive). `head_to_head`: mean home
    margin of the last three meetings, shrunk by three meetings of zero.
    """
    parts = [
        _season(entities, history),
        _rivalry(entities, history),
        _ground(entities, history),
        _travel(entities, history, config),
        _meetings(entities, history),
    ]
    return pd.concat(parts, axis=1)[list(COLUMNS)]


def _season(entities: pd.DataFrame, history: History) -> pd.DataFrame:
    start = asof_join(entities, history.season_starts(), ["season"], ["first_kickoff"])["first_kickoff"]
    games = history.team_games()[["team_id", "season", "known_at"]]
    games["played"] = counted(games, ["team_id", "season"])
    home, away = (
        side["played"].where(side["season"] == entities["season"], 0.0).astype("float64")
        for side in asof_sides(entities, games, ["season", "played"])
    )
    return pd.DataFrame(
        {
            "season_day": (entities["kickoff"] - start) / pd.Timedelta(days=1),
            "week": entities["week"],
            "games_played": np.minimum(home, away),
            "postseason": (entities["season_type"] == SeasonType.POSTSEASON.value).astype("float64"),
            "neutral": entities["neutral_site"].astype("float64"),
        }
    )


def _rivalry(entities: pd.DataFrame, history: History) -> pd.DataFrame:
    sides = [history.alignment(entities, side) for side in ("home", "away")]
    frame = {}
    for name in ("conference", "division"):
        home, away = (side[name].to_numpy(object) for side in sides)
        known = pd.notna(home) & pd.notna(away) & (home != "") & (away != "")
        frame[f"same_{name}"] = np.where(known, (home == away).astype("float64"), np.nan)
    # two conferences may name their divisions alike (East, West): the same division needs the same conference
    frame["same_division"] = np.where(frame["same_conference"] == 0, 0.0, frame["same_division"])
    return pd.DataFrame(frame, index=entities.index)


def _ground(entities: pd.DataFrame, history: History) -> pd.DataFrame:
    ground = history.grounds(entities)
    surface = ground["surface_type"].to_numpy(object)
    known = pd.notna(surface) & (surface != "")
    grass = np.array(["grass" in str(name).lower() for name in surface], dtype=bool)
    dome = ground["is_dome"].map({True: 1.0, False: 0.0}).to_numpy("float64")
    turf = np.where(known, (~grass).astype("float64"), np.nan)
    return pd.DataFrame({"dome": dome, "artificial_turf": turf}, index=entities.index)


def _travel(entities: pd.DataFrame, history: History, config: SportConfig) -> pd.DataFrame:
    # a team's home ground is where it last played at home; it moves when the team does
    games = history.team_games()
    at_home = games.loc[games["is_home"] & ~games["neutral_site"] & (games["venue_id"] != "")]
    venues, here = history.venues(), history.venues().reindex(entities["venue_id"])
    home, away = (venues.reindex(side["venue_id"]) for side in asof_sides(entities, at_home, ["venue_id"]))
    kickoff = entities["kickoff"]
    local = utc_offset(here["timezone"], kickoff)
    shift = local - utc_offset(away["timezone"], kickoff)
    hour = utc_hour(kickoff)
    local_hour = (hour + local) % 24
    league_hour = (hour + utc_offset(pd.Series(config.timezone, index=entities.index), kickoff)) % 24
    early = (shift >= 2) & (local_hour < EARLY_HOUR)
    return pd.DataFrame(
        {
            "travel_km_diff": distance_km(away, here) - distance_km(home, here),
            "time_zone_shift": shift,
            "west_to_east_early": np.where(np.isnan(shift), np.nan, early),
            "primetime": (league_hour >= PRIMETIME_HOUR).astype("float64"),
        },
        index=entities.index,
    )


def _meetings(entities: pd.DataFrame, history: History) -> pd.DataFrame:
    events = history.team_games()
    events["margin_last3"] = rolling_before(events, "margin", MEETINGS, ["team_id", "opponent_id"])
    events["met"] = counted(events, ["team_id", "opponent_id"]).clip(upper=MEETINGS)
    left = entities[["as_of"]].assign(team_id=entities["home_team_id"], opponent_id=entities["away_team_id"])
    last = asof_join(left, events, ["team_id", "opponent_id"], ["margin_last3", "met"])
    shrunk = last["margin_last3"] * last["met"] / (last["met"] + MEETINGS)
    return pd.DataFrame({"head_to_head": shrunk.fillna(0.0)})


VIEW = FeatureView("context", COLUMNS, compute)
