"""Elo against FiveThirtyEight's published form and against a second, naive computation."""

import json
from pathlib import Path

import pandas as pd
import pytest

from aipro_ml.config import EloConfig, sport_config
from aipro_ml.features.elo import carried, current_ratings, elo_events, rating_change, win_probability
from aipro_ml.features.history import History
from tests.features.random_league import random_league

NFL = sport_config("NFL").elo

# home Elo, away Elo, home score, away score, home advantage -> P(home), home Elo after (K 20, worked by hand)
CASES = [
    (1500, 1500, 24, 20, 65, 0.592466, 1512.741551),
    (1505, 1505, 17, 17, 65, 0.592466, 1502.179921),
    (1450, 1600, 35, 3, 0, 0.296615, 1502.786928),
]


@pytest.mark.parametrize("case", CASES)
def test_a_game_moves_the_ratings_as_the_published_form_does(case: tuple[float, ...]) -> None:
    home, away, scored, conceded, advantage, probability, after = case
    config = NFL.model_copy(update={"home_advantage": advantage})
    lead = home - away + advantage
    assert win_probability(lead) == pytest.approx(probability, abs=1e-6)
    assert home + rating_change(config, lead, scored - conceded) == pytest.approx(after, abs=1e-6)


@pytest.mark.real_data
def test_every_shared_vector_holds(shared_data: Path) -> None:
    vectors = json.loads((shared_data.parent / "vectors" / "betting.json").read_text())["elo_538_nfl"]
    played = [vector for vector in vectors if "p_home" in vector]
    for vector in played:
        config = NFL.model_copy(update={"home_advantage": vector["hfa"], "k": vector["K"]})
        lead = vector["home_elo"] - vector["away_elo"] + vector["hfa"]
        change = rating_change(config, lead, vector["home_score"] - vector["away_score"])
        assert win_probability(lead) == pytest.approx(vector["p_home"], abs=1e-6)
        assert vector["home_elo"] + change == pytest.approx(vector["home_new"], abs=1e-6)
        assert vector["away_elo"] - change == pytest.approx(vector["away_new"], abs=1e-6)
    assert len(played) == 5


def test_a_season_boundary_pulls_a_third_of_the_way_to_the_mean_once_each() -> None:
    assert carried(NFL, 1600, 1) == pytest.approx(1568.333333, abs=1e-6)
    assert carried(NFL, 1600, 2) == pytest.approx(carried(NFL, carried(NFL, 1600, 1), 1))
    assert carried(NFL, 1600, 0) == 1600


@pytest.mark.parametrize(
    ("kind", "margin", "expected"),
    [("nba", 10, 13**0.8 / 7.5), ("nhl", 2, 1.2682374), ("mlb", 3, 1.2602676), ("soccer", 4, 2.0), ("none", 9, 1.0)],
)
def test_a_margin_multiplier_at_level_ratings(kind: str, margin: int, expected: float) -> None:
    config = EloConfig(k=2, home_advantage=0, carry=1, margin_multiplier=kind)
    assert rating_change(config, 0.0, margin) == pytest.approx(expected, abs=1e-6)


def test_a_capped_margin_counts_no_more_than_the_cap() -> None:
    config = NFL.model_copy(update={"margin_cap": 28})
    assert rating_change(config, 10, 60) == rating_change(config, 10, 28)


def test_events_are_zero_sum_and_neutral_ground_gives_no_advantage() -> None:
    results = History(random_league(4)).results()
    events = elo_events(results, NFL)
    gained = (events["rating"] - events["rating_before"]).to_numpy().reshape(-1, 2)
    assert gained.sum(axis=1) == pytest.approx(0, abs=1e-9)
    neutral = results.head(1).assign(neutral_site=True, home_score=20.0, away_score=20.0)
    assert elo_events(neutral, NFL)["rating"].tolist() == [1500.0, 1500.0]


def test_ratings_as_read_equal_a_naive_replay_up_to_the_decision() -> None:
    history = History(random_league(4))
    results = history.results()
    games = results.iloc[::23].set_index("game_id")
    entities = games.assign(as_of=games["kickoff"] - pd.Timedelta(minutes=1))
    home, _ = current_ratings(entities, elo_events(results, NFL), NFL)
    for game, row in entities.iterrows():
        rating, season = NFL.initial, None
        past = results.loc[results["known_at"] <= row["as_of"]]
        replay = elo_events(past, NFL)
        own = replay.loc[replay["team_id"] == row["home_team_id"]]
        if len(own):
            rating, season = own["rating"].iloc[-1], own["season"].iloc[-1]
        boundaries = 0 if season is None else int(row["season"] - season)
        for _ in range(boundaries):
            rating = NFL.mean + NFL.carry * (rating - NFL.mean)
        assert home.loc[game, "elo"] == pytest.approx(rating, abs=1e-9)
