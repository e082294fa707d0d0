"""A small league of players with known true means: boxes, prices of two books, and a player under two numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aipro_ml.config import PropConfig, PropsConfig
from aipro_ml.props.form import Past

HOUR, DAY, WEEK = pd.Timedelta(hours=1), pd.Timedelta(days=1), pd.Timedelta(days=7)
FIRST = pd.Timestamp("2022-01-02 18:00", tz="UTC").as_unit("us")
TEAMS = tuple(f"T{number}" for number in range(6))
CONFIG = PropsConfig(
    code="TEST",
    half_life=8,
    recent_half_life=3,
    own_weight=2,
    opponent_weight=8,
    max_absence_days=60,
    first_rows=60,
    props=(
        PropConfig(
            name="catches", figures=("Rec",), usage=("Targets",), positions=("WR",), families=("poisson",), least=0.5
        ),
        PropConfig(name="yards", figures=("Yards",), families=("gamma", "negative_binomial"), least=5),
    ),
)


@dataclass(frozen=True)
class League:
    """Everything of the league; `means`: the true mean of catches of each player."""

    games: pd.DataFrame
    versions: pd.DataFrame
    prices: pd.DataFrame
    players: pd.DataFrame
    means: pd.Series

    @property
    def past(self) -> Past:
        """What the models look back on."""
        return Past(self.versions, self.games, self.players["position"])

    @property
    def decided(self) -> pd.Series:
        """An hour before each kick-off."""
        return self.games["kickoff"] - HOUR


def random_props(seed: int, weeks: int = 24, squad: int = 5) -> League:
    """Every team plays once a week; a line is off the true mean, prices are a fair coin's with margin."""
    rng = np.random.default_rng(seed)
    names = [f"P{team}-{number}" for team in TEAMS for number in range(squad)]
    means = pd.Series(rng.uniform(1.5, 7.0, len(names)), index=names)
    games, boxes, prices = [], [], []
    for week in range(weeks):
        order = rng.permutation(len(TEAMS))
        for number in range(len(TEAMS) // 2):
            home, away = TEAMS[order[2 * number]], TEAMS[order[2 * number + 1]]
            game = f"G{week:02d}-{number}"
            kickoff = FIRST + week * WEEK + number * HOUR
            games.append((game, 2022, week, kickoff, home, away, True))
            for team in (home, away):
                for player in (f"P{team}-{each}" for each in range(squad)):
                    prices += _prices(rng, game, player, kickoff, means[player])
                    if rng.random() >= 0.05:
                        boxes.append(_box(rng, game, team, player, kickoff, means[player]))
    columns = ["game_id", "season", "week", "kickoff", "home_team_id", "away_team_id", "is_final"]
    return League(
        games=pd.DataFrame(games, columns=columns).set_index("game_id"),
        versions=pd.DataFrame(boxes).sort_values("known_at", kind="stable", ignore_index=True),
        prices=pd.DataFrame(prices),
        players=pd.DataFrame({"name": names, "position": "WR"}, index=pd.Index(names, name="player_id")),
        means=means,
    )


def _box(
    rng: np.random.Generator, game: str, team: str, player: str, kickoff: pd.Timestamp, mean: float
) -> dict[str, object]:
    catches = float(rng.poisson(mean))
    yards = float(np.round(rng.gamma(2.0 + catches, 10.0)))
    box = {"player_id": player, "team_id": team, "game_id": game, "known_at": kickoff + 4 * HOUR}
    return {**box, "Rec": catches, "Targets": catches + float(rng.poisson(2)), "Yards": yards}


def _prices(
    rng: np.random.Generator, game: str, player: str, kickoff: pd.Timestamp, mean: float
) -> list[dict[str, object]]:
    off = mean + rng.normal(0, 1.2)
    line = {"catches": max(np.floor(off), 0.0) + 0.5, "yards": np.floor(10 * (2 + max(off, 0.0))) + 0.5}
    return [
        {
            "game_id": game,
            "player_id": player,
            "prop": prop,
            "line": line[prop],
            "book": book,
            "over_price": over,
            "under_price": under,
            "as_of": kickoff - 2 * HOUR,
        }
        for prop in ("catches", "yards")
        for book, over, under in (("One", -110.0, -110.0), ("Two", -105.0, -118.0))
    ]
