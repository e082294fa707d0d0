"""Materialised features: stored once, never changed, with the ratings and counts readers look for."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from aipro_ml.enums import BetType
from aipro_ml.errors import GuardError, UsageError
from aipro_ml.features.sport import sport
from aipro_ml.jobs.matrices import BuildOptions, build_features
from tests.fixtures_platform import LATER, NOW, SPORT, load, played

AGAIN = BuildOptions(NOW + timedelta(hours=1))


def build(platform, options=AGAIN):
    return build_features(platform.engine, SPORT, tuple(BetType), options)


def test_every_decided_game_has_a_vector_for_each_bet_type_and_no_game_yet_to_be_decided_has_one(trained):
    games = trained.one("SELECT count(*) FROM games WHERE game_date - interval '1 minute' <= :now", now=NOW)
    assert games == trained.one("SELECT count(*) FROM games") - 16  # the open week kicks off after NOW
    rows = trained.rows(
        "SELECT s.bet_type, count(*) AS n, count(DISTINCT v.game_id) AS games, max(v.as_of - g.game_date) AS latest, "
        "min(array_length(v.feature_values, 1)) AS least FROM feature_vectors v "
        "JOIN feature_sets s ON s.id = v.feature_set_id JOIN games g ON g.id = v.game_id GROUP BY s.bet_type"
    )
    assert {row["bet_type"]: (row["n"], row["games"]) for row in rows} == {b.value: (games, games) for b in BetType}
    assert {row["latest"] for row in rows} == {timedelta(minutes=-1)}
    assert {row["least"] for row in rows} == {len(sport(SPORT).columns())}


def test_building_again_writes_nothing(trained):
    before = trained.snapshot()
    assert [report.written for report in build(trained)] == [0, 0, 0]
    assert trained.snapshot() == before


def test_a_dry_run_writes_nothing_and_finds_the_same_table(trained):
    before = trained.snapshot()
    reports = build(trained, BuildOptions(LATER, dry_run=True))
    assert [(report.missing, report.written) for report in reports] == [(16, 0)] * 3
    assert trained.snapshot() == before
    built = build(trained, BuildOptions(LATER))
    assert [report.data_hash for report in built] == [report.data_hash for report in reports]
    assert trained.snapshot() != before


def test_results_that_come_later_change_no_stored_vector(trained, league):
    load(trained, played(league), b"played")
    reports = build(trained, BuildOptions(LATER))
    assert [(report.changed, report.written) for report in reports] == [(0, 16)] * 3  # the open week's own rows


def test_a_vector_that_would_change_is_refused_and_the_stored_one_stays(trained):
    with trained.owner().begin() as connection:
        connection.execute(sa.text("ALTER TABLE game_revisions DISABLE TRIGGER USER"))
        connection.execute(
            sa.text(
                "UPDATE game_revisions SET home_score = home_score + 30 WHERE id = (SELECT r.id FROM game_revisions r "
                "JOIN games g ON g.id = r.game_id WHERE r.status = 'final' ORDER BY g.game_date LIMIT 1)"
            )
        )
    before = trained.snapshot()
    with pytest.raises(GuardError, match=r"game .+ as of .+: its stored features differ from those computed now"):
        build(trained)
    assert trained.snapshot() == before


def test_each_team_shows_its_present_rating_and_each_game_leaves_one(trained):
    finals = trained.one("SELECT count(*) FROM games WHERE status = 'final'")
    assert trained.one("SELECT count(*) FROM team_ratings") == 2 * finals
    unrated = "SELECT count(*) FROM teams WHERE elo_rating IS NULL"
    assert trained.one(unrated) == 0
    differing = trained.rows(
        "SELECT t.id FROM teams t JOIN LATERAL (SELECT rating FROM team_ratings r WHERE r.team_id = t.id "
        "ORDER BY as_of DESC LIMIT 1) last ON TRUE WHERE last.rating <> t.elo_rating"
    )
    assert differing == []
    assert trained.one("SELECT stddev(elo_rating) FROM teams") > 30


def test_the_sport_shows_how_many_features_it_has(trained):
    stored = trained.one("SELECT feature_count FROM sports WHERE code = :code", code=SPORT)
    assert stored == len(sport(SPORT).columns())


def test_the_store_names_every_column_of_a_set(trained):
    defined = {row["name"] for row in trained.rows("SELECT name FROM feature_definitions")}
    for row in trained.rows("SELECT feature_names FROM feature_sets"):
        assert set(row["feature_names"]) <= defined
    assert defined == set(sport(SPORT).columns())


def test_a_sport_without_data_says_what_is_stored(trained):
    with pytest.raises(UsageError, match=r"no data of sport NFL: import it first \(stored sports: SIM-NFL\)"):
        build_features(trained.engine, "NFL", tuple(BetType), AGAIN)
