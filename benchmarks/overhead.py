"""What a training job adds to the fits it cannot do without: walk-forward at the size of the NFL, two candidates."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.config import ModelConfig, training_config
from aipro_ml.enums import BetType
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.training.job import Failed, Task, TrainingJob, run_job
from aipro_ml.training.splits import Folds, trainable, walk_forward
from benchmarks.timing import Figure, Peer, interleaved

SEASONS, GAMES_A_SEASON, FEATURES, FIRST_SEASON, FOLDS = 20, 275, 27, 2005, 11
NAMES = ("logistic", "lightgbm_small")
SEED = 7

Floats = npt.NDArray[np.float64]


def overhead(rounds: int) -> list[Figure]:
    """Measure a training job in this process against the same fits and forecasts by the libraries alone.

    Both fit each candidate on every fold and on everything, and forecast each fold. The job also checks, labels
    and scores the rows and writes the artifacts. No database, no MLflow.
    """
    matrix = nfl_sized()
    folds = walk_forward(matrix, test_from=FIRST_SEASON + SEASONS - FOLDS, test_to=FIRST_SEASON + SEASONS - 1)
    configs = [model for model in training_config().models[BetType.MONEYLINE] if model.name in NAMES]
    job = _job(matrix, folds, configs)
    bare = [_bare(config, parts) for config in configs for parts in [_arrays(matrix, folds)]]

    def ours() -> None:
        with tempfile.TemporaryDirectory() as folder:
            failed = [event for event in run_job(job, Path(folder)) if isinstance(event, Failed)]
        if failed:
            raise failed[0].error

    measured = interleaved({"ours": ours, "bare": lambda: [fit() for fit in bare]}, rounds)
    words = f"training job, {len(configs)} candidates × {len(folds) + 1} fits, {len(matrix.X):,} games × {FEATURES}"
    return measured.figures(words, Peer("bare", "the libraries' own fits and forecasts", 1.10))


def nfl_sized(seed: int = SEED) -> FeatureMatrix:
    """Return a labelled matrix of SEASONS × GAMES_A_SEASON games and FEATURES noisy columns, drawn with `seed`."""
    rng, rows = np.random.default_rng(seed), SEASONS * GAMES_A_SEASON
    season = np.repeat(np.arange(FIRST_SEASON, FIRST_SEASON + SEASONS), GAMES_A_SEASON)
    days = np.tile(np.arange(GAMES_A_SEASON) // 2, SEASONS)
    kickoff = pd.to_datetime(season.astype(str), format="%Y", utc=True) + pd.to_timedelta(days + 240, unit="D")
    values = rng.normal(size=(rows, FEATURES))
    won = rng.random(rows) < 1 / (1 + np.exp(-0.4 * values[:, 0] - 0.2 * values[:, 1]))
    values[rng.random(values.shape) < 0.02] = np.nan
    index = pd.Index([f"game-{number:05}" for number in range(rows)], name="game_id")
    meta = {
        "season": season,
        "week": 1.0,
        "kickoff": kickoff,
        "home_team_id": "home",
        "away_team_id": "away",
        "result_known_at": kickoff + pd.Timedelta(hours=4),
        "line": np.nan,
        "market_prob": np.nan,
    }
    return FeatureMatrix(
        pd.DataFrame(values, index=index, columns=[f"f{number:02}" for number in range(FEATURES)]),
        pd.Series(kickoff - pd.Timedelta(hours=1), index=index),
        pd.DataFrame(meta, index=index),
        pd.Series(won.astype("float64"), index=index),
    )


def _job(matrix: FeatureMatrix, folds: Folds, configs: list[ModelConfig]) -> TrainingJob:
    tasks = tuple(
        Task(config, matrix.feature_names, {"name": config.name}, UUID(int=number))
        for number, config in enumerate(configs)
    )
    return TrainingJob("NFL", BetType.MONEYLINE, "sklearn", tasks, matrix, folds, FIRST_SEASON, SEED)


def _arrays(matrix: FeatureMatrix, folds: Folds) -> list[tuple[Floats, Floats, Floats]]:
    """Return (X, y, X to forecast) of each fold, and of everything with nothing to forecast."""
    X, y = matrix.X.to_numpy("float64"), np.asarray(matrix.y, dtype=np.float64)
    parts = [(X[fold.train], y[fold.train], X[fold.test]) for fold in folds]
    final = trainable(matrix, FIRST_SEASON)
    return [*parts, (X[final], y[final], X[:0])]


def _bare(config: ModelConfig, parts: list[tuple[Floats, Floats, Floats]]) -> Callable[[], None]:
    """Return the fits of one candidate, written as one would without this package."""
    return _lightgbm(config, parts) if config.estimator == "lightgbm" else _logistic(config, parts)


def _lightgbm(config: ModelConfig, parts: list[tuple[Floats, Floats, Floats]]) -> Callable[[], None]:
    import lightgbm

    options = {name: value for name, value in config.params.items() if name != "n_estimators"}
    options |= {"objective": "binary", "deterministic": True, "force_row_wise": True, "n_jobs": 1}
    options |= {"seed": SEED, "verbosity": -1}

    def fit() -> None:
        for X, y, asked in parts:
            booster = lightgbm.train(options, lightgbm.Dataset(X, label=y), int(config.params["n_estimators"]))
            if len(asked):
                booster.predict(asked)

    return fit


def _logistic(config: ModelConfig, parts: list[tuple[Floats, Floats, Floats]]) -> Callable[[], None]:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    def fit() -> None:
        with threadpool_limits(1, "blas"):
            for X, y, asked in parts:
                model = LogisticRegression(max_iter=1000, random_state=SEED, **config.params)
                pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), model).fit(X, y)
                if len(asked):
                    pipeline.predict_proba(asked)

    return fit
