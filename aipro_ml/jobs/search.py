"""Search for parameters: seasons before the first test season, every trial kept, the best written as a candidate."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
import yaml
from sqlalchemy import Engine

from aipro_ml.betting.settlement import MarketRule
from aipro_ml.config import ModelConfig, SearchConfig, Settings
from aipro_ml.db import engine as database
from aipro_ml.db.locks import held
from aipro_ml.db.repositories import reference
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import Sport, sport
from aipro_ml.identity import content_hash
from aipro_ml.jobs.matrices import Decision, columns_of, load_matrix
from aipro_ml.training.registry import candidate, session
from aipro_ml.training.search import Found, Problem, pooled_losses, search, studies
from aipro_ml.training.splits import Folds, walk_forward

_FEATURES = "features"
_MARK = "# Found by `aipro train search`"


@dataclass(frozen=True)
class SearchRequest:
    """What to search: a space called `name` for a sport and bet type, judged on seasons before `test_from`.

    `trials` is the number at which the study ends, those of earlier calls included. `study`: its name; by default
    one derived from everything it depends on. `resume`: the study must be there already; otherwise it must not.
    """

    sport: str
    bet_type: BetType
    name: str
    space: SearchConfig
    test_from: int
    trials: int
    study: str | None = None
    resume: bool = False
    decision_minutes: int | None = None


@dataclass(frozen=True)
class SearchReport:
    """What a search found, and the best point as a candidate of a training configuration."""

    found: Found
    model: ModelConfig
    document: Mapping[str, Any]

    def written(self, path: Path) -> None:
        """Write the training configuration to `path`, whole or not at all; UsageError as `refuse_foreign`."""
        refuse_foreign(path)
        text = f"{_MARK}; train it with `aipro train run --config`.\n" + yaml.safe_dump(
            dict(self.document), sort_keys=False
        )
        building = path.with_name(f".{path.name}.new")
        building.write_text(text, encoding="utf-8")
        building.replace(path)


def refuse_foreign(path: Path) -> None:
    """Raise UsageError where a file that no search wrote is at `path`, or its folder is missing."""
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder for --output")
    if path.exists() and not path.read_text(encoding="utf-8").startswith(_MARK):
        raise UsageError(f"{path}: a file that no search wrote is there: choose another --output")


def find_parameters(
    engine: Engine,
    settings: Settings,
    request: SearchRequest,
    goes_on: Callable[[], bool] = lambda: True,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> SearchReport:
    """Search, keep every trial in Optuna's own database, and return the best point as a candidate.

    One process a study: AiproError where another one is at it.
    """
    league = sport(request.sport)
    matrix = _matrix(engine, league, request)
    folds = _folds(matrix, league, request.space)
    identity = _identity(league, request, matrix, folds)
    study = request.study or f"{league.code.lower()}-{request.bet_type}-{request.name}-{content_hash(identity)[:8]}"

    def judge(values: Mapping[str, Any]) -> Iterator[float]:
        config = _model(request, values)
        made = candidate(config, request.bet_type, request.space.seed, MarketRule(league.config.moneyline))
        return pooled_losses(made, matrix.select(columns_of(league, config.features)), folds)

    url = database.optuna_url(settings)
    with held(engine, "optuna tables"):
        known = studies(url)
    _refuse_name(study, known, resume=request.resume)
    problem = Problem(study, request.space, identity, folds, judge)
    with _alone(engine, study), session(request.space.framework):
        found = search(problem, url, request.trials, goes_on, on_step)
    model = _model(request, found.best[0].values).model_copy(
        update={"name": f"{request.name}_found", "search": found.record}
    )
    return SearchReport(found, model, _document(request, model))


def _matrix(engine: Engine, league: Sport, request: SearchRequest) -> FeatureMatrix:
    """Return the games before the first test season whose results were known when that season began."""
    decision = Decision(request.decision_minutes or league.config.decision_minutes)
    with engine.connect() as connection:
        reference.sport_id(connection, league.code)
        matrix = load_matrix(connection, league, request.bet_type, decision)
    seasons = matrix.meta["season"].to_numpy("int64")
    if not (seasons == request.test_from).any():
        raise UsageError(
            f"first test season {request.test_from}: {league.code} has games of {seasons.min()} to {seasons.max()}"
        )
    begins = pd.Timestamp(matrix.as_of[seasons == request.test_from].min())
    known = (matrix.meta["result_known_at"] <= begins).to_numpy("bool")
    return matrix.take((seasons < request.test_from) & known)


def _folds(matrix: FeatureMatrix, league: Sport, space: SearchConfig) -> Folds:
    if not len(matrix.X):
        raise UsageError(
            "no games before the first test season to search on; test later seasons or import earlier ones"
        )
    first = int(matrix.meta["season"].min()) + league.config.burn_in_seasons
    folds = walk_forward(matrix, train_from=first, min_train_seasons=space.min_train_seasons)
    return Folds(folds.folds[-space.seasons :])


def _identity(league: Sport, request: SearchRequest, matrix: FeatureMatrix, folds: Folds) -> dict[str, Any]:
    return {
        "sport": league.code,
        "bet type": request.bet_type.value,
        "space": request.space.model_dump(mode="json"),
        "data": matrix.sha256,
        "seasons": list(folds.seasons),
    }


def _model(request: SearchRequest, values: Mapping[str, Any]) -> ModelConfig:
    """Return the candidate at one point of the space."""
    space = request.space
    params = {**space.params, **{name: value for name, value in values.items() if name != _FEATURES}}
    return ModelConfig(
        name=request.name,
        framework=space.framework,
        estimator=space.estimator,
        features=values.get(_FEATURES, space.features),
        params=params,
    )


def _document(request: SearchRequest, model: ModelConfig) -> dict[str, Any]:
    space = request.space
    models = {request.bet_type.value: [model.model_dump(mode="json")]}
    return {"seed": space.seed, "min_train_seasons": space.min_train_seasons, "models": models}


def _refuse_name(study: str, known: list[str], *, resume: bool) -> None:
    if resume and study not in known:
        raise UsageError(f"study {study!r}: there is none to resume; there are: {', '.join(known) or 'none'}")
    if not resume and study in known:
        raise UsageError(f"study {study!r} is there already: go on with it by --resume {study}, or choose a --name")


@contextmanager
def _alone(engine: Engine, study: str) -> Iterator[None]:
    """Hold the study while the block runs, so that a trial found running is a dead one."""
    with ExitStack() as stack:
        try:
            stack.enter_context(held(engine, f"search {study}", seconds=5))
        except sa.exc.OperationalError as error:
            raise AiproError(f"study {study!r}: another process is searching it; let it end first") from error
        yield
