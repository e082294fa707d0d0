"""A stored training drawn for review: each candidate's pictures and gate, and the overview of them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.calibration.plots import reliability_diagram
from aipro_ml.calibration.reliability import reliability
from aipro_ml.config import Settings
from aipro_ml.db.repositories.models import StoredModel, production_models
from aipro_ml.db.repositories.trainings import StoredRun
from aipro_ml.evaluation.gate import Gate
from aipro_ml.evaluation.review import Review, ReviewedModel
from aipro_ml.evaluation.review_plots import beeswarm, fold_picture, fold_table
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import sport
from aipro_ml.inference.explain import feature_contributions
from aipro_ml.jobs.datasets import dataset_of
from aipro_ml.jobs.gate import gate_of, published_rows, whole_oof
from aipro_ml.training.artifacts import MODEL
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.oof import market_rows, reference_rows
from aipro_ml.training.plots import importance_chart, skill_by_season
from aipro_ml.training.registry import load_model
from aipro_ml.training.splits import walk_forward

EXPLAINED_ROWS, EXPLAINED_SLOWLY, BACKGROUND_ROWS = 600, 16, 20
"""Games whose contributions are drawn: of a model that knows its own, and where each costs many predictions."""

Picture = tuple[Path, str]


@dataclass(frozen=True)
class Reviewed:
    """A candidate with its run, its artifact's folder, its training data (None: not kept) and its review."""

    run: StoredRun
    folder: Path
    matrix: FeatureMatrix | None
    oof: pd.DataFrame
    model: ReviewedModel


def drawn(engine: Engine, settings: Settings, run: StoredRun, folder: Path) -> Reviewed:
    """Return a candidate's review, its pictures drawn into `folder`; ArtifactError where its artifact is damaged."""
    stored = run.model
    oof = whole_oof(settings, stored)
    place = settings.artifacts_dir / stored.file_path
    with engine.connect() as connection:
        matrix = dataset_of(connection, settings, str(stored.metrics["identity"]["data_hash"]))
        gate = _gate(connection, settings, run)
    published = published_rows(oof, stored.metrics)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [*_reliability(folder, stored.name, oof, published)]
    if len(market_rows(oof)):
        path = skill_by_season(folder / "skill_by_season.png", {stored.name: oof}, title=f"{stored.name}: by season")
        pictures.append((path, "Log loss less the market's by season; below 0 beats it"))
    pictures += _explained(folder, stored, load_model(place / MODEL), matrix)
    reviewed = ReviewedModel(stored.name, stored.framework.value, str(stored.id), published, gate, tuple(pictures))
    return Reviewed(run, place, matrix, oof, reviewed)


def overview(reviewed: Sequence[Reviewed], folder: Path) -> Review:
    """Return the review of the whole training, its pictures drawn into `folder`."""
    first = reviewed[0].run
    identity = first.model.metrics["identity"]
    widest = max((one.matrix for one in reviewed if one.matrix is not None), key=lambda m: m.X.shape[1], default=None)
    return Review(
        sport=first.model.sport,
        bet_type=first.model.bet_type,
        seasons=tuple(identity["test_seasons"]),
        decision_minutes=int(identity["decision_minutes"]),
        games=0 if widest is None else len(widest.X),
        features=0 if widest is None else widest.X.shape[1],
        data_hash=str(identity["data_hash"]),
        board=_board(reviewed),
        models=tuple(one.model for one in reviewed),
        pictures=tuple(_overview_pictures(folder, first, reviewed, widest)),
    )


def _board(reviewed: Sequence[Reviewed]) -> list[dict[str, Any]]:
    """Return the leaderboard the training ended with; of an earlier version only its candidates' own rows were kept."""
    rows = {row["name"]: row for one in reversed(reviewed) for row in one.run.board}
    return sorted(rows.values(), key=lambda row: (row["log_loss"], row["name"]))


def _overview_pictures(
    folder: Path, first: StoredRun, reviewed: Sequence[Reviewed], matrix: FeatureMatrix | None
) -> list[Picture]:
    pictures = []
    shown = {one.model.name: one.oof for one in reviewed if len(market_rows(one.oof))}
    if shown:
        path = skill_by_season(folder / "skill_by_season.png", shown, title="Skill against the market")
        pictures.append((path, "Log loss less the market's by season, with two standard errors; below 0 beats it."))
    if matrix is not None:
        pictures.append((_fold_picture(folder, first, matrix), "Which games each fold learned from and was tested on."))
    return pictures


def _fold_picture(folder: Path, run: StoredRun, matrix: FeatureMatrix) -> Path:
    tested = run.model.metrics["identity"]["test_seasons"]
    given = run.request.get("config", {}).get("train_from")
    burn_in = sport(run.model.sport).config.burn_in_seasons
    train_from = int(matrix.meta["season"].min()) + burn_in if given is None else int(given)
    folds = walk_forward(matrix, test_from=tested[0], test_to=tested[-1], train_from=train_from)
    return fold_picture(folder / "folds.png", fold_table(matrix, folds, train_from), title="Folds: games by season")


def _gate(connection: Connection, settings: Settings, run: StoredRun) -> Gate:
    champion = production_models(connection, run.model.sport).get(run.model.bet_type)
    other = None if champion is None or champion.id == run.model.id else champion
    return gate_of(connection, settings, run.model, other, run.started_at)


def _reliability(folder: Path, name: str, oof: pd.DataFrame, published: pd.DataFrame) -> list[Picture]:
    seed = 20260101
    if published["calibrated"].notna().sum() == 0:
        before = reliability(reference_rows(oof), seed=seed)
        path = reliability_diagram(folder / "reliability.png", before, title=f"{name}: out of fold")
        return [(path, "Reliability before calibration")]
    known = reference_rows(published[published["calibrated"].notna()])
    reports = (reliability(known, column, seed=seed) for column in ("p", "calibrated"))
    path = reliability_diagram(folder / "reliability.png", *reports, title=f"{name}: out of fold, same games")
    return [(path, "Reliability before and after walk-forward calibration, on the same games")]


def _explained(folder: Path, stored: StoredModel, model: TrainedModel, matrix: FeatureMatrix | None) -> list[Picture]:
    chart = importance_chart(folder / "importance.png", model.feature_importance(), title=f"{stored.name}: importance")
    pictures = [(chart, "Importance as the framework tells it")]
    if matrix is None or len(model.outcomes) > 2:
        return pictures
    X = matrix.X[list(model.feature_names)]
    native = model.contributions(X.iloc[-2:]) is not None
    sample = X.sample(min(len(X), EXPLAINED_ROWS if native else EXPLAINED_SLOWLY), random_state=0)
    background = None if native else X.sample(min(len(X), BACKGROUND_ROWS), random_state=1)
    found = feature_contributions(model, sample, background)
    title = f"{stored.name}: what moves its log-odds ({len(sample)} games)"
    path = beeswarm(folder / "shap_summary.png", found, sample, title=title)
    return [(path, "SHAP summary: each dot a game"), *pictures]
