"""Sources over one another in a real database: one game each, whoever came first; gaps filled, contradictions told."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from aipro_ml.db.repositories import odds
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.jobs.importing import Request, import_source
from aipro_ml.jobs.ingest import ImportOptions
from tests.fixtures_platform import Platform
from tests.jobs.nflverse_file import as_csv as nflverse_csv
from tests.jobs.nflverse_file import season_rows
from tests.sources import archive_files as archives
from tests.sources import mapped_files, odds_api_files

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST_DAY = {"gameday": "2018-09-24", "gametime": "20:15", "season": "2018", "week": "3", "home_team": "TB"}
NFL_GAME = FIRST_DAY | {"game_id": "2018_03_PIT_TB", "away_team": "PIT", "home_score": "27", "away_score": "30"}
NFL_GAME |= {"result": "-3", "total": "57"}
GAMES = (
    "SELECT h.abbreviation AS home, a.abbreviation AS away, g.home_score, g.away_score, s.year AS season "
    "FROM games g JOIN teams h ON h.id = g.home_team_id JOIN teams a ON a.id = g.away_team_id "
    "JOIN seasons s ON s.id = g.season_id ORDER BY 5, 1, 2"
)


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def bring(platform, tmp_path):
    """Import named files of a source and return the one report (or several)."""

    def run(source, content, name="file.csv", now=NOW, sport=None, **options):
        files = content if isinstance(content, dict) else {name: content}
        places = []
        for file, data in files.items():
            place = tmp_path / source / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            places.append(str(place))
        mapping = options.pop("mapping", None)
        places = [str(tmp_path / source)] if options.pop("folder", False) else places
        request = Request(source, tuple(places), sport, mapping=mapping)
        reports = import_source(platform.settings, request, ImportOptions(now, **options))
        return reports[0] if len(reports) == 1 else reports

    return run


def at(*parts):
    """Return the time as the driver gives it: UTC without a zone."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def nfl(**cells):
    """One nflverse file with the game of the BMR fixture."""
    return nflverse_csv([season_rows()[0] | NFL_GAME | cells])


def bmr(home=None, away=None):
    return archives.as_csv(archives.bmr_rows(home, away))


def rules(report):
    return sorted({finding.rule for finding in report.findings})


@pytest.mark.parametrize("backwards", [False, True])
def test_nflverse_and_bmr_give_the_same_games_in_either_order(platform, bring, backwards):
    imports = [lambda: bring("nflverse", nfl()), lambda: bring("bmr", bmr())]
    reports = [run() for run in (imports[::-1] if backwards else imports)]
    assert [report.games_inserted for report in reports] == ([2, 0] if backwards else [1, 1])
    assert reports[1].games_matched == 1
    shared = [row for row in platform.rows(GAMES) if row["home"] == "TB"]
    assert shared == [{"home": "TB", "away": "PIT", "home_score": 27, "away_score": 30, "season": 2018}]
    assert len(platform.rows(GAMES)) == 2
    books = platform.rows(
        "SELECT DISTINCT b.name FROM odds o JOIN sportsbooks b ON b.id = o.sportsbook_id "
        "JOIN games g ON g.id = o.game_id JOIN teams h ON h.id = g.home_team_id WHERE h.abbreviation = 'TB' ORDER BY 1"
    )
    assert len(books) > 2
    before = platform.snapshot()
    assert [run().rows_written for run in imports] == [0, 0]
    assert platform.snapshot() == before


NBA_FILES = {
    "kaggle-nba": archives.as_csv(
        [archives.kaggle_rows()[0] | {"season": "2023", "date": "2022-10-19", "away": "orl", "home": "det",
                                      "score_home": "113", "score_away": "109"}]
    ),
    "oddsportal-nba": archives.as_csv(
        [archives.oddsportal_rows()[0] | {"date": "19 Oct 2022", "season_type": "Regular", "team_1": "Detroit Pistons",
                                          "team_2": "Orlando Magic", "points_1": "113", "points_2": "109"}]
    ),
    "kyleskom-nba": archives.as_csv(archives.kyleskom_rows()[:1]),
    "results-nba": (
        b"Date,Start (ET),Visitor/Neutral,PTS,Home/Neutral,PTS,,,Attend.,LOG,Arena,Notes\n"
        b"Wed Oct 19 2022,7:00p,Orlando Magic,109,Detroit Pistons,113,Box Score,,20190,2:16,Little Caesars Arena,\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("order", [list(NBA_FILES), list(NBA_FILES)[::-1]])
def test_four_nba_sources_give_one_game_at_its_real_hour_in_either_order(platform, bring, order):
    for source in order:
        assert bring(source, NBA_FILES[source]).rejected == 0
    (game,) = platform.rows("SELECT * FROM games")
    assert (game["home_score"], game["away_score"]) == (113, 109)
    assert game["game_date"] == at(2022, 10, 19, 23)
    before = platform.snapshot()
    assert sum(bring(source, NBA_FILES[source]).rows_written for source in order) == 0
    assert platform.snapshot() == before


def test_prices_of_an_archive_without_hours_stand_a_minute_before_the_real_kick_off(platform, bring):
    bring("kaggle-nba", NBA_FILES["kaggle-nba"])
    bring("results-nba", NBA_FILES["results-nba"])
    last = at(2022, 10, 19, 22, 59)
    seen = {row["recorded_at"] for row in platform.rows("SELECT recorded_at FROM odds")}
    assert last in seen
    assert {
        row["closed_at"] for row in platform.rows("SELECT closed_at FROM closing_lines WHERE closing_price IS NULL")
    }
    report = bring("oddsportal-nba", NBA_FILES["oddsportal-nba"])
    assert report.quotes == 2
    of_book = platform.rows(
        "SELECT DISTINCT recorded_at FROM odds o JOIN sportsbooks b ON b.id = o.sportsbook_id "
        "WHERE b.name LIKE 'OddsP%'"
    )
    assert of_book == [{"recorded_at": last}]


def test_another_score_is_a_finding_and_the_stored_one_stays(platform, bring):
    bring("nflverse", nfl())
    report = bring("bmr", bmr(home={"score": "99"}))
    assert rules(report) == ["result_differs"]
    (finding,) = report.findings
    assert (finding.value, "nflverse said 27:30" in finding.message) == ("99:30", True)
    assert platform.one("SELECT count(*) FROM game_revisions WHERE source = 'bmr_nfl'") == 2  # those of its other game
    checks = platform.rows("SELECT * FROM data_quality_checks WHERE check_type = 'result_differs'")
    assert [check["failed_count"] for check in checks] == [1]
    assert "result_differs" in report.report.read_text(encoding="utf-8")
    assert report.quotes > 0
    before = platform.snapshot()
    assert bring("bmr", bmr(home={"score": "99"})).rows_written == 0
    assert platform.snapshot() == before


def test_strict_refuses_a_contradiction_and_leaves_nothing(platform, bring):
    bring("nflverse", nfl())
    before = platform.snapshot()
    with pytest.raises(AiproError, match="strict"):
        bring("bmr", bmr(home={"score": "99"}), strict=True)
    assert platform.snapshot() == before


def test_sides_turned_on_neutral_ground_turn_the_prices_with_them(platform, bring):
    turned = {"home_team": "PIT", "away_team": "TB", "home_score": "30", "away_score": "27", "result": "3"}
    turned |= {"game_id": "2018_03_TB_PIT"}
    bring("nflverse", nfl(location="Neutral", **turned))
    report = bring("bmr", bmr())
    assert (report.games_matched, report.rejected) == (1, 0)
    lines = platform.rows(
        "SELECT o.selection, o.price, o.line FROM odds o JOIN games g ON g.id = o.game_id "
        "JOIN teams h ON h.id = g.home_team_id JOIN sportsbooks b ON b.id = o.sportsbook_id "
        "WHERE h.abbreviation = 'PIT' AND b.name LIKE '%82' AND o.market_type = 'spread' ORDER BY o.selection"
    )
    assert [(row["selection"], row["price"], row["line"]) for row in lines] == [
        ("away", -105, -1.5),
        ("home", -115, 1.5),
    ]


def test_sides_turned_elsewhere_do_not_land(platform, bring):
    turned = {"home_team": "PIT", "away_team": "TB", "home_score": "30", "away_score": "27", "result": "3"}
    turned |= {"game_id": "2018_03_TB_PIT"}
    bring("nflverse", nfl(**turned))
    report = bring("bmr", bmr())
    assert rules(report) == ["sides_differ"]
    assert len([row for row in platform.rows(GAMES) if {row["home"], row["away"]} == {"TB", "PIT"}]) == 1


def feed(snapshot, *events):
    return {f"ncaaf_{snapshot}.json": odds_api_files.answer(*events)}


def test_a_moved_game_of_a_feed_is_one_game_with_a_revision_for_each_time_said(platform, bring):
    first = odds_api_files.event()
    later = odds_api_files.event(commence_time="2025-10-18T01:00:00Z")
    files = feed("20251017T124448Z", first) | feed("20251017T145500Z", later)
    bring("odds-api-folder", files, sport="NCAAF", folder=True)
    (game,) = platform.rows("SELECT * FROM games")
    assert game["game_date"] == at(2025, 10, 18, 1)
    told = platform.rows("SELECT game_date, known_at FROM game_revisions ORDER BY revision")
    assert [(row["game_date"], row["known_at"]) for row in told] == [
        (at(2025, 10, 17, 23), at(2025, 10, 17, 12, 44, 48)),
        (at(2025, 10, 18, 1), at(2025, 10, 17, 14, 55)),
    ]
    before = platform.snapshot()
    assert bring("odds-api-folder", files, sport="NCAAF", folder=True).rows_written == 0
    assert platform.snapshot() == before


def test_a_game_that_a_later_snapshot_moves_to_another_day_stays_the_same_game(platform, bring):
    bring("odds-api", feed("20251017T124448Z", odds_api_files.event()), sport="NCAAF")
    moved = odds_api_files.event(commence_time="2025-10-19T18:00:00Z")
    report = bring("odds-api", feed("20251017T145500Z", moved), sport="NCAAF")
    assert (report.games_inserted, report.games_updated, report.revisions) == (0, 1, 1)
    assert platform.one("SELECT game_date FROM games") == at(2025, 10, 19, 18)


def college(**cells):
    row = odds_api_files.college_row(**cells)
    return odds_api_files.as_csv([row])


@pytest.mark.parametrize("results_first", [False, True])
def test_a_feed_and_a_results_file_without_hours_give_one_game_in_either_order(platform, bring, results_first):
    event = odds_api_files.event(commence_time="2025-10-18T23:00:00Z")
    snapshot = feed("20251017T124448Z", event)
    imports = [
        lambda: bring("odds-api", snapshot, sport="NCAAF"),
        lambda: bring("results-ncaaf", college(date="2025-10-18")),
    ]
    for run in imports[::-1] if results_first else imports:
        run()
    (game,) = platform.rows("SELECT * FROM games")
    assert (game["status"], game["home_score"], game["week"]) == ("final", 21, 8)
    assert game["game_date"] == at(2025, 10, 18, 23)
    known = platform.rows("SELECT known_at, status, game_date FROM game_revisions ORDER BY known_at, revision")
    first_final = next(row for row in known if row["status"] == "final")
    assert first_final["known_at"] > at(2025, 10, 18, 23)  # never before the game was over
    then = [row for row in known if row["known_at"] <= at(2025, 10, 18, 12)][-1]
    assert (then["status"], then["game_date"]) == ("scheduled", at(2025, 10, 18, 23))
    before = platform.snapshot()
    assert [run().rows_written for run in imports] == [0, 0]
    assert platform.snapshot() == before


def test_ids_of_two_sources_that_look_alike_do_not_collide(platform, bring):
    bring("bmr", archives.as_csv(archives.bmr_rows(home={"game_id": "401"}, away={"game_id": "401"})))
    bring("results-ncaaf", college(game_id="401"))
    ids = platform.rows("SELECT external_id FROM games WHERE external_id LIKE '%401' ORDER BY 1")
    assert [row["external_id"] for row in ids] == ["NCAAF:ncaaf results:401", "NFL:bmr_nfl:401"]


def test_a_suspect_file_leaves_its_findings_alone_unless_forced(platform, bring):
    swapped = {"home_close_spread": 48.0, "away_close_spread": -48.0, "close_over_under": 5.0}
    rows = [archives.sbr_nfl_rows()[0] | swapped, *archives.sbr_nfl_rows()[1:]]
    data = archives.as_json(rows)
    report = bring("sbr-nfl", data, name="archive.json")
    assert report.suspect
    assert "swapped_spread_total" in rules(report)
    assert platform.one("SELECT count(*) FROM games") + platform.one("SELECT count(*) FROM odds") == 0
    assert platform.one("SELECT count(*) FROM data_quality_checks WHERE check_type = 'suspect_file'") == 1
    forced = bring("sbr-nfl", data, name="archive.json", force=True)
    assert forced.games_inserted == 2
    assert platform.one("SELECT count(*) FROM closing_lines WHERE closing_line = 48 AND market_type = 'spread'") == 0


def test_action_networks_lines_land_on_the_stored_schedule(platform, bring):
    data = archives.as_parquet(archives.action_rows())
    with pytest.raises(UsageError, match="schedule first"):
        bring("action-network", data, name="lines.parquet")
    from tests.sources.conftest import as_csv, game_row, other_row

    bring("nflverse", as_csv(game_row(), other_row()))
    report = bring("action-network", data, name="lines.parquet")
    assert (report.games_matched, report.games_inserted, report.quotes) == (2, 0, 10)
    before = platform.snapshot()
    assert bring("action-network", data, name="lines.parquet").rows_written == 0
    assert platform.snapshot() == before


def test_a_mapped_table_lands_twice_and_writes_once(platform, bring, tmp_path):
    import yaml

    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(yaml.safe_dump(mapped_files.MAPPING), encoding="utf-8")
    data = mapped_files.as_csv(mapped_files.table_row(), mapped_files.other_row(HP="3", VP="6"))
    with pytest.raises(UsageError, match="--mapping"):
        bring("mapped", data)
    report = bring("mapped", data, mapping=str(mapping))
    assert (report.games_inserted, report.rejected) == (2, 0)
    before = platform.snapshot()
    assert bring("mapped", data, mapping=str(mapping)).rows_written == 0
    assert platform.snapshot() == before


def test_several_files_are_several_imports_of_one_command(platform, bring):
    rows = season_rows()
    files = {"a.csv": nflverse_csv(rows[:6]), "b.csv": nflverse_csv(rows[6:])}
    reports = bring("nflverse", files)
    assert [(report.file, report.games_inserted) for report in reports] == [("a.csv", 6), ("b.csv", 6)]
    assert [report.rows_written for report in bring("nflverse", files)] == [0, 0]


def test_an_interrupted_import_keeps_whole_files_and_goes_on_with_the_rest(platform, bring, monkeypatch):
    rows = season_rows()
    files = {"a.csv": nflverse_csv(rows[:6]), "b.csv": nflverse_csv(rows[6:])}
    calls = []

    def interrupt(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return save(*arguments)

    save = odds.save_quotes
    with monkeypatch.context() as patch:
        patch.setattr(odds, "save_quotes", interrupt)
        with pytest.raises(KeyboardInterrupt):
            bring("nflverse", files)
    assert platform.one("SELECT count(*) FROM games") == 6
    again = bring("nflverse", files)
    assert [report.games_inserted for report in again] == [0, 6]
    assert again[0].rows_written == 0


def test_an_older_file_read_again_does_not_undo_a_newer_one(platform, bring):
    old, new = nfl(), nfl(home_score="28", result="-2", total="58")
    bring("nflverse", old)
    bring("nflverse", new, now=NOW + timedelta(days=1))
    before = platform.snapshot()
    assert bring("nflverse", old, now=NOW + timedelta(days=2)).rows_written == 0
    assert platform.snapshot() == before
    assert platform.one("SELECT home_score FROM games") == 28


def test_the_day_of_a_game_without_an_hour_is_over_before_its_result_counts(platform, bring):
    bring("kaggle-nba", NBA_FILES["kaggle-nba"])
    (planned, done) = platform.rows("SELECT * FROM game_revisions ORDER BY revision")
    assert planned["status"] == "scheduled"
    assert done["known_at"] == pd.Timestamp("2022-10-20 00:00", tz="America/New_York").tz_convert("UTC").tz_localize(
        None
    ) + timedelta(minutes=160)


def test_two_layouts_of_one_feed_that_disagree_write_nothing_the_second_time(platform, bring):
    moved = odds_api_files.event(commence_time="2025-10-18T01:00:00Z")
    one = feed("20251017T124448Z", odds_api_files.event())
    other = odds_api_files.as_csv(odds_api_files.changes(moved))  # another kick-off at the very same moment
    imports = [
        lambda: bring("odds-api", one, sport="NCAAF"),
        lambda: bring("odds-api-changes", other, name="changes.csv", sport="NCAAF"),
    ]
    for run in imports:
        run()
    assert platform.one("SELECT count(*) FROM games") == 1
    before = platform.snapshot()
    assert [run().rows_written for run in imports] == [0, 0]
    assert platform.snapshot() == before


def test_a_feed_that_knows_no_result_says_nothing_of_overtime(platform, bring):
    event = odds_api_files.event(commence_time="2025-10-18T23:00:00Z")
    bring("odds-api", feed("20251017T124448Z", event), sport="NCAAF")
    rows = [odds_api_files.college_row(date="2025-10-18", went_ot="")]
    bring("results-ncaaf", odds_api_files.as_csv(rows))
    assert platform.one("SELECT overtime FROM games") is None
    later = feed("20251017T145500Z", event)
    assert bring("odds-api", later, sport="NCAAF").revisions == 0
    assert platform.one("SELECT overtime FROM games") is None
