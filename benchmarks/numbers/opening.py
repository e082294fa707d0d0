"""Opening to closing on BMR's NFL files: how much sharper the close is, and what an edge at the opener foretells."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from aipro_ml.betting.clv import Close, TakenBets, closing_line_value
from aipro_ml.betting.consensus import consensus
from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.enums import BetType, DevigMethod, Selection
from aipro_ml.evaluation.openers import EdgeBin, Sharpening, ValueSlope, sharpening, value_by_edge, value_slope
from aipro_ml.features.build import MatrixRequest, build_matrix
from aipro_ml.features.history import History
from aipro_ml.features.records import Records
from aipro_ml.features.sport import sport
from aipro_ml.jobs.distributions import distributions_before
from aipro_ml.training.margins import expected_margins
from aipro_ml.training.splits import walk_forward
from benchmarks.numbers.archive import read, records_of

SEED = 20260101
LEADS = (8, 6)
"""Days before kick-off up to which the model knows results.

The files say which price is the opener, not when it was. Some are look-ahead lines, posted before the week that
precedes the game (2019 GB@KC opened at −6, before the quarterback was hurt ten days ahead): eight days keep that
week's results from the model. Six days are what an import dates openers with, and let the model know a week that
such a line did not.
"""
FIRST, LAST = 2018, 2022
_NFL = sport("NFL")


@dataclass(frozen=True)
class OpenerBets:
    """One spread bet a game at the opener: index game_id; edge of the side taken, its value at the close, its week."""

    edge: pd.Series
    value: pd.Series
    points: pd.Series
    week: pd.Series

    def bins(self) -> tuple[EdgeBin, ...]:
        """Return the value at the close by size of the edge."""
        return value_by_edge(self.edge, self.value, self.week, seed=SEED)

    def slope(self) -> ValueSlope:
        """Return how the value at the close rises with the edge."""
        return value_slope(self.edge, self.value, self.week, seed=SEED)


def bmr_records(folder: Path) -> Records:
    """Return the games of 1999 to 2022, those of 2018 to 2022 with the opener and the closes of 14 books."""
    games = read("nflverse", [folder / "nfl/nflverse_games_1999_2022.csv.gz"])
    prices = read("bmr", [folder / "nfl/odds_multibook_2018_2022.tar.gz"])
    return records_of(_NFL, [replace(games, quotes=games.quotes.iloc[:0])], [prices])


def moneyline_sharpening(records: Records) -> dict[str, Sharpening]:
    """Return opener against close in moneyline log loss: of the opener's own book, and of the consensus."""
    results = History(records).results().set_index("game_id")
    margin = (results["home_score"] - results["away_score"]).rename("margin")
    opener, close = _at_open(records), _at_close(records)
    own = close.loc[close["book"].isin(opener["book"].unique())]
    before = _fair(opener, BetType.MONEYLINE)["fair"]
    found = {}
    for name, quotes in (("book 8", own), ("consensus", close)):
        rows = pd.concat([before, _fair(quotes, BetType.MONEYLINE)["fair"].rename("close"), margin], axis=1).dropna()
        rows = rows.loc[rows["margin"] != 0]
        weeks = _weeks(results.loc[rows.index])
        found[name] = sharpening(rows["fair"], rows["close"], rows["margin"] > 0, weeks, SEED)
    return found


def opener_bets(records: Records, lead_days: int) -> OpenerBets:
    """Return the spread bets a market-free margin model takes at the opener, each valued at the consensus close.

    The model is fitted walk-forward by season on what was known `lead_days` before kick-off; it bets the side it
    thinks worth more than the opener's fair probability, at the opener's line and price.
    """
    opener, close = _fair(_at_open(records), BetType.SPREAD), _fair(_at_close(records), BetType.SPREAD)
    margins, season = _expected(records, pd.Timedelta(days=lead_days))
    games = opener.index.intersection(close.index).intersection(margins.index)
    opener, close, season = opener.loc[games], close.loc[games], season.loc[games]
    prices = _prices(_at_open(records)).reindex(games)
    history = History(records)
    parts = [
        _bets(
            opener.loc[rows], close.loc[rows], margins.loc[rows], prices.loc[rows],
            distributions_before(history, _NFL, int(year))[BetType.SPREAD],
        )
        for year, rows in season.groupby(season).groups.items()
    ]  # fmt: skip
    bets = pd.concat(parts)
    weeks = _weeks(history.results().set_index("game_id").loc[bets.index])
    return OpenerBets(bets["edge"], bets["value"], bets["points"], weeks)


def _bets(
    opener: pd.DataFrame,
    close: pd.DataFrame,
    margin: pd.Series,
    prices: pd.DataFrame,
    distribution: MarginDistribution,
) -> pd.DataFrame:
    line = opener["line"].to_numpy("float64")
    said = distribution.win_push_lose(margin.to_numpy("float64"), line).win_given_no_push
    edge = said - opener["fair"].to_numpy("float64")
    home = edge >= 0
    sides = np.where(home, Selection.HOME, Selection.AWAY)
    taken = TakenBets(
        BetType.SPREAD,
        sides,
        np.where(home, line, -line),
        np.where(home, prices["home"], prices["away"]),
        np.where(home, opener["fair"], 1 - opener["fair"]),
    )
    worth = closing_line_value(taken, Close(close["line"], close["fair"]), distribution)
    return pd.DataFrame({"edge": np.abs(edge), "value": worth.ev, "points": worth.points}, index=opener.index)


def _expected(records: Records, lead: pd.Timedelta) -> tuple[pd.Series, pd.Series]:
    """Return each game's expected home margin from market-free features known `lead` before it, and its season."""
    history = History(records)
    kickoff = history.latest_schedule()["kickoff"]
    as_of = kickoff - lead
    known = history.first_known().reindex(as_of.index) <= as_of
    request = MatrixRequest(
        game_ids=list(as_of.index[known]), as_of=as_of, columns=_NFL.columns(("market_free",)), with_labels=False
    )
    matrix = build_matrix(records, _NFL, BetType.SPREAD, request)
    results = history.results().set_index("game_id")
    matrix = replace(matrix, y=(results["home_score"] - results["away_score"]).reindex(matrix.X.index))
    folds = walk_forward(matrix, test_from=FIRST, test_to=LAST, train_from=2001)
    found = expected_margins(matrix, folds)
    return found, matrix.meta["season"].reindex(found.index)


def _at_open(records: Records) -> pd.DataFrame:
    return _timed(records, opening=True)


def _at_close(records: Records) -> pd.DataFrame:
    return _timed(records, opening=False)


def _timed(records: Records, *, opening: bool) -> pd.DataFrame:
    kickoff = records.games.drop_duplicates("game_id", keep="last").set_index("game_id")["kickoff"]
    lead = records.odds["game_id"].map(kickoff) - records.odds["recorded_at"]
    return records.odds.loc[(lead > pd.Timedelta(days=1)) == opening]


def _fair(quotes: pd.DataFrame, bet_type: BetType) -> pd.DataFrame:
    """Return line and fair probability of the reference side (index game_id), margin taken out multiplicatively."""
    table = consensus(quotes.loc[quotes["market"] == bet_type.value], DevigMethod.MULTIPLICATIVE)
    return table.loc[table["fair"].notna()].set_index("game_id")[["line", "fair"]]


def _prices(quotes: pd.DataFrame) -> pd.DataFrame:
    rows = quotes.loc[quotes["market"] == BetType.SPREAD.value]
    return rows.pivot(index="game_id", columns="selection", values="price")


def _weeks(games: pd.DataFrame) -> pd.Series:
    return games["season"] * 100 + games["week"]
