"""Generated seasons written as their sources write them: the NHL's results and daily lines, MLB's answers of an API.

`python -m benchmarks.league_files NHL folder` writes them. The leagues are those of the simulation under the real
teams' names; who reads the files cannot tell.
"""

import argparse
import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from aipro_ml.sources.franchises import Franchises, franchises
from aipro_ml.sources.synthetic import dated
from aipro_ml.sources.synthetic_leagues import RULES, play
from aipro_ml.sources.synthetic_market import bookmakers, quote_paths

LAST_SEASON = {"NHL": 2018, "MLB": 2019}
"""The calendars of these years have no gap a generated season would fall into."""

MOST_SEASONS = {"NHL": 6, "MLB": 8}
SHOWN = pd.Timedelta(hours=36)
"""A snapshot shows the games that begin within this time."""

SNAPSHOTS = {"NHL": ("17:00",), "MLB": ("16:00", "22:30")}
BOOKS = {"Sim Book 1": "pinnacle", "Sim Book 2": "betmgm"}
EASTERN = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class LeagueFiles:
    """What was written: result files, the folder of odds, and how many games and snapshots they hold."""

    results: tuple[Path, ...]
    odds: Path
    games: int
    snapshots: int


def generate_files(sport: str, folder: Path, seasons: int, seed: int, rounds: int | None = None) -> LeagueFiles:
    """Write `seasons` generated seasons of the NHL or MLB in their sources' layouts into `folder`.

    NHL: `results/` as hockey-reference.com lists a season, `odds/` one CSV a day as collected from The Odds API at
    17:00 UTC. MLB: `results/` The Odds API's scores, `odds/` its historical snapshots at 16:00 and 22:30 UTC. `rounds`:
    only so many of each season. The same arguments give the same bytes.
    """
    if sport not in LAST_SEASON or not 1 <= seasons <= MOST_SEASONS.get(sport, 0):
        raise SystemExit(f"NHL (1 to {MOST_SEASONS['NHL']} seasons) or MLB (1 to {MOST_SEASONS['MLB']}), please")
    last, rules = LAST_SEASON[sport], RULES[sport]
    rules = replace(rules, rounds=rounds or rules.rounds)
    teams = franchises(sport)
    games = play(rules, seed, range(last - seasons + 1, last + 1))
    games = dated(games, np.array(sorted(teams.teams), dtype=object), ZoneInfo(rules.zone))
    quotes = quote_paths(np.random.default_rng([seed, 1]), games, bookmakers(len(BOOKS)), rules.market)
    games = games.assign(
        id=[hashlib.md5(key.encode(), usedforsecurity=False).hexdigest() for key in games["game"]],
        home_name=_names(teams, games, "home"),
        away_name=_names(teams, games, "away"),
    )
    for name in ("results", "odds"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_results, write_odds = WRITERS[sport]
    results = tuple(
        write_results(folder / "results", int(season), part) for season, part in games.groupby("season", sort=True)
    )
    count = sum(write_odds(folder / "odds", moment, shown) for moment, shown in _snapshots(sport, games, quotes))
    return LeagueFiles(results, folder / "odds", len(games), count)


def _names(teams: Franchises, games: pd.DataFrame, side: str) -> list[str]:
    """Return what each team was called in the season of its game."""
    return [_name(teams, code, season) for code, season in zip(games[side], games["season"], strict=True)]


def _name(teams: Franchises, code: str, season: int) -> str:
    then = (alias.name for alias in teams.teams[code].aliases if alias.first <= season <= alias.last)
    return next(then, teams.teams[code].name)


def _snapshots(sport: str, games: pd.DataFrame, quotes: pd.DataFrame) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
    """Yield (moment, the offers of the games ahead then): one row a game and book, the last quote of each side."""
    wide = _wide(games, quotes)
    days = pd.to_datetime(np.unique(wide["kickoff"].dt.floor("D")), utc=True)
    for day in days:
        near = wide.loc[(wide["kickoff"] > day) & (wide["kickoff"] <= day + 2 * SHOWN)]
        for clock in SNAPSHOTS[sport]:
            moment = day + pd.Timedelta(f"{clock}:00")
            ahead = near["kickoff"].between(moment, moment + SHOWN, inclusive="right")
            shown = near.loc[ahead & (near["recorded_at"] <= moment)]
            shown = shown.sort_values(["kickoff", "id", "book", "recorded_at"], kind="stable")
            if len(shown):
                yield moment, shown.drop_duplicates(["id", "book"], keep="last")


def _wide(games: pd.DataFrame, quotes: pd.DataFrame) -> pd.DataFrame:
    """Return one row a game, book and time of quoting, with the line and price of every side."""
    side = quotes["market"] + "_" + quotes["selection"]
    keys = ["game", "book", "recorded_at"]
    table = quotes.assign(side=side).set_index([*keys, "side"])[["line", "price"]].unstack("side")
    table.columns = [f"{name}_{what}" for what, name in table.columns]
    facts = games[["game", "id", "kickoff", "home_name", "away_name", "season"]]
    return table.reset_index().merge(facts, on="game").assign(book=lambda rows: rows["book"].map(BOOKS))


def _hockey_results(folder: Path, season: int, games: pd.DataFrame) -> Path:
    path = folder / f"nhl_schedule_{season + 1}.csv"
    wall = games["kickoff"].dt.tz_convert(EASTERN)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["Date", "Time", "Visitor", "G", "Home", "G", "", "Att.", "LOG", "Notes"])
        for row, at in zip(games.itertuples(), wall, strict=True):
            # a third of what goes beyond sixty minutes ends in a shootout
            decided = "" if not row.overtime else "SO" if int(row.id[:2], 16) < 85 else "OT"
            clock = at.strftime("%I:%M %p").lstrip("0")
            teams = [row.away_name, row.away_score, row.home_name, row.home_score]
            writer.writerow([at.date(), clock, *teams, decided, 17000, "2:31", ""])
    return path


DAY_HEADER = (
    "date", "sport", "game_id", "commence_time", "home_team", "away_team", "bookmaker", "ml_home", "ml_away",
    "spread_home", "spread_home_odds", "spread_away", "spread_away_odds", "total_line", "total_over_odds",
    "total_under_odds",
)  # fmt: skip
DAY_COLUMNS = (
    "moneyline_home_price", "moneyline_away_price", "spread_home_line", "spread_home_price", "spread_away_line",
    "spread_away_price", "total_over_line", "total_over_price", "total_under_price",
)  # fmt: skip


def _hockey_odds(folder: Path, moment: pd.Timestamp, shown: pd.DataFrame) -> int:
    with (folder / f"odds_{moment.date()}.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(DAY_HEADER)
        for row in shown.to_dict("records"):
            facts = [row["id"], _utc(row["kickoff"]), row["home_name"], row["away_name"], row["book"]]
            writer.writerow([moment.date(), "NHL", *facts, *(_plain(row[name]) for name in DAY_COLUMNS)])
    return 1


def _baseball_results(folder: Path, season: int, games: pd.DataFrame) -> Path:
    path = folder / f"mlb_scores_{season}.json"
    events = [
        {
            **_event(row),
            "completed": True,
            "scores": [
                {"name": row["home_name"], "score": str(row["home_score"])},
                {"name": row["away_name"], "score": str(row["away_score"])},
            ],
            "last_update": _utc(row["kickoff"] + pd.Timedelta(hours=4)),
        }
        for row in games.to_dict("records")
    ]
    path.write_text(json.dumps(events), encoding="utf-8")
    return path


def _baseball_odds(folder: Path, moment: pd.Timestamp, shown: pd.DataFrame) -> int:
    events = []
    for _, rows in shown.groupby("id", sort=False):
        books = [_book(row) for row in rows.to_dict("records")]
        events.append({**_event(rows.iloc[0].to_dict()), "bookmakers": books})
    answer = {"timestamp": _utc(moment), "previous_timestamp": None, "next_timestamp": None, "data": events}
    path = folder / f"mlb_{moment.strftime('%Y%m%dT%H%M%SZ')}.json"
    path.write_text(json.dumps(answer), encoding="utf-8")
    return 1


def _event(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "sport_key": "baseball_mlb",
        "sport_title": "MLB",
        "commence_time": _utc(row["kickoff"]),
        "home_team": row["home_name"],
        "away_team": row["away_name"],
    }


def _book(row: dict[str, Any]) -> dict[str, Any]:
    home, away, updated = row["home_name"], row["away_name"], _utc(row["recorded_at"])

    def outcome(name: str, side: str, *, pointed: bool = True) -> dict[str, Any]:
        priced = {"name": name, "price": _plain(row[f"{side}_price"])}
        return priced | ({"point": _plain(row[f"{side}_line"])} if pointed else {})

    markets = {
        "h2h": [outcome(home, "moneyline_home", pointed=False), outcome(away, "moneyline_away", pointed=False)],
        "spreads": [outcome(home, "spread_home"), outcome(away, "spread_away")],
        "totals": [outcome("Over", "total_over"), outcome("Under", "total_under")],
    }
    listed = [{"key": key, "last_update": updated, "outcomes": outcomes} for key, outcomes in markets.items()]
    return {"key": row["book"], "title": row["book"].title(), "last_update": updated, "markets": listed}


def _utc(moment: pd.Timestamp) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(value)


Results = Callable[[Path, int, pd.DataFrame], Path]
Odds = Callable[[Path, pd.Timestamp, pd.DataFrame], int]
WRITERS: dict[str, tuple[Results, Odds]] = {
    "NHL": (_hockey_results, _hockey_odds),
    "MLB": (_baseball_results, _baseball_odds),
}


def main() -> None:
    """Write the files asked for on the command line, and say what they hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sport", choices=sorted(LAST_SEASON))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seasons", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    made = generate_files(asked.sport, asked.folder, asked.seasons, asked.seed)
    print(f"{made.games} games in {len(made.results)} files, {made.snapshots} snapshots in {made.odds}")


if __name__ == "__main__":
    main()
