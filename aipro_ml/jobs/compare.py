"""Comparison of the stored models of a sport and bet type with each other and with the baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import Settings
from aipro_ml.db.repositories import models, reference
from aipro_ml.db.repositories.models import StoredModel
from aipro_ml.enums import BetType, Framework
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.matrices import Decision, columns_of, load_matrix
from aipro_ml.training.artifacts import read_oof
from aipro_ml.training.baselines import CONSTANT, LOGISTIC, baselines
from aipro_ml.training.comparison import ComparedRow, compared
from aipro_ml.training.leaderboard import BASELINE, MARKET, Entry, baseline_entries
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import Folds, walk_forward
from aipro_ml.training.stacking import market_blend, stack
from aipro_ml.training.walkforward import out_of_fold

STACK_NOW, BLEND_NOW = "(stack)", "(blend)"
"""Rows made of the compared models for the comparison alone: their pool, and its blend with the market."""

SEED = 20260101
"""Seeds the resampling of weeks; a fixed part of the comparison."""


@dataclass(frozen=True)
class ComparisonRequest:
    """Which models: those whose ids begin as in `models`, by default the newest of each name.

    `against`: a row's name, or how a model's id begins; by default the market, the constant where no game has one.
    """

    sport: str
    bet_type: BetType
    models: tuple[str, ...] = ()
    against: str | None = None


@dataclass(frozen=True)
class ComparisonReport:
    """The rows, the ids and production marks behind them, coefficients of the pools, and what a reader must know."""

    rows: tuple[ComparedRow, ...]
    models: Mapping[str, StoredModel]
    against: str
    coefficients: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]

    @property
    def fields(self) -> list[dict[str, Any]]:
        """Return the rows of the table: each row's model id in short, `*` behind the one in production."""
        return [{"name": row.name, "model": self._short(row.name), **row.fields} for row in self.rows]

    def _short(self, name: str) -> str | None:
        model = self.models.get(name)
        return None if model is None else f"{str(model.id)[:8]}{'*' if model.is_production else ''}"


def compare_models(engine: Engine, settings: Settings, request: ComparisonRequest) -> ComparisonReport:
    """Compare stored models on the games all of them tested, with the baselines of the same seasons.

    UsageError where there is none, or where named models were not decided at the same moment before kick-off.
    """
    league = sport(request.sport)
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        chosen, notes = _chosen(connection, league, request)
        minutes = _minutes(chosen[0])
        matrix = load_matrix(connection, league, request.bet_type, Decision(minutes))
    named = _named(chosen)
    oofs = {name: read_oof(settings.artifacts_dir / model.file_path) for name, model in named.items()}
    labelled, changed = _labelled(oofs, matrix)
    notes += changed
    entries = [Entry(name, named[name].framework, oof) for name, oof in labelled.items()]
    pools, coefficients = _pools(entries)
    entries += [*pools, *_baselines(league, matrix, request, chosen, oofs)]
    against = _against(named, entries, request.against)
    return ComparisonReport(compared(entries, against, SEED), named, against, coefficients, tuple(notes))


def _chosen(connection: Any, league: Sport, request: ComparisonRequest) -> tuple[list[StoredModel], list[str]]:
    """Return the models to compare, all decided at the same moment, and notes on those left out."""
    about = f"{league.code} {request.bet_type}"
    if request.models:
        chosen = [models.find_model(connection, one) for one in request.models]
        for model in chosen:
            if (model.sport, model.bet_type) != (league.code, request.bet_type):
                raise UsageError(f"model {_short(model)} is of {model.sport} {model.bet_type}, not of {about}")
        if len({_minutes(model) for model in chosen}) > 1:
            told = ", ".join(f"{_short(model)}: {_minutes(model)}" for model in chosen)
            raise UsageError(
                f"these models decide at different minutes before kick-off ({told}): the market then differs"
            )
        return chosen, []
    found = models.list_models(connection, league.code, request.bet_type)
    newest = list({model.name: model for model in reversed(found)}.values())[::-1]
    if not newest:
        raise UsageError(
            f"no model of {about} is stored: run `aipro train run --sport {league.code} --bet-type {request.bet_type}`"
        )
    kept = [model for model in newest if _minutes(model) == _minutes(newest[0])]
    left = [model for model in newest if model not in kept]
    return kept, [
        f"{model.name} {_short(model)} left out: it decides {_minutes(model)} minutes before" for model in left
    ]


def _minutes(model: StoredModel) -> int:
    return int(model.metrics["identity"]["decision_minutes"])


def _short(model: StoredModel) -> str:
    return str(model.id)[:8]


def _named(chosen: Sequence[StoredModel]) -> dict[str, StoredModel]:
    """Return the models by their names, with the id behind a name that is not the only one."""
    names = [model.name for model in chosen]
    return {model.name if names.count(model.name) == 1 else f"{model.name} {_short(model)}": model for model in chosen}


def _against(named: Mapping[str, StoredModel], entries: Sequence[Entry], asked: str | None) -> str:
    """Return the name of the row the others are paired with."""
    if asked is None:
        return MARKET if any(entry.name == MARKET for entry in entries) else CONSTANT
    found = [name for name, model in named.items() if str(model.id).startswith(asked.lower())]
    return found[0] if len(found) == 1 else asked


def _labelled(oofs: Mapping[str, pd.DataFrame], matrix: FeatureMatrix) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the frames with today's labels; a note where a model was judged by others when it was trained."""
    labelled, notes = {}, []
    y = pd.Series(matrix.y)
    for name, oof in oofs.items():
        now = y.reindex(oof.index)
        known = oof.loc[now.notna()].assign(y=now)
        moved = int((known["y"] != oof.loc[known.index, "y"]).sum()) + len(oof) - len(known)
        if moved:
            notes.append(f"{name}: {moved} of its {len(oof)} games have another result now, or none")
        labelled[name] = known
    return labelled, notes


def _pools(entries: Sequence[Entry]) -> tuple[list[Entry], tuple[Mapping[str, Any], ...]]:
    """Return the pool of the compared models and its blend with the market, and their coefficients."""
    members = {entry.name: entry.oof for entry in entries if entry.framework != Framework.ENSEMBLE}
    if not members:
        return [], ()
    name, oof = next(iter(members.items()))
    found, told = [], []
    if len(members) > 1:
        made = stack(members)
        name, oof = STACK_NOW, made.oof
        found.append(Entry(STACK_NOW, BASELINE, oof))
        told += [{"row": STACK_NOW, **each} for each in made.pool.rows(list(members))]
    blend = market_blend(oof)
    if blend is not None:
        found.append(Entry(BLEND_NOW, BASELINE, blend.oof))
        told += [{"row": BLEND_NOW, **each} for each in blend.pool.rows([name, MARKET])]
    return found, tuple(told)


def _baselines(
    league: Sport,
    matrix: FeatureMatrix,
    request: ComparisonRequest,
    chosen: Sequence[StoredModel],
    oofs: Mapping[str, pd.DataFrame],
) -> list[Entry]:
    """Return constant, Elo, market and, where no model is one, logistic regression on the seasons all models tested."""
    seasons = set.intersection(*({int(season) for season in oof["season"].unique()} for oof in oofs.values()))
    if not seasons:
        raise UsageError("the models tested no season in common: train them on the same test seasons")
    folds = _folds(league, matrix, seasons)
    entries = baseline_entries(baselines(matrix, folds, request.bet_type))
    if all(model.metrics["identity"]["config"]["estimator"] != LOGISTIC.estimator for model in chosen):
        made = candidate(LOGISTIC, request.bet_type, SEED, MarketRule(league.config.moneyline))
        free = matrix.select(columns_of(league, LOGISTIC.features))
        entries.append(Entry(LOGISTIC.name, BASELINE, out_of_fold(made, free, folds)))
    return entries


def _folds(league: Sport, matrix: FeatureMatrix, seasons: set[int]) -> Folds:
    first = int(matrix.meta["season"].min()) + league.config.burn_in_seasons
    folds = walk_forward(matrix, test_from=min(seasons), test_to=max(seasons), train_from=first)
    return Folds(tuple(fold for fold in folds if fold.season in seasons))
