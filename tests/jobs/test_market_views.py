"""What readers ask of the market, from a database filled by imports: every derived table is shown somewhere."""

from datetime import UTC, datetime

import pytest

from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.jobs.ingest import ImportOptions, import_batch
from aipro_ml.jobs.market import derive_sport
from aipro_ml.jobs.market_views import ComparisonRequest, board, closes, devig_comparisons, moves, open_consensus
from tests.fixtures_platform import NOW, Platform
from tests.market.random_market import steps

SPORT = "SIM-NFL"
END = datetime(2024, 9, 30, tzinfo=UTC)


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    for number, step in enumerate(steps(4, imports=9)):
        options = ImportOptions(step.now)
        import_batch(opened.engine, opened.settings, step.batch, content=f"{number}".encode(), options=options)
    yield opened
    opened.close()


def test_the_board_of_a_game_shows_openings_closes_moves_and_stored_consensus(platform):
    derive_sport(platform.engine, SPORT, END)
    busiest = platform.rows("SELECT game_id FROM closing_lines GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")[0][
        "game_id"
    ]
    found = board(platform.engine, str(busiest)[:13], END)
    stored = platform.rows("SELECT * FROM closing_lines WHERE game_id = :g AND closing_price IS NOT NULL", g=busiest)
    assert found.moment == "close"
    assert len(found.books) == len({(row["market_type"], row["sportsbook_id"]) for row in stored})
    assert len(found.moves) == platform.one("SELECT count(*) FROM odds_movements WHERE game_id = :g", g=busiest)
    assert len(found.consensus) == platform.one("SELECT count(*) FROM consensus_lines WHERE game_id = :g", g=busiest)
    assert found.at.to_pydatetime().replace(tzinfo=None) == max(row["closed_at"] for row in stored)


def test_a_board_seen_from_an_earlier_moment_knows_nothing_later(platform):
    derive_sport(platform.engine, SPORT, END)
    moment = datetime(2024, 9, 6, 2, tzinfo=UTC)
    for row in platform.rows("SELECT id FROM games"):
        found = board(platform.engine, str(row["id"]), moment)
        assert found.moment == "now"
        for frame, column in ((found.moves, "detected_at"), (found.consensus, "calculated_at")):
            assert (frame[column] <= moment).all()
        if len(found.books):
            assert (found.books["age_hours"] >= 0).all()


def test_a_game_nobody_calls_so_is_refused(platform):
    with pytest.raises(UsageError, match="no game 'nowhere'"):
        board(platform.engine, "nowhere", END)


def test_the_consensus_of_open_games_is_stored_once_and_a_dry_run_stores_none(platform):
    moment = datetime(2024, 9, 6, 4, tzinfo=UTC)
    count = "SELECT count(*) FROM consensus_lines WHERE calculated_at = '2024-09-06 04:00'"
    assert len(open_consensus(platform.engine, SPORT, moment, dry_run=True)) > 0
    assert platform.one(count) == 0
    shown = open_consensus(platform.engine, SPORT, moment)
    open_consensus(platform.engine, SPORT, moment)
    assert platform.one(count) == len(shown) > 0
    assert (shown["kickoff"] > moment).all()


def test_closes_and_moves_count_what_is_stored(platform):
    derive_sport(platform.engine, SPORT, END)
    assert closes(platform.engine, SPORT)["sides"].sum() == platform.one("SELECT count(*) FROM closing_lines")
    told = moves(platform.engine, SPORT, END)
    assert len(told) == platform.one("SELECT count(*) FROM odds_movements")
    assert (told["age_hours"] >= 0).all()


def test_methods_are_compared_on_the_closes_of_a_whole_league(trained):
    derive_sport(trained.engine, SPORT, NOW)
    found = devig_comparisons(trained.engine, SPORT, tuple(BetType), ComparisonRequest())
    assert {each.bet_type for each in found} == set(BetType)
    assert all(0.5 < score.log_loss < 0.72 for each in found for score in each.scores)
    with pytest.raises(UsageError, match="no book 'Nobody'"):
        devig_comparisons(trained.engine, SPORT, tuple(BetType), ComparisonRequest(book="Nobody"))
