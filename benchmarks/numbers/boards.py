"""Walk-forward leaderboards of real leagues: the market, Elo and market-free models on the same games."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import training_config
from aipro_ml.enums import BetType, Framework
from aipro_ml.features.build import build_matrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport, sport
from aipro_ml.training.baselines import baselines
from aipro_ml.training.leaderboard import Entry, LeaderboardRow, baseline_entries, leaderboard
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import out_of_fold
from benchmarks.league_files import generate_files
from benchmarks.numbers.archive import read, records_of
from benchmarks.numbers.closes import LEAGUES, soccer_seasons

SEED = 20260101


@dataclass(frozen=True)
class Span:
    """Test seasons, first and last (by the year they begin in)."""

    first: int
    last: int


SPANS = {
    "NFL": Span(2012, 2022),
    "NBA": Span(2012, 2023),
    **dict.fromkeys(LEAGUES, Span(2012, 2022)),
    # six generated seasons: two warm ratings up, two train at least
    "NHL": Span(2017, 2018),
    "MLB": Span(2018, 2019),
}

GENERATED_SEASONS, GENERATED_SEED = 6, 7
ODDS_SOURCES = {"NHL": ("results-nhl", "odds-api-days"), "MLB": ("odds-api-scores", "odds-api-folder")}
"""How the generated files of a league are read: its results, its odds."""


def nfl_records(folder: Path) -> Records:
    """Return NFL games of 1999 to 2022 with nflverse's closing lines."""
    return records_of(sport("NFL"), [read("nflverse", [folder / "nfl/nflverse_games_1999_2022.csv.gz"])])


def nba_records(folder: Path) -> Records:
    """Return NBA games of 2007-08 to 2023-24: Kaggle's lines, OddsPortal's average moneylines."""
    games = read("kaggle-nba", [folder / "nba/kaggle_nba_2008_2024.csv.gz"])
    prices = read("oddsportal-nba", [folder / "nba/oddsportal_nba_2008_2024.csv.gz"])
    return records_of(sport("NBA"), [games], [prices])


def soccer_records(folder: Path, code: str) -> Records:
    """Return one league's games from football-data.co.uk, with the prices of all its books."""
    return records_of(sport(code), soccer_seasons(folder, LEAGUES[code]))


def generated_records(folder: Path, code: str) -> Records:
    """Return a generated league's games and odds as its sources write them; written into `folder` where absent."""
    place = folder / code
    if not (place / "results").is_dir():
        generate_files(code, place, GENERATED_SEASONS, GENERATED_SEED)
    results, odds = ODDS_SOURCES[code]
    games = [read(results, [path], sport=code) for path in sorted((place / "results").iterdir())]
    return records_of(sport(code), games, [read(odds, sorted((place / "odds").iterdir()), sport=code)])


def entries_of(league: Sport, records: Records, bet_type: BetType = BetType.MONEYLINE) -> list[Entry]:
    """Return the out-of-fold frames of the baselines and of the shipped market-free candidates."""
    matrix = build_matrix(records, league, bet_type)
    span = SPANS[league.code]
    burnt_in = int(matrix.meta["season"].min()) + league.config.burn_in_seasons
    folds = walk_forward(matrix, test_from=span.first, test_to=span.last, train_from=burnt_in)
    found = baseline_entries(baselines(matrix, folds, bet_type))
    free, rule = matrix.select(league.columns(("market_free",))), MarketRule(league.config.moneyline)
    for config in training_config().models[bet_type]:
        oof = out_of_fold(candidate(config, bet_type, SEED, rule), free, folds)
        found.append(Entry(config.name, Framework.SKLEARN, oof))
    return found


def pooled(leagues: Sequence[Sequence[Entry]]) -> list[Entry]:
    """Return each contestant's frames of several leagues as one; games of one week stay one block."""
    return [
        Entry(parts[0].name, parts[0].framework, pd.concat([part.oof for part in parts]))
        for parts in zip(*leagues, strict=True)
    ]


def board(entries: Sequence[Entry]) -> tuple[LeaderboardRow, ...]:
    """Return the leaderboard, every difference to the market paired by game with weeks resampled."""
    return leaderboard(entries, SEED)


def soccer_entries(folder: Path) -> dict[str, list[Entry]]:
    """Return the entries of each soccer league; game identities carry the league, so that they can be pooled."""
    found = {}
    for code in LEAGUES:
        entries = entries_of(sport(code), soccer_records(folder, code))
        found[code] = [Entry(one.name, one.framework, one.oof.set_axis(f"{code}:" + one.oof.index)) for one in entries]
    return found
