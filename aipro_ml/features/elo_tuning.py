"""Which Elo figures would have said most about past games: log loss over K, home advantage, carry and draws."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.config import EloConfig
from aipro_ml.errors import UsageError
from aipro_ml.features.elo import elo_events, three_way, win_probability

FloatArray = npt.NDArray[np.float64]
ROUNDS = 4
LEAST_GAMES = 200
SCALES = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.45, 1.75, 2.1)
"""Tried multiples of the K and home advantage at hand; the draw's weight is tried in the same way."""

CARRIES = (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Trial:
    """One figure tried with the others at their best: mean log loss, and its paired difference to the best."""

    parameter: str
    value: float
    log_loss: float
    difference: float
    standard_error: float


@dataclass(frozen=True)
class EloTuning:
    """The best figures found on `games` games of `seasons`, against the configured ones.

    `gain`: by how much the best is below the configured log loss a game, `gain_se` its standard error, both
    paired by game. The tuning seasons chose the best, so the gain flatters it.
    """

    seasons: tuple[int, int]
    games: int
    configured: EloConfig
    best: EloConfig
    configured_loss: float
    best_loss: float
    gain: float
    gain_se: float
    trials: tuple[Trial, ...]

    @property
    def is_clear(self) -> bool:
        """Return whether the gain exceeds two standard errors."""
        return self.gain > 2 * self.gain_se

    @property
    def summary(self) -> dict[str, object]:
        """Return the outcome without its trials, for programs."""
        first, last = self.seasons
        return {
            "first_season": first,
            "last_season": last,
            "games": self.games,
            "configured_loss": self.configured_loss,
            "best_loss": self.best_loss,
            "gain": self.gain,
            "gain_se": self.gain_se,
            "is_clear": self.is_clear,
            "yaml": self.yaml,
        }

    @property
    def yaml(self) -> str:
        """Return the `elo` line of the sport's configuration with the best figures."""
        values = self.best.model_dump(exclude_none=True)
        return "elo: {" + ", ".join(f"{name}: {_shown(value)}" for name, value in values.items()) + "}"


def tune_elo(
    results: pd.DataFrame,
    config: EloConfig,
    until: int,
    burn_in: int,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> EloTuning:
    """Return the figures of least log loss on the seasons after the first `burn_in` up to `until`.

    `results` as `History.results` gives them. One figure after another is set to the best of a grid around
    it until none moves. Ties count as drawn games where `config.draw` is set and not at all otherwise.
    UsageError where fewer than LEAST_GAMES games are left to tune on.
    """
    seasons = sorted(set(results["season"]))
    played = results.loc[results["season"] <= until].reset_index(drop=True)
    counted = played["season"].isin(seasons[burn_in:]).to_numpy()
    if counted.sum() < LEAST_GAMES:
        raise UsageError(
            f"{int(counted.sum())} games after the first {burn_in} seasons up to {until} are too few to tune Elo on "
            f"(at least {LEAST_GAMES}); choose a later --until, or import more seasons"
        )

    def losses(tried: EloConfig) -> FloatArray:
        return np.asarray(game_losses(played, tried)[counted], dtype=np.float64)

    best, trials = _descend(config, losses, on_step)
    before, after = losses(config), losses(best)
    mean, error = paired(before, after)
    chosen = played.loc[counted, "season"]
    return EloTuning(
        (int(chosen.min()), int(chosen.max())),
        int(np.isfinite(after).sum()),
        config,
        best,
        float(np.nanmean(before)),
        float(np.nanmean(after)),
        mean,
        error,
        tuple(trials),
    )


def game_losses(results: pd.DataFrame, config: EloConfig) -> FloatArray:
    """Return each result's log loss in nats under the ratings before it, NaN for a tie that is a push."""
    events = elo_events(results, config).iloc[::2]
    advantage = np.where(results["neutral_site"].to_numpy(bool), 0.0, config.home_advantage)
    leads = events["rating_before"].to_numpy() - events["opponent_rating_before"].to_numpy() + advantage
    expected = np.array([win_probability(lead) for lead in leads.tolist()])
    margin = (results["home_score"] - results["away_score"]).to_numpy("float64")
    if config.draw is None:
        chance = np.where(margin == 0, np.nan, np.where(margin > 0, expected, 1 - expected))
        return np.asarray(-np.log(chance), dtype=np.float64)
    win, draw = np.array([three_way(one, config.draw) for one in expected.tolist()]).reshape(-1, 2).T
    chance = np.select([margin > 0, margin == 0], [win, draw], 1 - win - draw)
    return np.asarray(-np.log(chance), dtype=np.float64)


def paired(worse: FloatArray, better: FloatArray) -> tuple[float, float]:
    """Return the mean of `worse` − `better` a game and its standard error; NaN in both is left out."""
    difference = (worse - better)[np.isfinite(better)]
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))


def _grid(config: EloConfig, parameter: str) -> Sequence[float]:
    if parameter == "carry":
        return CARRIES
    at = float(getattr(config, parameter))
    return [float(f"{at * scale:.3g}") for scale in SCALES]


def _descend(
    config: EloConfig, losses: Callable[[EloConfig], FloatArray], on_step: Callable[[int, int], None]
) -> tuple[EloConfig, list[Trial]]:
    """Return (best, trials of the last round)."""
    parameters = ["k", "home_advantage", "carry", *(["draw"] if config.draw is not None else [])]
    best, steps = config, ROUNDS * len(parameters)
    trials: list[Trial] = []
    for turn in range(ROUNDS):
        start, trials = best, []
        for number, parameter in enumerate(parameters):
            best, tried = _line(best, parameter, losses)
            trials += tried
            on_step(turn * len(parameters) + number + 1, steps)
        if best == start:
            break
    on_step(steps, steps)
    return best, trials


def _line(
    config: EloConfig, parameter: str, losses: Callable[[EloConfig], FloatArray]
) -> tuple[EloConfig, list[Trial]]:
    """Return the best of a grid over one figure, and every trial of it."""
    at = float(getattr(config, parameter))
    values = sorted({at, *_grid(config, parameter)})
    found = {value: losses(config.model_copy(update={parameter: value})) for value in values}
    best = min(values, key=lambda value: float(np.nanmean(found[value])))
    trials = [
        Trial(parameter, value, float(np.nanmean(one)), *paired(one, found[best])) for value, one in found.items()
    ]
    return config.model_copy(update={parameter: best}), trials


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
