"""A back-fill of a whole long league, three bet types a game: facts, features, boards, probabilities, predictions.

As a command it runs one in a process of its own and prints that process's peak of memory.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.config import policy_config
from aipro_ml.db.repositories.quotes import all_quotes
from aipro_ml.enums import BetType
from aipro_ml.features.build import MatrixRequest, build_matrices
from aipro_ml.features.history import History
from aipro_ml.features.market import fresh_consensus
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import sport
from aipro_ml.identity import derive_id
from aipro_ml.inference.policy import build_policy
from aipro_ml.inference.predictor import ModelScores, predict_slate, reference_probability
from aipro_ml.inference.quotes import market_boards
from aipro_ml.jobs import database
from aipro_ml.jobs.distributions import distributions_before
from aipro_ml.jobs.facts import load_records
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import trainable
from benchmarks.league import Bench, candidate_config, settings_of
from benchmarks.timing import Figure, Peer, interleaved, slope

TRAINED_ON = 1200
LIMIT_GB = 1.5


@dataclass(frozen=True)
class Replay:
    """The models of a back-fill, by bet type."""

    code: str
    models: Mapping[BetType, TrainedModel]

    def run(self, connection: Connection) -> int:
        """Predict every game of the sport at its usual moment; return how many predictions there are."""
        return self.predicted(load_records(connection, self.code, reference_closes=True))

    def predicted(self, records: Records) -> int:
        """Predict every game of `records`, as `run` does."""
        league = sport(self.code)
        history = History(records)
        matrices = build_matrices(history, league, list(self.models), MatrixRequest(with_labels=False))
        scores = [_scores(bet_type, model, matrices[bet_type]) for bet_type, model in self.models.items()]
        return len(self._predictions(history, scores, next(iter(matrices.values()))))

    def _predictions(self, history: History, scores: Sequence[ModelScores], matrix: FeatureMatrix) -> Sequence[object]:
        league = sport(self.code)
        games = pd.DataFrame({"as_of": matrix.as_of, "kickoff": matrix.meta["kickoff"]})
        entities = history.schedule(list(games.index), games["as_of"])
        quotes = history.quotes(entities, league.config.quote_max_age_hours)
        lines = fresh_consensus(entities, history, league.config)
        boards = market_boards(quotes, list(self.models), league.config.devig, lines=lines)
        spreads = distributions_before(history, league, int(matrix.meta["season"].max()))
        return predict_slate(scores, games, boards, spreads, build_policy(policy_config(), self.code, {})).predictions


def backfilling(bench: Bench) -> list[Figure]:
    """Measure the back-fill of the longest league against the read of its odds and the models' answers alone."""
    replay, X = _trained(bench.engine, bench.longest.code)
    sport_id = derive_id("sport", replay.code)

    whole: list[float] = []

    def ours() -> None:
        with bench.engine.connect() as connection:
            records = load_records(connection, replay.code, reference_closes=True)
        start = time.perf_counter()
        replay.predicted(records)
        whole.append(time.perf_counter() - start)

    def least() -> None:
        with bench.engine.connect() as connection:
            all_quotes(connection, sport_id)
        for model in replay.models.values():
            model.predict_proba(X)

    few, growth = _first_seasons(bench.engine, replay.code)
    cases = {"ours": ours, "least": least, "few": lambda: replay.predicted(few)}
    measured = interleaved(cases, bench.rounds)
    few_seconds = measured.seconds["few"]
    words = f"back-fill of {bench.longest.games:,} games × {len(replay.models)} without SHAP"
    return [
        *measured.figures(words, Peer("least", "odds read and predict", 2.5)),
        slope("predicting, without the read", few_seconds, tuple(whole[-len(few_seconds) :]), growth),
        _memory(bench, replay),
    ]


def _trained(engine: Engine, code: str) -> tuple[Replay, pd.DataFrame]:
    league = sport(code)
    with engine.connect() as connection:
        records = load_records(connection, code)
    matrices = build_matrices(records, league, league.bet_types)
    models = {}
    for bet_type, matrix in matrices.items():
        config = candidate_config(bet_type)
        rows = trainable(matrix, int(matrix.meta["season"].min()))[:TRAINED_ON]
        (chosen,) = config.models[bet_type]
        models[bet_type] = candidate(chosen, bet_type, config.seed).fit(matrix.take(rows))
    return Replay(code, models), matrix.X


def _first_seasons(engine: Engine, code: str) -> tuple[Records, float]:
    """Return the facts of a quarter of the league's games, the first, and how many times as many there are."""
    with engine.connect() as connection:
        records = load_records(connection, code)
    kickoffs = records.games.drop_duplicates("game_id")["kickoff"].sort_values(ignore_index=True)
    end = kickoffs.iloc[-(-len(kickoffs) // 4)]
    games = set(records.games.loc[records.games["kickoff"] < end, "game_id"])
    few = {
        name: frame.loc[frame["game_id"].isin(games)].reset_index(drop=True)
        for name, frame in (("games", records.games), ("odds", records.odds), ("closing", records.closing))
    }
    return replace(records, **few), len(kickoffs) / len(games)


def _memory(bench: Bench, replay: Replay) -> Figure:
    file = bench.settings.home / "replay.joblib"
    joblib.dump(replay, file)
    arguments = [sys.executable, "-m", "benchmarks.backfill", str(bench.settings.home), str(file)]
    told = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    peak = json.loads(told.splitlines()[-1])["peak_gb"]
    return Figure(f"peak memory of that back-fill from {bench.longest.quotes:,} odds", "GB", (peak,), bar=LIMIT_GB)


def _scores(bet_type: BetType, model: TrainedModel, matrix: FeatureMatrix) -> ModelScores:
    X = matrix.select(model.feature_names).X
    return ModelScores(bet_type, f"bench-{bet_type}", reference_probability(model, X))


def main() -> None:
    home, file = map(Path, sys.argv[1:])
    replay: Replay = joblib.load(file)
    with database.opened(settings_of(home)) as engine, engine.connect() as connection:
        predictions = replay.run(connection)
    print(json.dumps({"predictions": predictions, "peak_gb": _peak_gb()}))


def _peak_gb() -> float:
    """Return this process's own peak; `ru_maxrss` would begin with that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) / 1024**2


if __name__ == "__main__":
    main()
