"""Which stored game a box score belongs to: by season, week and teams, or by day and teams; never guessed.

A schedule here is a frame of games with `game season week kickoff home away home_score away_score`: canonical games of
a source (GAME_COLUMNS), or the stored ones under their identifiers.
"""

from zoneinfo import ZoneInfo

import pandas as pd

from aipro_ml.sources.checks import FindingLog

FIRST = "import the schedule and results of this season first"


def both_sides(schedule: pd.DataFrame) -> pd.DataFrame:
    """Return two rows a game, one of each team's view: season, week, game, team, opponent, points, is_home."""
    sides = []
    for mine, other in (("home", "away"), ("away", "home")):
        names = {mine: "team", other: "opponent", f"{mine}_score": "points_for", f"{other}_score": "points_against"}
        columns = ["season", "week", "game", *names]
        sides.append(schedule[columns].rename(columns=names).assign(is_home=mine == "home"))
    return pd.concat(sides, ignore_index=True).drop_duplicates(["season", "week", "team", "opponent"])


def reject_lost(lost: pd.Series, wanted: pd.DataFrame, schedule: pd.DataFrame, log: FindingLog) -> None:
    """Reject rows whose game the schedule lacks, each with the nearest games it has.

    `wanted` (season, week, team, opponent) stands on the rows' index.
    """
    rows = wanted.loc[lost.fillna(False).astype(bool)]
    texts = [
        f"{season} week {week}: {team} against {opponent}"
        for season, week, team, opponent in rows[["season", "week", "team", "opponent"]].itertuples(index=False)
    ]
    told = pd.Series(texts, index=rows.index, name="team", dtype="object")
    near = {text: _nearest_by_week(row, schedule) for text, row in zip(texts, rows.to_dict("records"), strict=True)}
    cells = told.reindex(lost.index).rename("team")
    log.reject(lost, cells, "no_such_game", lambda text: f"the schedule has no such game; {near.get(text, FIRST)}")


def _nearest_by_week(row: dict[str, object], schedule: pd.DataFrame) -> str:
    """Return the season's other games of the pair, or else what the team plays in that week."""
    season = schedule.loc[schedule["season"] == row["season"]]
    pair = {row["team"], row["opponent"]}
    found = season.loc[season["home"].isin(pair) & season["away"].isin(pair)]
    if found.empty:
        mine = (season["home"] == row["team"]) | (season["away"] == row["team"])
        found = season.loc[mine & (season["week"] == row["week"])]
    return _listed(found)


def by_day(wanted: pd.DataFrame, schedule: pd.DataFrame, zone: ZoneInfo) -> pd.Series:
    """Return the game of each row of `wanted` (season, day, team, opponent; days without zone), NA where none.

    A game is found by the day of its kick-off in the sport's `zone` and its two teams, whoever is at home; two games of
    a pair on one day are told apart by nothing here, so neither is taken.
    """
    days = schedule["kickoff"].dt.tz_convert(zone).dt.tz_localize(None).dt.floor("D")
    keys = _pair_key(schedule["season"], days, schedule["home"], schedule["away"])
    known = pd.Series(schedule["game"].array, index=pd.Index(keys, dtype=object))
    known = known.loc[~known.index.duplicated(keep=False)]
    asked = _pair_key(wanted["season"], wanted["day"], wanted["team"], wanted["opponent"])
    return pd.Series(known.reindex(asked).array, index=wanted.index, dtype="string")


def nearest_by_day(row: dict[str, object], schedule: pd.DataFrame) -> str:
    """Return the pair's games within a week of the day, or else the team's games within two days of it."""
    day = pd.Timestamp(str(row["day"])).tz_localize("UTC")
    away = (schedule["kickoff"] - day).abs()
    pair = {row["team"], row["opponent"]}
    either = schedule["home"].isin(pair), schedule["away"].isin(pair)
    found = schedule.loc[either[0] & either[1] & (away <= pd.Timedelta(days=7))]
    if found.empty:
        found = schedule.loc[(either[0] | either[1]) & (away <= pd.Timedelta(days=2))]
    return _listed(found)


def _pair_key(season: pd.Series, day: pd.Series, first: pd.Series, second: pd.Series) -> list[object]:
    rows = zip(season, day, first, second, strict=True)
    return [
        None if pd.isna(a) or pd.isna(b) or pd.isna(s) or pd.isna(d) else (int(s), d, *sorted((str(a), str(b))))
        for s, d, a, b in rows
    ]


def _listed(games: pd.DataFrame) -> str:
    """Return up to three games as text; how to get any where there are none."""
    if games.empty:
        return FIRST
    rows = games.sort_values("kickoff", kind="stable").head(3)
    told = [
        f"{away}@{home} {kickoff:%Y-%m-%d}"
        for away, home, kickoff in rows[["away", "home", "kickoff"]].itertuples(index=False)
    ]
    return f"nearest: {', '.join(told)}"
