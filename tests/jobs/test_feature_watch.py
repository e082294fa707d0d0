"""Features watched: facts of the past imported later, what was served, datasets on disk, versions of a set."""

import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.enums import BetType
from aipro_ml.errors import ArtifactError, StaleDataError, UsageError
from aipro_ml.features.history import History
from aipro_ml.features.sport import sport
from aipro_ml.identity import derive_id
from aipro_ml.jobs.datasets import list_datasets, read_dataset
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.inspection import diff_game, diff_sets, find_game, show_game
from aipro_ml.jobs.matrices import BuildOptions, build_features, plan_features
from aipro_ml.jobs.watch import feature_drift, feature_skew
from tests.fixtures_commands import use
from tests.fixtures_platform import LATER, NOW, SPORT, load

MARKET = {"market_spread", "open_move_spread", "market_moves", "market_move_age_hours"}
ONE = (BetType.MONEYLINE,)

_OTHER_VERSION = (
    """
    INSERT INTO feature_sets (id, sport_id, bet_type, name, version, feature_names, view_ids, is_active, created_at)
    SELECT gen_random_uuid(), sport_id, bet_type, name, 'ffff' || substr(version, 5),
           feature_names - 0 || '["gone"]'::jsonb, view_ids, false, created_at - interval '1 day'
    FROM feature_sets WHERE bet_type = 'moneyline' AND name LIKE '%.all'
    """,
    """
    INSERT INTO feature_vectors (id, feature_set_id, game_id, as_of, feature_values, vector_hash, created_at)
    SELECT gen_random_uuid(), o.id, v.game_id, v.as_of, v.feature_values[2:] || 7.0::float8, v.vector_hash, v.created_at
    FROM feature_vectors v JOIN feature_sets n ON n.id = v.feature_set_id
    JOIN feature_sets o ON o.name = n.name AND o.bet_type = n.bet_type AND o.version = 'ffff' || substr(n.version, 5)
    """,
    """
    UPDATE feature_vectors SET feature_values[1] = feature_values[1] + 0.25
    WHERE id IN (SELECT v.id FROM feature_vectors v JOIN feature_sets o ON o.id = v.feature_set_id
                 WHERE o.version LIKE 'ffff%' ORDER BY as_of, v.id LIMIT 3)
    """,
)
"""An earlier version of the moneyline set: without its first feature, with one of its own, three values changed."""


def build(platform, **changed):
    return build_features(platform.engine, SPORT, ONE, BuildOptions(NOW, **changed))


def run_sql(platform, *statements):
    owner = platform.owner()
    with owner.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    owner.dispose()


@pytest.fixture
def backfilled(trained, league):
    """The trained league after older quotes of one game came to be known; (platform, the game's id)."""
    last = league.games.loc[(league.games["season"] == 2024) & (league.games["week"] == 5)].iloc[0]["game"]
    quotes = league.quotes.loc[(league.quotes["game"] == last) & (league.quotes["market"] == "spread")]
    sign = np.where(quotes["selection"] == "home", 1.0, -1.0)
    older = quotes.assign(recorded_at=quotes["recorded_at"] - pd.Timedelta(hours=9), line=quotes["line"] + 3.0 * sign)
    load(trained, replace(league, quotes=older.reset_index(drop=True)), b"older", NOW)
    return trained, str(derive_id("game", SPORT, last))


def test_a_build_refuses_vectors_whose_facts_were_imported_later_and_names_the_game(backfilled, aipro, monkeypatch):
    platform, game = backfilled
    use(monkeypatch, platform)
    before = platform.snapshot()
    done = aipro(f"features build --sport {SPORT} --bet-type moneyline")
    assert done.code == 3
    assert f"game {game} as of 2024-" in done.err
    assert "aipro features backfill --reason" in done.err
    (told,) = [
        json.loads(row) for row in aipro(f"features plan --sport {SPORT} --bet-type moneyline --json").out.splitlines()
    ]
    assert (told["changed"], told["first_difference"]["game"]) == (1, game)
    assert platform.snapshot() == before


def test_a_backfill_replaces_the_vectors_and_the_audit_log_says_what_and_why(backfilled):
    platform, game = backfilled
    statistics = "SELECT sum(null_rate) FROM feature_statistics WHERE feature_name = 'open_move_spread'"
    (dry,) = build(platform, reason="tried", dry_run=True)
    (report,) = build(platform, reason="older quotes imported")
    assert (dry.changed, dry.written, report.changed, report.written) == (1, 0, 1, 1)
    (act,) = platform.rows("SELECT resource, details FROM audit_logs WHERE action = 'features.backfill'")
    details = act["details"]
    assert {name: details[name] for name in ("sport", "bet_type", "replaced", "added", "reason")} == {
        "sport": SPORT, "bet_type": "moneyline", "replaced": 1, "added": 0, "reason": "older quotes imported",
    }  # fmt: skip
    first = details["first_difference"]
    assert (first["game"], first["feature"] in MARKET) == (game, True)
    assert first["stored"] != first["now"]
    assert platform.one(statistics) is not None
    (after,) = build(platform)
    assert (after.changed, after.missing, after.written) == (0, 0, 0)
    assert after.data_hash == report.data_hash


def test_what_was_published_is_computed_again_without_a_difference(published, aipro, monkeypatch):
    use(monkeypatch, published)
    done = aipro(f"features skew --sport {SPORT} --json")
    reports = {row["bet_type"]: row for row in map(json.loads, done.out.splitlines())}
    served = {
        row["bet_type"]: row["n"]
        for row in published.rows("SELECT bet_type, count(*) AS n FROM fact_predictions GROUP BY bet_type")
    }
    assert done.code == 0
    assert {name: row["predictions"] for name, row in reports.items()} == served
    assert sum(served.values()) == 90
    for row in reports.values():
        assert (row["checked"], row["not_kept"], row["different"], row["values_different"]) == (
            row["predictions"],
            0,
            0,
            0,
        )
        assert row["values"] > 0


def test_a_vector_changed_after_it_was_served_is_found(published, aipro, monkeypatch):
    use(monkeypatch, published)
    run_sql(
        published,
        "UPDATE feature_vectors v SET feature_values[1] = feature_values[1] + 1 FROM fact_predictions p "
        "WHERE v.game_id = p.game_id AND v.as_of = p.as_of AND p.seq = (SELECT min(seq) FROM fact_predictions "
        "WHERE bet_type = 'moneyline')",
    )
    done = aipro(f"features skew --sport {SPORT} --bet-type moneyline")
    assert done.code == 3
    assert "what was served is not what is computed now: moneyline, game " in done.err
    (report,) = feature_skew(published.engine, SPORT, ONE)
    assert (report.different, report.values_different) == (1, 0)
    first = sport(SPORT).columns()[0]
    assert first in report.difference


def test_a_fact_changed_after_it_was_served_is_found(published):
    run_sql(
        published,
        "ALTER TABLE game_revisions DISABLE TRIGGER USER",
        "UPDATE game_revisions SET home_score = home_score + 7",
    )
    (report,) = feature_skew(published.engine, SPORT, ONE)
    assert report.different > 0
    assert report.is_skewed


def test_a_dataset_comes_back_as_the_matrix_it_was_and_a_tampered_file_does_not(own_artifacts):
    rows = list_datasets(own_artifacts.settings)
    assert [row["file"] for row in rows] == ["whole"] * 3
    matrix = read_dataset(own_artifacts.settings, rows[0]["dataset"])
    stored = own_artifacts.rows(
        "SELECT data_hash, row_count, file_path FROM training_datasets WHERE starts_with(data_hash, :begins)",
        begins=rows[0]["dataset"],
    )[0]
    assert (matrix.sha256, len(matrix.X)) == (stored["data_hash"], stored["row_count"])
    place = own_artifacts.settings.artifacts_dir / stored["file_path"]
    content = bytearray(place.read_bytes())
    content[len(content) // 2] ^= 1
    place.write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match="damaged"):
        read_dataset(own_artifacts.settings, rows[0]["dataset"])
    place.unlink()
    states = {row["dataset"]: row["file"] for row in list_datasets(own_artifacts.settings)}
    assert states.pop(rows[0]["dataset"]) == "the dataset is missing"
    assert set(states.values()) == {"whole"}
    with pytest.raises(UsageError, match="datasets begin with 'zz'"):
        read_dataset(own_artifacts.settings, "zz")


def test_two_versions_of_a_set_differ_in_what_was_changed(trained):
    """The version before is the stored one under another name: three values changed, one feature of its own."""
    run_sql(trained, *_OTHER_VERSION)
    found = diff_sets(trained.engine, SPORT, BetType.MONEYLINE, (None, None)).set_index("feature")
    names = sport(SPORT).columns()
    assert set(found.index) == {names[0], names[1], "gone"}
    assert (found.loc["gone", "first"], found.loc[names[0], "first"]) == ("only before", "only after")
    assert (found.loc[names[1], "changed"], found.loc[names[1], "largest"]) == (3, pytest.approx(0.25))
    assert found.loc[names[1], "rows"] == trained.one("SELECT count(*) FROM games WHERE game_date < :now", now=NOW)
    with pytest.raises(UsageError, match="NO is not one stored version"):
        diff_sets(trained.engine, SPORT, BetType.MONEYLINE, ("NO", None))


def test_a_games_features_are_shown_with_their_times_and_differ_between_two_moments(trained, league):
    game = league.games.loc[(league.games["season"] == 2025) & (league.games["week"] == 9)].iloc[0]["game"]
    stored = str(derive_id("game", SPORT, game))
    shown = show_game(trained.engine, SPORT, stored[:10], None, NOW)
    assert shown.game_id == stored
    assert (shown.features["source_time"] <= shown.as_of).all()
    zone = ZoneInfo(sport(SPORT).config.timezone)
    by_day = f"{shown.kickoff.astimezone(zone):%Y-%m-%d} {shown.name}"
    with trained.engine.connect() as connection:
        history = History(load_records(connection, SPORT))
    assert find_game(history, sport(SPORT), by_day) == stored
    month = pd.Timedelta(days=30)
    found = diff_game(trained.engine, SPORT, stored, (shown.as_of - month, None), NOW)
    assert {"elo_home", "market_spread"} <= set(found["feature"])
    with pytest.raises(UsageError, match="names no game"):
        show_game(trained.engine, SPORT, "2025-01-01 XX@YY", None, NOW)
    with pytest.raises(StaleDataError, match="lies in the future"):
        show_game(trained.engine, SPORT, stored, LATER, NOW)


def test_drift_needs_a_season_stored_and_some_before_it(trained):
    found = feature_drift(trained.engine, SPORT, BetType.MONEYLINE)
    assert set(found["feature"]) == set(sport(SPORT).columns())
    with pytest.raises(UsageError, match="season 1990"):
        feature_drift(trained.engine, SPORT, BetType.MONEYLINE, 1990)


def test_a_plan_says_what_a_build_would_write_and_writes_nothing(trained):
    before = trained.snapshot()
    (report,) = plan_features(trained.engine, SPORT, ONE, BuildOptions(LATER))
    assert (report.missing, report.changed, report.pending, report.written) == (16, 0, 0, 0)
    (early,) = plan_features(trained.engine, SPORT, ONE, BuildOptions(NOW))
    assert (early.missing, early.pending) == (0, 16)
    assert trained.snapshot() == before
