"""Simulated leagues of every sport: their calendars, scores like the sport's, and prices that know the truth."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from aipro_ml.sources import synthetic
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.synthetic_leagues import RULES

# games a season; then bounds: share of home wins, of draws, of overtime, spread of margins, mean total
FACTS = {
    "NBA": (1230, (0.54, 0.62), (0, 0), (0.01, 0.06), (12.0, 14.5), (215, 235)),
    "NCAAF": (192, (0.50, 0.66), (0, 0), (0.005, 0.08), (13.5, 19.0), (50, 60)),
    "NHL": (1312, (0.50, 0.57), (0, 0), (0.12, 0.25), (2.2, 2.9), (5.8, 6.9)),
    "MLB": (2430, (0.50, 0.56), (0, 0), (0.06, 0.15), (4.0, 4.9), (8.2, 9.8)),
    "EPL": (380, (0.40, 0.52), (0.2, 0.3), (0, 0), (1.5, 2.0), (2.4, 3.2)),
}


@cache
def batch(sport: str) -> SourceBatch:
    return synthetic.generate(sport, seasons=2, books=3, seed=4, open_games=False)


def margins(games: pd.DataFrame) -> pd.Series:
    return (games["home_score"] - games["away_score"]).astype("float64")


@pytest.mark.parametrize("sport", RULES)
def test_a_season_has_the_sports_games_and_scores(sport: str) -> None:
    games, (count, *bounds) = batch(sport).games, FACTS[sport]
    assert batch(sport).sport == f"SIM-{sport}"
    assert set(games.groupby("season").size()) == {count}
    margin = margins(games)
    total = (games["home_score"] + games["away_score"]).astype("float64")
    shown = [(margin > 0).mean(), (margin == 0).mean(), games["overtime"].mean(), margin.std(), total.mean()]
    assert all(low <= value <= high for value, (low, high) in zip(shown, bounds, strict=True))
    assert games["game"].is_unique
    assert games["external_id"].str.len().max() <= 50


@pytest.mark.parametrize("sport", RULES)
def test_nobody_plays_two_games_at_once_and_only_doubleheaders_share_a_day(sport: str) -> None:
    long = pd.concat([batch(sport).games.rename(columns={side: "team"}) for side in ("home", "away")])
    gap = long.sort_values("kickoff").groupby("team")["kickoff"].diff().dropna()
    assert gap.min() >= pd.Timedelta(hours=5)
    again = long.groupby(["team", "season", long["kickoff"].dt.tz_convert("America/New_York").dt.date]).size() > 1
    assert again.any() == (sport == "MLB")
    hosted = batch(sport).games.groupby(["season", "home"]).size()
    assert hosted.max() - hosted.min() <= 6 * RULES[sport].series


@pytest.mark.parametrize("sport", RULES)
def test_the_same_recipe_gives_the_same_league_whatever_the_books(sport: str) -> None:
    pd.testing.assert_frame_equal(
        synthetic.generate(sport, seasons=1, books=1, seed=9).games,
        synthetic.generate(sport, seasons=1, books=2, seed=9).games,
    )


@pytest.mark.parametrize("sport", RULES)
def test_the_last_round_is_priced_and_open(sport: str) -> None:
    made = synthetic.generate(sport, seasons=1, books=1, seed=2)
    ahead = made.games.loc[made.games["status"] == "scheduled"]
    assert len(ahead) >= 10
    assert ahead["home_score"].isna().all()
    assert set(ahead["game"]) <= set(made.quotes["game"])
    assert not set(ahead["game"]) & set(made.closing["game"])


@pytest.mark.parametrize("sport", RULES)
def test_closing_prices_are_calibrated_and_better_than_opening_ones(sport: str) -> None:
    made = batch(sport)
    quotes = made.quotes.loc[made.quotes["market"] == "moneyline"].sort_values("recorded_at", kind="stable")
    decimal = np.where(quotes["price"] > 0, 1 + quotes["price"] / 100, 1 - 100 / quotes["price"])
    quotes = quotes.assign(implied=1 / decimal.astype("float64"))
    whole = quotes.groupby(["game", "book", "recorded_at"])["implied"].transform("sum")
    assert whole.between(1.0, 1.08).all()
    quotes["fair"] = quotes["implied"] / whole
    margin = quotes["game"].map(margins(made.games.set_index("game")))
    wanted = {"home": margin > 0, "draw": margin == 0, "away": margin < 0}
    quotes["won"] = np.select([quotes["selection"] == side for side in wanted], list(wanted.values()))
    losses = {}
    for name, keep in (("opening", "first"), ("closing", "last")):
        rows = quotes.drop_duplicates(["game", "book", "selection"], keep=keep)
        home = rows.loc[rows["selection"] == "home"]
        error = np.sqrt(0.25 / len(made.games))
        assert abs(home["fair"].mean() - home["won"].mean()) < 4 * error
        losses[name] = -np.log(rows.loc[rows["won"].astype(bool), "fair"]).mean()
    assert losses["closing"] < losses["opening"]


def test_soccers_quotes_are_three_way_and_its_bottom_three_go_down() -> None:
    made = batch("EPL")
    moneyline = made.quotes.loc[made.quotes["market"] == "moneyline"]
    assert set(moneyline["selection"]) == {"home", "draw", "away"}
    first, second = (set(made.games.loc[made.games["season"] == season, "home"]) for season in (2024, 2025))
    assert len(first) == len(second) == 20
    assert len(first - second) == 3


def test_hockey_and_baseball_offer_one_handicap() -> None:
    for sport in ("NHL", "MLB"):
        spread = batch(sport).quotes.loc[batch(sport).quotes["market"] == "spread", "line"]
        assert set(spread.abs()) == {1.5}


def test_baseball_plays_series_in_one_park_and_now_and_then_twice_a_day() -> None:
    games = batch("MLB").games
    assert set(games["game_number"]) == {1, 2}
    assert 0.003 < (games["game_number"] == 2).mean() < 0.03
    first = games.loc[games["season"] == 2025].groupby(["week", "home"])
    assert set(first.size()) == {3}
    assert set(first["away"].nunique()) == {1}
