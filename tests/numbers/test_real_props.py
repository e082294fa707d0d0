"""The NFL's real player props of 2022, as docs/props.md prints them: level with the market and no better."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from aipro_ml import metrics
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.importing import import_nflverse
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_boxes import import_boxes
from aipro_ml.jobs.ingest_props import import_props
from aipro_ml.jobs.props_train import PropsTraining, train_props
from tests.fixtures_platform import Platform
from tests.soak import SOAK

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.slow,
    pytest.mark.skipif(not SOAK, reason="four minutes of imports and training: AIPRO_SOAK=1"),
]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


def test_real_props_of_2022_are_level_with_the_market(platform, shared_data, nflverse_file, tmp_path):
    games = pd.read_csv(nflverse_file, dtype="string")
    games.loc[games["season"] >= "2015"].to_csv(tmp_path / "games.csv", index=False)
    options = ImportOptions(NOW)
    import_nflverse(platform.settings, str(tmp_path / "games.csv"), options)
    nfl = shared_data / "nfl"
    import_boxes(platform.settings, "nfl-team-weeks", [str(nfl / "team_week_stats")], options)
    import_boxes(platform.settings, "nfl-player-weeks", [str(nfl / "player_week_hvpkod_2015_2022.tar.gz")], options)
    import_boxes(platform.settings, "nfl-player-seasons", [str(nfl / "player_season_stats")], options)
    import_props(platform.settings, "nfl-props", [str(nfl / "actionnet")], options)
    actor = Actor(login="tests")
    report = train_props(platform.engine, platform.settings, PropsTraining("NFL", NOW, NOW, actor, dry_run=True))
    every = {row["prop"]: row for row in report.scores.rows}
    told = every["all"]
    assert told["n"] == pytest.approx(4844, abs=30)
    assert told["market_log_loss"] == pytest.approx(0.6880, abs=0.001)
    assert told["model_log_loss"] > told["calibrated_log_loss"] > told["market_log_loss"]
    assert told["published_log_loss"] == pytest.approx(told["market_log_loss"], abs=0.003)
    # far ahead of the line would be a leak, or rows that only exist where the over came
    assert all(row["published_behind"] > -0.01 for row in every.values())
    lines = report.lines.loc[report.lines["y"].notna() & report.lines["fair"].notna()]
    over = metrics.wilson_interval(float(lines["y"].sum()), len(lines))
    assert over[0] < lines["fair"].mean() < over[1]
