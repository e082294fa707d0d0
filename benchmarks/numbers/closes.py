"""Market log loss: closing prices of one source, margin taken out multiplicatively, against the results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.betting.margin import devig
from aipro_ml.enums import BetType, DevigMethod, Selection
from aipro_ml.metrics import multiclass
from aipro_ml.sources.base import SourceBatch
from benchmarks.numbers.archive import read

TWO_WAY = (Selection.HOME, Selection.AWAY)
THREE_WAY = (Selection.HOME, Selection.DRAW, Selection.AWAY)
LEAGUES = {"EPL": "E0", "LALIGA": "SP1", "BUNDES": "D1"}
"""Soccer leagues and how football-data.co.uk names their files."""


@dataclass(frozen=True)
class MarketFigures:
    """What a market's closing prices scored on n games (a game counts once a book); AUC only of two outcomes."""

    name: str
    n: int
    log_loss: float
    brier: float
    auc: float | None
    rps: float | None
    overround: float


def market_figures(folder: Path) -> list[MarketFigures]:
    """Return the figures of every market that the archives in `folder` close."""
    nfl = read("nflverse", [folder / "nfl/nflverse_games_1999_2022.csv.gz"])
    nba = read("oddsportal-nba", [folder / "nba/oddsportal_nba_2008_2024.csv.gz"])
    nhl_prices = read(
        "odds-api-days", [folder / "odds_timeseries/nhl_2023_24_oddsapi_noon_snapshots.tar.gz"], sport="NHL"
    )
    nhl = read("results-nhl", [folder / "odds_timeseries/nhl_bref_schedule_2024.csv.gz"])
    return [
        scored("NFL 2006–2022, nflverse close", closes([nfl]), nfl.games),
        scored("NBA 2009–2024, OddsPortal average close", closes([nba]), nba.games),
        scored("NHL 2023-24, noon (BetMGM, Caesars)", closes([nhl_prices]), nhl.games),
        *_soccer(folder),
    ]


def _soccer(folder: Path) -> list[MarketFigures]:
    found, everything = [], []
    for code, prefix in LEAGUES.items():
        seasons = soccer_seasons(folder, prefix)
        games = pd.concat([season.games for season in seasons]).assign(league=code)
        prices = closes(seasons, THREE_WAY, book="Pinnacle")
        everything.append((prices.assign(game=code + prices["game"]), games.assign(game=code + games["game"])))
        found.append(scored(f"{code} 2012/13–2022/23, Pinnacle close", prices, games))
    prices, games = (pd.concat(part) for part in zip(*everything, strict=True))
    return [*found, scored("EPL, LALIGA and BUNDES together", prices, games)]


def soccer_seasons(folder: Path, prefix: str) -> list[SourceBatch]:
    """Return the season files of one league, in time order (a file's name ends in its two years)."""
    paths = (folder / "soccer").glob(f"{prefix}_*.csv.gz")
    return [read("football-data", [path]) for path in sorted(paths, key=lambda path: path.name.split("_")[1])]


def closes(
    batches: Sequence[SourceBatch], sides: tuple[Selection, ...] = TWO_WAY, book: str | None = None
) -> pd.DataFrame:
    """Return closing moneylines, one row a game and book that prices every side: game, book and the sides."""
    rows = pd.concat([batch.closing for batch in batches], ignore_index=True)
    rows = rows.loc[(rows["market"] == BetType.MONEYLINE.value) & rows["closing_price"].notna()]
    if book is not None:
        rows = rows.loc[rows["book"] == book]
    wide = rows.pivot(index=["game", "book"], columns="selection", values="closing_price")
    return wide.dropna(subset=list(sides)).reset_index()


def scored(name: str, prices: pd.DataFrame, games: pd.DataFrame) -> MarketFigures:
    """Return the figures of `prices` (see `closes`) on the games with a result; level games push two-way."""
    sides = THREE_WAY if Selection.DRAW.value in prices.columns else TWO_WAY
    results = games.drop_duplicates("game").set_index("game")[["home_score", "away_score"]].dropna().astype("float64")
    rows = prices.join(results, on="game", how="inner")
    margin = rows["home_score"] - rows["away_score"]
    rows, margin = (each.loc[(margin != 0) | (len(sides) > 2)] for each in (rows, margin))
    fair = devig(rows[list(sides)].to_numpy("float64"), DevigMethod.MULTIPLICATIVE)
    p, overround = fair.probabilities, float(fair.overround.mean())
    if len(sides) > 2:
        seen = 1 - np.sign(margin.to_numpy()).astype("int64")
        three = (multiclass.log_losses, multiclass.brier_scores, multiclass.ranked_probability_scores)
        loss, brier, rps = (float(score(p, seen).mean()) for score in three)
        return MarketFigures(name, len(rows), loss, brier, None, rps, overround)
    won = (margin > 0).to_numpy("float64")
    loss, brier, auc = (score(p[:, 0], won) for score in (metrics.log_loss, metrics.brier, metrics.auc))
    return MarketFigures(name, len(rows), loss, brier, auc, None, overround)
