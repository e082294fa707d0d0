"""Generated NHL and MLB seasons in their sources' layouts: imported as files, matched, and modelled walk-forward."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aipro_ml.config import Settings, training_config
from aipro_ml.enums import BetType
from aipro_ml.features.sport import sport
from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.matrices import Decision, load_matrix
from aipro_ml.training.baselines import baselines
from aipro_ml.training.leaderboard import Entry, baseline_entries, leaderboard
from aipro_ml.training.registry import candidate
from aipro_ml.training.splits import walk_forward
from aipro_ml.training.walkforward import out_of_fold
from benchmarks.league_files import generate_files
from tests.fixtures_platform import Platform
from tests.soak import size

pytestmark = pytest.mark.slow
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FULL = [("NHL", 82, 1312), ("MLB", 54, 2430)]
SEASONS = 3
SOURCES = {"NHL": ("results-nhl", "odds-api-days"), "MLB": ("odds-api-scores", "odds-api-folder")}


@pytest.mark.parametrize(("code", "rounds", "games"), size(FULL[:1], FULL))
def test_every_game_is_matched_and_the_market_knows_more_than_elo_and_elo_than_nothing(
    database_settings: Settings, tmp_path: Path, code: str, rounds: int, games: int
) -> None:
    made = generate_files(code, tmp_path, SEASONS, seed=1, rounds=rounds)
    results, odds = SOURCES[code]
    options = ImportOptions(NOW)
    first = import_source(database_settings, Request(results, tuple(map(str, made.results)), code), options)
    assert [report.games_inserted for report in first] == [games] * SEASONS
    (priced,) = import_source(database_settings, Request(odds, (str(made.odds),), code), options)
    assert (priced.games_matched, priced.games_inserted, priced.findings) == (games * SEASONS, 0, ())
    platform = Platform(database_settings)
    with platform.engine.connect() as connection:
        matrix = load_matrix(connection, sport(code), BetType.MONEYLINE, Decision(1))
    platform.close()
    # divisions are dated from 2021 on in the NHL, later than the generated seasons
    assert matrix.X.drop(columns=["same_division", "same_conference"]).notna().mean().min() > 0.7
    last = int(matrix.meta["season"].max())
    folds = walk_forward(matrix, test_from=last, test_to=last)
    entries = baseline_entries(baselines(matrix, folds, BetType.MONEYLINE))
    (model,) = [one for one in training_config().models[BetType.MONEYLINE] if one.estimator == "logistic_regression"]
    free = matrix.select(sport(code).columns(("market_free",)))
    entries.append(Entry("logistic", "sklearn", out_of_fold(candidate(model, BetType.MONEYLINE, 1), free, folds)))
    loss = {row.name: row.log_loss for row in leaderboard(entries, seed=1)}
    assert loss["market"] < min(loss["elo"], loss["logistic"])
    assert max(loss["elo"], loss["logistic"]) < loss["constant"] + 0.002
