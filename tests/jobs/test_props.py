"""Import of player props into a real database: pairs, players, a second import, changed prices and games to come."""

from datetime import UTC, datetime, timedelta

import pytest

from aipro_ml.errors import AiproError, UsageError
from aipro_ml.jobs.importing import Request, import_nflverse
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_boxes import import_boxes
from aipro_ml.jobs.ingest_props import import_props
from aipro_ml.jobs.validating import list_sources, validate
from tests.fixtures_platform import Platform
from tests.jobs.nflverse_file import as_csv, scheduled, season_rows
from tests.sources.archive_files import as_parquet

NOW = datetime(2022, 10, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
CLOSE = datetime(2021, 9, 12, 16, 59)  # noqa: DTZ001 - as the driver gives it
LINE = {
    "line_type": "moneyline", "event_id": 4418, "book_id": 15, "period": "event", "value": None, "odds": -120,
    "season": 2021, "week": 1,
}  # fmt: skip
LINES = [LINE | {"side": "home", "team": "MIA"}, LINE | {"side": "away", "team": "BUF", "odds": 100}]
OVER = {
    "bet_type": "passing_yards", "event_id": 4418, "book_id": 15, "action_network_player_id": "1594",
    "line_type": "total", "period": "event", "side": "over", "value": 268.5, "odds": -114, "join_name": "j.allen",
    "player_id": "00-0034857",
}  # fmt: skip
UNDER = OVER | {"side": "under", "odds": -112}
SCORER = OVER | {"bet_type": "anytime_touchdown_scorer", "line_type": "moneyline", "side": "noside", "value": 0.0}
SCORER |= {"odds": 120}
STORED = """
    SELECT f.*, p.external_id, p.name, b.name AS book FROM fact_player_props f
    JOIN players p ON p.id = f.player_id JOIN sportsbooks b ON b.id = f.sportsbook_id ORDER BY f.prop_type, f.as_of
"""


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def games(platform, tmp_path):
    """Import the games of 2021 and 2022, and one to come."""
    place = tmp_path / "games.csv"
    place.write_bytes(as_csv([*season_rows(), scheduled("2022_04_BUF_NE", "2022-10-02", "BUF", "NE")]))
    return import_nflverse(platform.settings, str(place), ImportOptions(NOW))


@pytest.fixture
def folder(tmp_path):
    """Return a writer of a folder of game lines and props."""

    def write(*props, lines=LINES):
        place = tmp_path / "actionnet"
        place.mkdir(exist_ok=True)
        (place / "game_lines.parquet").write_bytes(as_parquet(lines))
        (place / "player_props.parquet").write_bytes(as_parquet(list(props)))
        return [str(place)]

    return write


@pytest.fixture
def bring(platform, folder):
    def run(*props, now=NOW, lines=LINES, **options):
        return import_props(platform.settings, "nfl-props", folder(*props, lines=lines), ImportOptions(now, **options))

    return run


def test_the_two_prices_of_a_line_are_one_market_known_at_the_close(platform, games, bring):
    report = bring(OVER, UNDER)
    assert (report.players, report.books, report.props, report.rejected) == (1, 1, 1, 0)
    [row] = platform.rows(STORED)
    assert (row["prop_type"], row["line"], row["book"]) == ("passing_yards", 268.5, "Action Network 15")
    assert (row["over_price"], row["under_price"], row["as_of"]) == (-114, -112, CLOSE)
    assert (row["external_id"], row["name"]) == ("nflverse:00-0034857", "j.allen")
    nothing = ("actual_value", "result", "graded_at", "model_id", "over_probability", "predicted_value")
    assert [row[name] for name in nothing] == [None] * 6


def test_a_scorer_is_a_price_over_half_a_touchdown_or_the_number_it_asks_for(platform, games, bring):
    bring(SCORER, SCORER | {"bet_type": "to_score_2_or_more_touchdowns", "odds": 900})
    rows = platform.rows(STORED)
    assert [(row["line"], row["over_price"], row["under_price"]) for row in rows] == [
        (0.5, 120, None),
        (1.5, 900, None),
    ]


def test_the_same_props_again_write_nothing(platform, games, bring):
    bring(OVER, UNDER, SCORER)
    before = platform.snapshot()
    assert bring(OVER, UNDER, SCORER, now=LATER).rows_written == 0
    assert platform.snapshot() == before


def test_other_prices_of_the_same_close_are_told_and_the_first_stay(platform, games, bring):
    bring(OVER, UNDER)
    report = bring(OVER, UNDER | {"odds": -105}, now=LATER)
    assert (report.props, [(found.rule, found.line) for found in report.findings]) == (0, [("price_differs", 1)])
    assert [row["under_price"] for row in platform.rows(STORED)] == [-112]


def test_a_price_of_a_game_to_come_counts_from_its_import_and_a_move_is_a_row_of_its_own(platform, games, bring):
    lines = [row | {"season": 2022, "week": 4} for row in LINES]
    lines[0]["team"] = "NE"
    bring(OVER, UNDER, lines=lines)
    assert bring(OVER, UNDER, lines=lines, now=NOW + timedelta(hours=1)).props == 0
    bring(OVER | {"odds": -130}, UNDER | {"odds": 104}, lines=lines, now=LATER)
    assert [(row["over_price"], row["as_of"].hour) for row in platform.rows(STORED)] == [(-114, 12), (-130, 15)]
    assert bring(OVER, UNDER, lines=lines, now=LATER + timedelta(hours=1)).rows_written == 0  # old bytes are no news


def test_prices_that_are_none_are_told_and_the_other_side_stands_alone(platform, games, bring):
    report = bring(OVER | {"odds": 0}, UNDER, SCORER | {"odds": -5_000_000})
    assert [(found.rule, found.line, found.value) for found in report.findings] == [
        ("price", 1, "0"),
        ("price", 3, "-5000000"),
    ]
    [row] = platform.rows(STORED)
    assert (row["over_price"], row["under_price"]) == (None, -112)


@pytest.mark.parametrize(("under", "rule"), [({"odds": -200}, "impossible_prices"), ({"value": 270.5}, "line_sides")])
def test_sides_that_do_not_go_together_do_not_land(platform, games, bring, under, rule):
    report = bring(OVER, UNDER | under, SCORER)
    assert {found.rule for found in report.findings} == {rule}
    assert [row["prop_type"] for row in platform.rows(STORED)] == ["anytime_touchdown_scorer"]


def test_sides_that_imply_less_than_certainty_are_marked_and_land(games, bring):
    report = bring(OVER | {"odds": 130}, UNDER | {"odds": 130})
    assert (report.props, [found.rule for found in report.findings]) == (1, ["negative_overround"])


def test_a_player_under_two_numbers_is_one_and_his_first_price_counts(platform, games, bring):
    report = bring(OVER, UNDER, OVER | {"action_network_player_id": "7", "odds": 100})
    assert [found.rule for found in report.findings] == ["duplicate_quote"]
    assert [row["over_price"] for row in platform.rows(STORED)] == [-114]


def test_a_player_without_nflverses_number_lands_under_action_networks(platform, games, bring):
    bring(OVER | {"player_id": None, "join_name": None}, UNDER | {"player_id": "00-BUF16002"})
    rows = platform.rows(STORED)
    assert {(row["external_id"], row["name"]) for row in rows} == {("action_network:1594", "Action Network 1594")}


def test_a_source_with_whole_names_completes_a_short_one(platform, games, bring, tmp_path):
    bring(OVER, UNDER)
    season = {
        "player_id": "00-0034857", "player_display_name": "Josh Allen", "position": "QB", "season": "2021",
        "season_type": "REG", "recent_team": "BUF", "games": "1", "passing_yards": "251",
    }  # fmt: skip
    (tmp_path / "seasons.csv").write_bytes(as_csv([season]))
    import_boxes(platform.settings, "nfl-player-seasons", [str(tmp_path / "seasons.csv")], ImportOptions(NOW))
    assert platform.rows("SELECT name, position FROM players") == [{"name": "Josh Allen", "position": "QB"}]
    assert bring(OVER, UNDER, now=LATER).players == 0
    assert platform.one("SELECT name FROM players") == "Josh Allen"


def test_props_without_their_game_lines_or_without_games_are_refused(platform, games, bring, folder):
    place = folder(OVER, UNDER)[0]
    with pytest.raises(UsageError, match="only props were given"):
        import_props(platform.settings, "nfl-props", [f"{place}/player_props.parquet"], ImportOptions(NOW))
    with pytest.raises(UsageError, match="no file has the column bet_type"):
        import_props(platform.settings, "nfl-props", [f"{place}/game_lines.parquet"], ImportOptions(NOW))


def test_props_of_an_event_that_is_no_stored_game_are_quarantined(platform, games, bring):
    report = bring(OVER, UNDER, SCORER | {"event_id": 9})
    assert [(found.rule, found.line) for found in report.findings] == [("no_such_game", 3)]
    assert report.props == 1


def test_a_strict_import_and_a_dry_run_write_nothing(platform, games, bring):
    before = platform.snapshot()
    with pytest.raises(AiproError, match=r"1 bad rows .* line 3, column odds"):
        bring(OVER, UNDER, SCORER | {"odds": 5}, strict=True)
    assert bring(OVER, UNDER, dry_run=True).props == 1
    assert platform.snapshot() == before


def test_props_are_validated_against_the_stored_games_and_listed(platform, games, folder):
    [counts], findings = validate(Request("nfl-props", tuple(folder(OVER, UNDER, SCORER))), platform.settings)
    assert (counts["prices"], counts["markets"], counts["players"], counts["games"]) == (3, 2, 1, 1)
    assert (counts["findings"], findings) == ("none", ())
    assert "nfl-props" in [row["source"] for row in list_sources()]
