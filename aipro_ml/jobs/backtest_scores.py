"""What the model would have said and published in each season of a backtest, from earlier games alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from aipro_ml.betting.settlement import MarketRule
from aipro_ml.calibration.blend import fit_blend
from aipro_ml.calibration.choice import choose, walk_forward_calibrated
from aipro_ml.calibration.outcomes import weights_of
from aipro_ml.calibration.venn_abers import VennAbers
from aipro_ml.config import ModelConfig, TrainingConfig
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, LeakError, UsageError
from aipro_ml.evaluation.backtest_config import BacktestConfig
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import Sport
from aipro_ml.inference.predictor import ModelScores, reference_probability
from aipro_ml.jobs.backtest_matrix import Moments
from aipro_ml.training.lines import at_lines
from aipro_ml.training.registry import candidate, session
from aipro_ml.training.splits import Fold, trainable, walk_forward

SCORED_COLUMNS = ("season", "p", "y", "market_prob", "result_known_at")
"""Out-of-fold rows (index game_id) a season's calibration looks at; `p` of the reference side, NaN unknown.

Frames with half-decided quarter lines also have `weight` (see FeatureMatrix).
"""


@dataclass(frozen=True)
class Speaker:
    """A candidate of a training configuration that is to speak of one bet type of a sport."""

    league: Sport
    bet_type: BetType
    training: TrainingConfig
    config: ModelConfig

    def train_from(self, matrix: FeatureMatrix) -> int:
        """Return the first training season: as configured, else after the seasons that only warm ratings up."""
        if self.training.train_from is not None:
            return self.training.train_from
        return int(matrix.meta["season"].min()) + self.league.config.burn_in_seasons


@dataclass(frozen=True)
class Spoken:
    """What a model said: SCORED_COLUMNS of the seasons bet on, and of those before that calibrate them."""

    bet_type: BetType
    name: str
    scored: pd.DataFrame
    moments: Moments


def walk_forward_scores(
    speaker: Speaker,
    matrix: FeatureMatrix,
    span: tuple[int, int],
    on_fold: Callable[[int, int], None] = lambda _done, _total: None,
) -> pd.DataFrame:
    """Return SCORED_COLUMNS of every game of seasons `span`, each predicted by a model fitted on earlier seasons.

    Pushes and open games are predicted too: a bet does not know that it will push. LeakError where a fold's model
    would learn from a game whose result was not known when the first game of its season was decided.
    """
    folds = walk_forward(
        matrix,
        test_from=span[0],
        test_to=span[1],
        train_from=speaker.train_from(matrix),
        min_train_seasons=speaker.training.min_train_seasons,
    )
    rule = MarketRule(speaker.league.config.moneyline)
    made = candidate(speaker.config, speaker.bet_type, speaker.training.seed, rule)
    parts = []
    with session(speaker.config.framework):
        for fold in folds:
            refuse_later_games(matrix, fold)
            model = made.fit(matrix.take(fold.train))
            rows = matrix.take(matrix.meta["season"].to_numpy("int64") == fold.season)
            parts.append(_scored(rows, reference_probability(model, at_lines(model, rows.X, rows.meta["line"]))))
            on_fold(len(parts), len(folds))
    return pd.concat(parts)


def first_scored(speaker: Speaker, matrix: FeatureMatrix, how: BacktestConfig, first: int) -> int:
    """Return the season from which on games are predicted: as many before `first` as calibration wants and gets."""
    if how.probability == "model":
        return first
    usable = trainable(matrix, speaker.train_from(matrix))
    seasons = np.unique(matrix.meta["season"].to_numpy("int64")[usable])
    enough = seasons[max(speaker.training.min_train_seasons, 1) :]
    earliest = int(enough[0]) if len(enough) else first
    return min(first, max(first - how.calibration_seasons, earliest))


def refuse_later_games(matrix: FeatureMatrix, fold: Fold) -> None:
    """Raise LeakError where a fold learns from a game decided after the first bet of its season."""
    tested = matrix.meta["season"].to_numpy("int64") == fold.season
    decided = matrix.as_of[tested].min()
    known = matrix.meta["result_known_at"].iloc[fold.train]
    if len(known) and not known.max() <= decided:
        game = known.idxmax()
        raise LeakError(
            f"season {fold.season} is bet on from {decided:%Y-%m-%d %H:%M}Z, but its model learned from game {game}, "
            f"decided {known.max():%Y-%m-%d %H:%M}Z: a model may not know results from after the bet"
        )


def season_scores(spoken: Spoken, season: int, how: BacktestConfig) -> ModelScores:
    """Return what stands behind the bets of `season`: calibrator and blend fitted on results known when it began."""
    scored, moments = spoken.scored, spoken.moments
    own = scored.loc[(scored["season"] == season).to_numpy(bool)]
    start = moments.as_of.reindex(own.index).min()
    earlier = scored.loc[(scored["season"] < season) & scored[["p", "y"]].notna().all(axis=1)]
    earlier = earlier.loc[(earlier["result_known_at"] <= start).to_numpy(bool)]
    bare = ModelScores(spoken.bet_type, spoken.name, own["p"].rename("probability"))
    if how.probability == "model":
        return bare
    choice = choose(earlier, how.calibration)
    calibrated = walk_forward_calibrated(earlier, choice.method)
    weights = weights_of(earlier)
    blend = fit_blend(calibrated, earlier["market_prob"], earlier["y"], weights)
    rows = earlier["p"].to_numpy("float64"), earlier["y"].to_numpy("float64"), weights
    return ModelScores(
        bet_type=spoken.bet_type,
        model_id=spoken.name,
        probability=bare.probability,
        calibrator=choice.calibrator,
        calibration_rows=choice.n,
        blend=blend if how.probability == "published" else None,
        interval=VennAbers().fit(*rows) if len(earlier) else None,
    )


def stored_scores(oof: pd.DataFrame, matrix: FeatureMatrix, span: tuple[int, int]) -> pd.DataFrame:
    """Return SCORED_COLUMNS from a stored model's out-of-fold frame, of the games it speaks of.

    Games that pushed are in no out-of-fold frame, so no bet is made on them. UsageError where it lacks a season.
    """
    have = sorted(set(oof["season"].astype("int64")))
    missing = [season for season in range(span[0], span[1] + 1) if season not in have]
    if missing:
        raise UsageError(
            f"the model has out-of-fold predictions of {have[0]} to {have[-1]}, not of {missing[0]}: "
            "choose other seasons, or bet by a --candidate"
        )
    meta = matrix.meta.reindex(oof.index)
    halves = ["weight"] if "weight" in oof else []
    return oof[["season", "p", "y", "market_prob", *halves]].assign(result_known_at=meta["result_known_at"])


def refuse_three_outcomes(matrix: FeatureMatrix) -> None:
    """Raise where a market has a draw: its three outcomes cannot be bet on here yet."""
    if matrix.three_way:
        raise AiproError("moneylines of three outcomes cannot be backtested yet: choose another bet type")


def _scored(rows: FeatureMatrix, p: pd.Series) -> pd.DataFrame:
    frame: dict[str, Any] = {
        "season": rows.meta["season"].to_numpy("int64"),
        "p": p.to_numpy("float64"),
        "y": None if rows.y is None else rows.y.to_numpy("float64"),
        "market_prob": rows.meta["market_prob"].to_numpy("float64"),
        "result_known_at": rows.meta["result_known_at"].array,
    }
    if rows.weight is not None:
        frame["weight"] = rows.weight.to_numpy("float64")
    return pd.DataFrame(frame, index=rows.X.index)
