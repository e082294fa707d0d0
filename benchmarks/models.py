"""Training, explaining and storing: ours against bare fits, the library's own contributions and bare COPY."""

from typing import Any

from aipro_ml.config import ModelConfig
from aipro_ml.db.repositories.predictions import save_predictions
from aipro_ml.enums import BetType, Selection, Tier
from aipro_ml.features.build import build_matrix
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.inference.explain import explain
from aipro_ml.inference.prediction import Prediction
from aipro_ml.jobs.matrices import columns_of
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.registry import candidate
from aipro_ml.training.sklearn import SklearnModel
from aipro_ml.training.splits import trainable, walk_forward
from aipro_ml.training.trees import LightGbmEstimator
from aipro_ml.training.walkforward import out_of_fold
from benchmarks.league import LAST_SEASON, NOW, Bench, candidate_config
from benchmarks.rows import ready_copy, stored_rows
from benchmarks.timing import Figure, Peer, interleaved

BATCH = 1000
TREES = 300
MARKET = BetType.MONEYLINE
TRAIN_FROM = LAST_SEASON - 3


def training(bench: Bench) -> list[Figure]:
    """Measure walk-forward and final fit against bare LightGBM fits, and the whole job beside them."""
    import lightgbm

    matrix, config = _matrix(bench), candidate_config(MARKET)
    (chosen,) = config.models[MARKET]
    made = candidate(chosen, MARKET, config.seed)
    folds = walk_forward(
        matrix, test_from=LAST_SEASON - 2, test_to=LAST_SEASON - 1, train_from=TRAIN_FROM, min_train_seasons=1
    )
    final = trainable(matrix, TRAIN_FROM)
    labelled = [matrix.take(rows) for rows in (*(fold.train for fold in folds), final)]
    arrays = [(part.X.to_numpy("float64"), part.y.to_numpy("float64")) for part in labelled if part.y is not None]
    options = {name: value for name, value in chosen.params.items() if name != "n_estimators"}
    options |= {"objective": "binary", "deterministic": True, "force_row_wise": True, "num_threads": 1}
    options |= {"seed": config.seed, "verbosity": -1}

    def bare() -> None:
        for X, y in arrays:
            lightgbm.train(options, lightgbm.Dataset(X, label=y), int(chosen.params["n_estimators"]))

    def ours() -> None:
        out_of_fold(made, matrix, folds)
        made.fit(matrix.take(final))

    measured = interleaved({"ours": ours, "bare": bare}, bench.rounds)
    whole = tuple(bench.training_seconds.values())[1:]  # the first also imports everything
    return [
        *measured.figures(f"walk-forward, {len(arrays)} fits", Peer("bare", "bare LightGBM fits")),
        Figure("whole training job of one candidate, with MLflow", "seconds", whole),
    ]


def explaining(bench: Bench) -> list[Figure]:
    """Measure the explanation of a batch by a large and a small model against LightGBM's own contributions.

    The bar is for the large one, of the size at which the limit was measured: 300 trees of the library's own defaults.
    """
    (small,) = candidate_config(MARKET).models[MARKET]
    large = small.model_copy(update={"params": {"n_estimators": TREES}})
    words = "LightGBM's pred_contrib, {} trees"
    return [
        *_explained(bench, large, Peer("library", words.format(TREES), 1.1)),
        *_explained(bench, small, Peer("library", words.format(small.params["n_estimators"]))),
    ]


def _explained(bench: Bench, config: ModelConfig, peer: Peer) -> list[Figure]:
    matrix, seed = _matrix(bench), candidate_config(MARKET).seed
    model = candidate(config, MARKET, seed).fit(matrix.take(trainable(matrix, TRAIN_FROM)))
    X = matrix.X.iloc[-BATCH:]
    chances = model.predict_proba(X)[:, 0]
    predictions = [_prediction(str(game), float(p)) for game, p in zip(X.index, chances, strict=True)]
    rows, booster = X.to_numpy("float64"), _booster(model)
    cases = {
        "ours": lambda: explain(model, X, predictions),
        "library": lambda: booster.predict(rows, pred_contrib=True),
    }
    return interleaved(cases, bench.rounds).figures(f"explain {len(X):,} predictions", peer)


def storing(bench: Bench) -> list[Figure]:
    """Measure the write of predictions, ledger and explanations against COPY of ready tuples."""
    rows = stored_rows(bench, BATCH)
    ready = ready_copy(rows)
    with bench.engine.connect() as connection:

        def ours() -> None:
            save_predictions(connection, rows.predictions, rows.ledger, rows.explanations)
            connection.rollback()

        def bare() -> None:
            ready.load(connection)
            connection.rollback()

        measured = interleaved({"ours": ours, "bare": bare}, bench.rounds)
    words = f"write {len(rows.predictions):,} predictions and {len(rows.explanations):,} contributions"
    return measured.figures(words, Peer("bare", "COPY of ready tuples into the same tables", 1.3))


def _matrix(bench: Bench) -> FeatureMatrix:
    return build_matrix(bench.records, bench.league, MARKET).select(columns_of(bench.league, "market_free"))


def _booster(model: TrainedModel) -> Any:
    if isinstance(model, SklearnModel) and isinstance(model.estimator, LightGbmEstimator):
        return model.estimator.booster
    raise SystemExit("LightGBM cannot load here (install libgomp1): there is nothing to compare with")


def _prediction(game: str, p: float) -> Prediction:
    return Prediction(
        game_id=game,
        model_id="model",
        bet_type=MARKET,
        predicted_side=Selection.HOME,
        probability=p,
        edge=None,
        kelly_fraction=0.0,
        signal_tier=Tier.D,
        line_at_prediction=None,
        odds_at_prediction=None,
        as_of=NOW,
        book=None,
        ev=None,
        push_probability=0.0,
        fair_probability=None,
        model_probability=p,
        calibrated_probability=p,
    )
