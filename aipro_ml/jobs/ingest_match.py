"""Matching: which stored game each game of a source is, by teams, sides and nearness in time; never by a guess."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aipro_ml.enums import GameStatus

NEAR_HOURS = 36
"""Two kick-offs further apart than this are two games, unless one week or one day holds them both."""

FINGERPRINT_DAYS, FINGERPRINT_POINTS = 60, 60
"""A score of so many points is not repeated by the same teams on the same ground within so many days."""

LASTS = pd.Timedelta(hours=3)
"""How long a game lasts, where nobody says."""

CROSSWALK, IDENTITY, WEEK, DAY, NEAR, SCORE = range(6)
"""How two rows are known to be one game, the surest first."""

AMBIGUOUS, SIDES = "ambiguous_game", "sides_differ"
_RANK = ["tier", "conflict", "gap", "number_differs"]


@dataclass(frozen=True)
class Matches:
    """What became of each incoming game, on the incoming index.

    `game_id`: the stored game it is, NA for none; `swapped`: the two name the sides the other way round;
    `problem`: why it may not land (AMBIGUOUS, SIDES), "" where it may; `candidates`: the stored games it could be.
    """

    game_id: pd.Series
    swapped: pd.Series
    problem: pd.Series
    candidates: pd.Series


def match_games(
    incoming: pd.DataFrame, stored: pd.DataFrame, crosswalk: pd.Series, zone: ZoneInfo, lasts: pd.Timedelta = LASTS
) -> Matches:
    """Return which of the `stored` games each `incoming` one is, one to one.

    `incoming`: GAME_COLUMNS plus own_id (the id its own identity gives). `stored`: game_id, season, season_type,
    week, game_number, kickoff, kickoff_estimated, home, away, neutral_site, status, home_score, away_score.
    `crosswalk`: stored game_id by the source's own id. `zone` has the sport's days, `lasts` is how long its games last.
    """
    found = _candidates(incoming, stored, crosswalk, zone, lasts)
    allowed = found.loc[found["sides_fit"] & (found["tier"] >= 0)]
    chosen, doubtful = _assigned(allowed)
    taken = dict(zip(chosen["i"], chosen["game_id"], strict=True))
    game_id = pd.Series([taken.get(i) for i in range(len(incoming))], index=incoming.index, dtype="string")
    turned = set(chosen.loc[chosen["is_swapped"], "i"])
    wrong_way = set(found.loc[~found["sides_fit"] & found["tier"].between(CROSSWALK, DAY), "i"]) - set(taken)
    problem = [AMBIGUOUS if i in doubtful else SIDES if i in wrong_way else "" for i in range(len(incoming))]
    named = allowed.groupby("i")["shown"].agg(", ".join)
    return Matches(
        game_id=game_id,
        swapped=pd.Series([i in turned for i in range(len(incoming))], index=incoming.index, dtype=bool),
        problem=pd.Series(problem, index=incoming.index, dtype="string"),
        candidates=pd.Series(named.reindex(range(len(incoming))).to_numpy(), index=incoming.index, dtype=object),
    )


def _candidates(
    incoming: pd.DataFrame, stored: pd.DataFrame, crosswalk: pd.Series, zone: ZoneInfo, lasts: pd.Timedelta
) -> pd.DataFrame:
    """Return every pair of an incoming and a stored game of the same teams and season, with how near they are."""
    left = _side(incoming, zone).assign(i=range(len(incoming)), own=incoming["own_id"].astype(str).to_numpy())
    left["crossed"] = incoming["external_id"].map(crosswalk).astype(object).to_numpy()
    left["counted"] = (incoming["external_id"] != incoming["game"]).fillna(False).to_numpy(bool)
    right = _side(stored, zone).assign(s=range(len(stored)), game_id=stored["game_id"].astype(str).to_numpy())
    both = left.merge(right, on=["season", "pair"], suffixes=("", "_stored"))
    both["is_swapped"] = both["home"] != both["home_stored"]
    both["sides_fit"] = ~both["is_swapped"] | both["neutral"] | both["neutral_stored"]
    both["conflict"] = _scores_differ(both)
    timed = ~both["estimated"] & ~both["estimated_stored"]
    apart = (both["kickoff"] - both["kickoff_stored"]).abs()
    days = (both["day"] - both["day_stored"]).abs() / pd.Timedelta(days=1)
    both["gap"] = np.where(timed, apart / pd.Timedelta(hours=1), days * 24.0)
    near = np.where(timed, both["gap"] <= NEAR_HOURS, days <= 1) & ~both["conflict"]
    week = both["week"].notna() & (both["week"] == both["week_stored"]) & (both["kind"] == both["kind_stored"])
    crossed = both["crossed"] == both["game_id"]
    # a source that numbers its games has two of them here, one after the other: a doubleheader, a series
    other = both["counted"] & ~crossed & both["game_id"].isin(set(crosswalk)) & timed & (apart > lasts)
    own, same_day = both["own"] == both["game_id"], days == 0
    ways = [crossed, own & ~other, week, same_day & ~other, near & ~other, _same_score(both, days)]
    both["tier"] = np.select(ways, range(len(ways)), default=-1)
    both["number_differs"] = _number_differs(both)
    both["shown"] = both["game_id"] + " (" + both["kickoff_stored"].dt.strftime("%Y-%m-%d %H:%MZ") + ")"
    return both


def _side(games: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    home, away = games["home"].astype(object), games["away"].astype(object)
    pair = np.where(home < away, home + "|" + away, away + "|" + home)
    final = games["status"].eq(GameStatus.FINAL.value).fillna(False).to_numpy(bool)
    return pd.DataFrame(
        {
            "season": games["season"].astype("int64").to_numpy(),
            "pair": pair,
            "home": home.to_numpy(),
            "kickoff": games["kickoff"].array,
            "day": games["kickoff"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize().to_numpy(),
            "estimated": games["kickoff_estimated"].fillna(False).to_numpy(bool),
            "neutral": games["neutral_site"].fillna(False).to_numpy(bool),
            "week": games["week"].to_numpy("float64", na_value=np.nan),
            "kind": games["season_type"].astype(object).to_numpy(),
            "number": games["game_number"].to_numpy("float64", na_value=1.0),
            "home_score": np.where(final, games["home_score"].to_numpy("float64", na_value=np.nan), np.nan),
            "away_score": np.where(final, games["away_score"].to_numpy("float64", na_value=np.nan), np.nan),
        }
    )


def _scores_differ(both: pd.DataFrame) -> pd.Series:
    """Return where two final scores contradict each other, each read from the same side."""
    home = both["home_score_stored"].where(~both["is_swapped"], both["away_score_stored"])
    away = both["away_score_stored"].where(~both["is_swapped"], both["home_score_stored"])
    known = both["home_score"].notna() & home.notna()
    return known & ((both["home_score"] != home) | (both["away_score"] != away))


def _same_score(both: pd.DataFrame, days: pd.Series) -> pd.Series:
    """Return where two finished games have one high score: a postponed game, told under its first day."""
    known = both["home_score"].notna() & both["home_score_stored"].notna() & ~both["conflict"]
    high = both["home_score"] + both["away_score"] >= FINGERPRINT_POINTS
    return known & high & ~both["is_swapped"] & (days <= FINGERPRINT_DAYS)


def _number_differs(both: pd.DataFrame) -> pd.Series:
    """Return where the games' numbers within their day differ; numbers count where both know as many games."""
    key = ["season", "pair", "day", "day_stored"]
    games = [both.groupby(key)[name].transform("nunique") for name in ("i", "s")]
    return (games[0] == games[1]) & (both["number"] != both["number_stored"])


def _assigned(allowed: pd.DataFrame) -> tuple[pd.DataFrame, set[int]]:
    """Return the pairs chosen, the nearest first, and the incoming games that two stored ones fit equally well."""
    ranked = allowed.sort_values([*_RANK, "i", "s"], kind="stable")
    alike = pd.Series(ranked.groupby(_RANK).ngroup(), index=ranked.index)
    lone = ~ranked.assign(alike=alike).duplicated(["alike", "i"], keep=False)
    lone &= ~ranked.assign(alike=alike).duplicated(["alike", "s"], keep=False)
    rows = list(zip(ranked["i"], ranked["s"], alike, lone, strict=True))
    rivals: dict[tuple[str, int, int], list[int]] = {}
    for place, (i, s, rank, alone) in enumerate(rows):
        if not alone:
            rivals.setdefault(("i", rank, i), []).append(place)
            rivals.setdefault(("s", rank, s), []).append(place)
    chosen, taken_i, taken_s, doubtful = [], set(), set(), set()
    for place, (i, s, rank, alone) in enumerate(rows):
        if i in taken_i or i in doubtful or s in taken_s:
            continue
        near = [] if alone else {*rivals["i", rank, i], *rivals["s", rank, s]} - {place}
        open_still = [rows[p] for p in near if rows[p][0] not in taken_i and rows[p][1] not in taken_s]
        if open_still:
            doubtful |= {i, *(row[0] for row in open_still)}
            continue
        chosen.append(place)
        taken_i.add(i)
        taken_s.add(s)
    return ranked.iloc[chosen], doubtful
