"""The evidence a promotion is decided on: artifact, training data, results and live predictions, then the verdict."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from aipro_ml.betting.settlement import SettlementRules, settle_reference
from aipro_ml.calibration.blend import with_published
from aipro_ml.calibration.choice import choose, with_calibrated
from aipro_ml.config import GateConfig, Settings, gates_config
from aipro_ml.db.repositories import acts, games, models
from aipro_ml.enums import CalibrationMethod, GameStatus
from aipro_ml.errors import AiproError, ArtifactError
from aipro_ml.evaluation.evidence import Evidence, Shadow
from aipro_ml.evaluation.gate import Gate, judge
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import sport
from aipro_ml.jobs.datasets import dataset_of
from aipro_ml.jobs.matrices import columns_of
from aipro_ml.jobs.system_settings import settings_over
from aipro_ml.training.artifacts import artifact_hash, read_oof
from aipro_ml.training.oof import is_three_way, said_in


def gate_of(
    connection: Connection,
    settings: Settings,
    model: models.StoredModel,
    champion: models.StoredModel | None,
    now: datetime,
) -> Gate:
    """Return what the gate of the model's sport and bet type says of it today; ArtifactError where it is damaged."""
    return judge(_evidence(connection, settings, model, champion, now), limits_of(connection, settings, model))


def limits_of(connection: Connection, settings: Settings, model: models.StoredModel) -> GateConfig:
    """Return the limits of the model's sport and bet type, `system_settings` included."""
    changed = settings_over(connection, settings.overrides, f"gate.{model.sport}.{model.bet_type}.")
    return gates_config().gate(model.sport, model.bet_type, changed)


def whole_oof(settings: Settings, model: models.StoredModel) -> pd.DataFrame:
    """Return the out-of-fold frame of a model whose artifact is whole and the one the database names."""
    folder = settings.artifacts_dir / model.file_path
    oof = read_oof(folder)
    if artifact_hash(folder) != model.metrics.get("artifact_hash"):
        raise ArtifactError(f"{folder}: not the artifact the database names; train the model again")
    return oof


def published_rows(oof: pd.DataFrame, metrics: Any) -> pd.DataFrame:
    """Return the out-of-fold frame with `calibrated` and `published`: walk-forward, by earlier seasons only.

    A model not calibrated yet is taken as calibration would choose by its rule.
    """
    stored = metrics.get("calibration")
    method = choose(oof).method if stored is None else CalibrationMethod(stored["method"])
    return with_published(with_calibrated(oof, method))


def _evidence(
    connection: Connection,
    settings: Settings,
    model: models.StoredModel,
    champion: models.StoredModel | None,
    now: datetime,
) -> Evidence:
    league = sport(model.sport)
    rows = published_rows(whole_oof(settings, model), model.metrics)
    names = tuple(str(name) for name in model.metrics.get("features", ()))
    matrix = dataset_of(connection, settings, str(model.metrics["identity"]["data_hash"]))
    free = set(columns_of(league, "market_free"))
    return Evidence(
        bet_type=model.bet_type,
        rows=rows,
        feature_names=names,
        unknown=tuple(name for name in names if name not in set(league.columns())),
        features=None if matrix is None else matrix.X[[name for name in matrix.feature_names if name in free]],
        settled=None if matrix is None else _settled(connection, model, matrix),
        flagged=model.metrics.get("leak") == "suspected_leak",
        champion=_champion_published(settings, champion),
        shadow=_shadow(connection, model, champion, now),
        weight=(model.metrics.get("blend") or {}).get("model_coef"),
    )


def _settled(connection: Connection, model: models.StoredModel, matrix: FeatureMatrix) -> pd.Series | None:
    """Return the labels of the training data's lines by the scores stored today."""
    played = games.schedule(connection, model.sport).set_index("game_id").reindex(matrix.X.index.astype(str))
    final = (played["status"] == GameStatus.FINAL).to_numpy("bool")
    home, away = (np.where(final, played[name].astype("float64"), np.nan) for name in ("home_score", "away_score"))
    rules = SettlementRules.of(sport(model.sport).config)
    longer = played["overtime"].eq(other=True)
    home, away = rules.counted(model.bet_type, home, away, longer)
    line = matrix.meta["line"].to_numpy("float64")
    y = (np.sign(home - away) + 1) / 2 if matrix.three_way else settle_reference(model.bet_type, line, home, away)
    return pd.Series(y, index=matrix.X.index, dtype="float64")


def _champion_published(settings: Settings, champion: models.StoredModel | None) -> pd.DataFrame | None:
    if champion is None:
        return None
    try:
        rows = said_in(published_rows(whole_oof(settings, champion), champion.metrics), "published")
    except (AiproError, KeyError):  # a broken champion must not keep a whole challenger out
        return pd.DataFrame({"p": pd.Series(dtype="float64")})
    return rows[["p", "p_draw"] if is_three_way(rows) else ["p"]]


def _shadow(
    connection: Connection, model: models.StoredModel, champion: models.StoredModel | None, now: datetime
) -> Shadow | None:
    if champion is None or acts.live_predictions(connection, champion.id)[1] == 0:
        return None
    first, count = acts.live_predictions(connection, model.id)
    days = 0.0 if first is None else (now - first).total_seconds() / 86400
    return Shadow(max(days, 0.0), count)
