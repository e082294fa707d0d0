"""Import of an nflverse file into a real database: once, again, corrected, spoiled and interrupted."""

import csv
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from aipro_ml.db.repositories import odds
from aipro_ml.errors import AiproError, DataFileError
from aipro_ml.features.history import History
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.importing import League, import_nflverse, import_synthetic
from aipro_ml.jobs.ingest import ImportOptions
from tests.fixtures_platform import Platform
from tests.jobs.nflverse_file import FIRST, as_csv, as_gzip, scheduled, season_rows

NOW = datetime(2022, 10, 1, 12, tzinfo=UTC)
LATER = datetime(2022, 10, 5, 9, 30, tzinfo=UTC)
BEFORE_SEASON = datetime(2022, 5, 12, tzinfo=UTC)
NAIVE_LATER = LATER.replace(tzinfo=None)
BAD = {"away_team": "XXX"}


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def bring(platform, tmp_path):
    """Import rows (or bytes) of a games file at a moment."""

    def run(rows, now=NOW, name="games.csv", **options):
        place = tmp_path / name
        place.write_bytes(rows if isinstance(rows, bytes) else as_csv(rows))
        return import_nflverse(platform.settings, str(place), ImportOptions(now, **options))

    return run


def at(*parts):
    """Return the time as the driver gives it: UTC without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def game_of(platform, external_id=FIRST):
    (row,) = platform.rows("SELECT * FROM games WHERE external_id = :id", id=external_id)
    return row


def revisions(platform, external_id=FIRST):
    return platform.rows("SELECT * FROM game_revisions WHERE source_game_id = :id ORDER BY revision", id=external_id)


def prices(platform, market="moneyline", selection="home", external_id=FIRST):
    return platform.rows(
        "SELECT o.price, o.line, o.recorded_at, o.is_current FROM odds o JOIN games g ON g.id = o.game_id "
        "WHERE g.external_id = :id AND o.market_type = :market AND o.selection = :side ORDER BY o.recorded_at",
        id=external_id,
        market=market,
        side=selection,
    )


def test_a_first_import_lands_games_revisions_quotes_and_closing_lines(platform, bring):
    report = bring(season_rows())
    assert (report.games_read, report.games_inserted, report.revisions) == (12, 12, 24)
    assert (report.quotes, report.closing_lines, report.rejected) == (72, 72, 0)
    assert platform.one("SELECT count(*) FROM games WHERE status = 'final'") == 12
    assert platform.one("SELECT count(*) FROM odds WHERE is_current") == 72
    game = game_of(platform)
    assert game["game_date"] == at(2021, 9, 12, 17)
    schedule, result = revisions(platform)
    assert (schedule["status"], schedule["home_score"], result["home_score"]) == ("scheduled", None, 18)
    assert schedule["known_at"] == at(2021, 9, 5, 17)
    assert result["known_at"] == game["game_date"] + timedelta(hours=4)


def test_signs_of_lines_are_those_of_the_selection(platform, bring):
    bring(season_rows())
    assert [row["line"] for row in prices(platform, "spread", "home")] == [-3.0]
    assert [row["line"] for row in prices(platform, "spread", "away")] == [3.0]


def test_the_same_file_again_writes_nothing(platform, bring):
    bring(season_rows())
    before = platform.snapshot()
    assert bring(season_rows(), LATER).rows_written == 0
    assert platform.snapshot() == before


def test_a_packed_file_lands_as_the_plain_one(platform, bring):
    bring(season_rows())
    before = {name: rows for name, (rows, _) in platform.snapshot().items()}
    report = bring(as_gzip(season_rows()), LATER, name="games.csv.gz")
    assert report.rows_written == report.quality_rows
    after = {name: rows for name, (rows, _) in platform.snapshot().items()}
    assert after == before | {"data_quality_checks": before["data_quality_checks"] + report.quality_rows}


def test_a_corrected_score_updates_the_game_and_appends_a_revision_known_from_the_import(platform, bring):
    bring(season_rows())
    report = bring(season_rows(**{"g" + FIRST: {"home_score": "21", "result": "1", "total": "41"}}), LATER)
    assert (report.games_inserted, report.games_updated, report.revisions, report.quotes) == (0, 1, 1, 0)
    assert game_of(platform)["home_score"] == 21
    *_, before, last = revisions(platform)
    assert [before["home_score"], last["home_score"]] == [18, 21]
    assert (last["revision"], last["known_at"]) == (3, NAIVE_LATER)


def test_a_moved_kick_off_updates_the_game_and_appends_a_revision(platform, bring):
    game = "2022_04_BUF_NE"
    bring([*season_rows(), scheduled(game, "2022-10-09", "BUF", "NE")])
    report = bring([*season_rows(), scheduled(game, "2022-10-10", "BUF", "NE")], LATER)
    assert (report.games_updated, report.revisions) == (1, 1)
    assert game_of(platform, game)["game_date"] == at(2022, 10, 10, 17)
    planned, moved = revisions(platform, game)
    assert (planned["game_date"].day, moved["game_date"].day, moved["known_at"]) == (9, 10, NAIVE_LATER)


def test_a_schedule_imported_before_its_season_is_known_from_the_import_on(platform, bring):
    game = "2022_04_BUF_NE"
    ahead = [row for row in season_rows() if row["season"] == "2021"]
    bring([*ahead, scheduled(game, "2022-10-09", "BUF", "NE")], BEFORE_SEASON)
    bring([*ahead, scheduled(game, "2022-10-10", "BUF", "NE")], BEFORE_SEASON + timedelta(days=30))
    assert revisions(platform, game)[0]["known_at"] == BEFORE_SEASON.replace(tzinfo=None)
    with platform.engine.connect() as connection:
        schedule = History(load_records(connection, "NFL")).latest_schedule()
    assert schedule.loc[str(game_of(platform, game)["id"]), "kickoff"].day == 10


def test_a_result_of_a_scheduled_game_is_known_from_the_import_that_brought_it(platform, bring):
    game = "2022_04_BUF_NE"
    bring([*season_rows(), scheduled(game, "2022-10-02", "BUF", "NE")])
    final = scheduled(game, "2022-10-02", "BUF", "NE") | {
        "away_score": "10", "home_score": "13", "result": "3", "total": "23", "overtime": "0",
    }  # fmt: skip
    report = bring([*season_rows(), final], LATER)
    assert (report.games_updated, report.revisions, report.closing_lines) == (1, 1, 6)
    assert revisions(platform, game)[-1]["known_at"] == NAIVE_LATER


def test_a_corrected_price_is_a_row_of_its_own_and_the_current_one(platform, bring):
    bring(season_rows())
    corrected = season_rows(**{"g" + FIRST: {"home_moneyline": "-160"}})
    assert bring(corrected, LATER).quotes_corrected == 1
    old, new = prices(platform)
    assert (old["price"], old["is_current"]) == (-150, False)
    assert (new["price"], new["is_current"], new["recorded_at"]) == (-160, True, NAIVE_LATER)
    before = platform.snapshot()
    assert bring(corrected, LATER + timedelta(days=1)).rows_written == 0
    assert platform.snapshot() == before
    assert platform.one("SELECT count(*) FROM odds WHERE NOT is_current") == 1


def test_a_corrected_close_is_counted_and_the_first_one_stays(platform, bring):
    bring(season_rows())
    closes = (
        "SELECT c.closing_line FROM closing_lines c JOIN games g ON g.id = c.game_id "
        "WHERE g.external_id = :id AND market_type = 'spread' ORDER BY 1"
    )
    before = platform.rows(closes, id=FIRST)
    report = bring(season_rows(**{"g" + FIRST: {"spread_line": "3.5"}}), LATER)
    assert (report.quotes_corrected, report.closing_lines, report.closing_refused) == (2, 0, 2)
    assert platform.rows(closes, id=FIRST) == before
    assert before[1]["closing_line"] != 3.5


def test_prices_of_a_game_to_come_count_as_seen_at_the_import(platform, bring):
    game = "2022_04_BUF_NE"
    rows = [*season_rows(), scheduled(game, "2022-10-09", "BUF", "NE")]
    bring(rows)
    assert [row["recorded_at"] for row in prices(platform, external_id=game)] == [NOW.replace(tzinfo=None)]
    assert platform.one("SELECT count(*) FROM closing_lines") == 72
    before = platform.snapshot()
    assert bring(rows, LATER).rows_written == 0
    assert platform.snapshot() == before
    moved = [row | ({"home_moneyline": "-170"} if row["game_id"] == game else {}) for row in rows]
    bring(moved, LATER)
    old, new = prices(platform, external_id=game)
    assert (old["price"], old["is_current"], new["price"], new["is_current"]) == (-150, False, -170, True)
    assert new["recorded_at"] == NAIVE_LATER


def test_the_same_bytes_after_the_kick_off_write_nothing(platform, bring):
    rows = [*season_rows(), scheduled("2022_04_BUF_NE", "2022-10-02", "BUF", "NE")]
    bring(rows)
    before = platform.snapshot()
    assert bring(rows, LATER).rows_written == 0
    assert platform.snapshot() == before


def test_bad_rows_are_reported_and_good_rows_land(platform, bring):
    rows = season_rows(**{"g" + FIRST: BAD})
    report = bring(rows)
    assert (report.games_inserted, report.rejected) == (11, 1)
    (check,) = platform.rows("SELECT * FROM data_quality_checks")
    assert (check["check_type"], check["passed"], check["failed_count"]) == ("unknown_team", False, 1)
    (finding,) = check["details"]["findings"]
    assert (finding["line"], finding["column"], finding["value"]) == (2, "away_team", "XXX")
    with report.report.open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["file"], line["line"], line["column"], line["value"], line["rule"]) == (
        "games.csv", "2", "away_team", "XXX", "unknown_team",
    )  # fmt: skip
    before = platform.snapshot()
    assert bring(rows, LATER).rows_written == 0
    assert platform.snapshot() == before


def test_strict_refuses_the_whole_file_for_one_bad_row(platform, bring):
    before = platform.snapshot()
    with pytest.raises(AiproError, match="line 2, column away_team: 'XXX'"):
        bring(season_rows(**{"g" + FIRST: BAD}), strict=True)
    assert platform.snapshot() == before
    assert not platform.settings.raw_dir.exists()
    assert bring(season_rows(), strict=True).games_inserted == 12


def test_a_dry_run_counts_and_writes_nothing(platform, bring):
    before = platform.snapshot()
    report = bring(season_rows(**{"g" + FIRST: BAD}), dry_run=True)
    assert (report.games_inserted, report.rejected, report.report) == (11, 1, None)
    assert platform.snapshot() == before
    assert not platform.settings.raw_dir.exists()
    assert not platform.settings.reports_dir.exists()


def test_an_import_that_fails_in_the_middle_leaves_nothing(platform, bring, monkeypatch):
    before = platform.snapshot()

    def fail(*_):
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr(odds, "save_closing", fail)
        with pytest.raises(RuntimeError, match="power"):
            bring(season_rows())
    assert platform.snapshot() == before
    assert not platform.settings.raw_dir.exists()
    assert bring(season_rows()).games_inserted == 12


def test_what_was_read_is_kept_under_its_hash_once(platform, bring):
    bring(season_rows())
    bring(season_rows(), LATER)
    (kept,) = platform.settings.raw_dir.iterdir()
    assert kept.read_bytes() == as_csv(season_rows())


def test_a_moved_franchise_stays_one_team(platform, bring):
    rows = [
        row | {"season": "2019", "gameday": "2019-09-15", "home_team": "OAK", "game_id": "2019_01_NE_OAK"}
        if row["game_id"] == "2021_01_NE_NYJ"
        else row | {"home_team": "LV", "game_id": "2022_01_NE_LV"}
        if row["game_id"] == "2022_01_NE_NYJ"
        else row
        for row in season_rows()
    ]
    assert bring(rows).rejected == 0
    homes = platform.rows(
        "SELECT DISTINCT g.home_team_id FROM games g WHERE g.external_id IN ('2019_01_NE_OAK', '2022_01_NE_LV')"
    )
    assert len(homes) == 1


def test_a_file_that_is_none_is_refused_with_its_name(platform, bring, tmp_path):
    with pytest.raises(DataFileError, match=r"empty\.csv"):
        bring(b"", name="empty.csv")
    with pytest.raises(DataFileError, match="no such file"):
        import_nflverse(platform.settings, str(tmp_path / "absent.csv"), ImportOptions(NOW))
    assert platform.one("SELECT count(*) FROM games") == 0


def test_a_simulated_league_twice_writes_nothing(platform):
    league = League("NFL", seasons=1, books=1, seed=5)
    report = import_synthetic(platform.settings, league, ImportOptions(LATER + timedelta(days=2000)))
    assert report.games_inserted > 250
    before = platform.snapshot()
    again = import_synthetic(platform.settings, league, ImportOptions(LATER + timedelta(days=2001)))
    assert again.rows_written == 0
    assert platform.snapshot() == before


def test_the_ledger_of_revisions_cannot_be_changed(platform, bring):
    bring(season_rows())
    with pytest.raises(sa.exc.DBAPIError), platform.engine.begin() as connection:
        connection.execute(sa.text("UPDATE game_revisions SET home_score = 99"))
