"""Import of box scores into a real database: against stored games, once, again, corrected, and before the games."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from aipro_ml.errors import AiproError, UsageError
from aipro_ml.features.history import History
from aipro_ml.jobs.facts import load_records
from aipro_ml.jobs.importing import import_nflverse
from aipro_ml.jobs.ingest import ImportOptions
from aipro_ml.jobs.ingest_boxes import import_boxes
from tests.fixtures_platform import Platform
from tests.jobs.nflverse_file import as_csv, scheduled, season_rows

NOW = datetime(2022, 10, 1, 12, tzinfo=UTC)
LATER = datetime(2022, 10, 5, 9, 30, tzinfo=UTC)
KICKOFF = datetime(2021, 9, 12, 17)  # noqa: DTZ001 - as the driver gives it
WEEK = {"season": "2021", "week": "1", "season_type": "REG", "attempts": "30", "fg_pct": "0.5"}
BUF = WEEK | {"team": "BUF", "opponent_team": "MIA", "receptions": "20", "carries": "25", "passing_yards": "250"}
BUF |= {"pat_made": "2", "def_interceptions": "1", "def_sacks": "2"}
MIA = BUF | {"team": "MIA", "opponent_team": "BUF", "passing_yards": "180"}
BUF_LATER = BUF | {"week": "2", "opponent_team": "NE", "passing_yards": "300", "fg_pct": "1"}
PASSER = {
    "PlayerName": "Josh Allen", "PlayerId": "2560955", "Pos": "QB", "Team": "BUF", "PlayerOpponent": "@MIA",
    "PassingYDS": "250", "TouchCarries": "5",
}  # fmt: skip
SEASON = {
    "player_id": "00-0034857", "player_display_name": "Josh Allen", "position": "QB", "season": "2021",
    "season_type": "REG", "recent_team": "BUF", "games": "1", "passing_yards": "251", "carries": "5",
}  # fmt: skip


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def bring(platform, tmp_path):
    """Import rows of box scores at a moment; `path` is the file's place in its folder."""

    def run(name, rows, now=NOW, path="file.csv", **options):
        place = tmp_path / name
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(as_csv(rows))
        return import_boxes(platform.settings, name, [str(place)], ImportOptions(now, **options))

    return run


@pytest.fixture
def games(platform, tmp_path):
    """Import the games of 2021 and 2022."""
    place = tmp_path / "games.csv"
    place.write_bytes(as_csv(season_rows()))
    return import_nflverse(platform.settings, str(place), ImportOptions(NOW))


@pytest.fixture
def weeks(games, bring):
    """Import three team boxes of 2021."""
    return bring("nfl-team-weeks", [BUF, MIA, BUF_LATER])


def boxes(platform, team="BUF", table="fact_team_games"):
    return platform.rows(
        f"SELECT f.* FROM {table} f JOIN teams t ON t.id = f.team_id JOIN games g ON g.id = f.game_id "
        "WHERE t.abbreviation = :team ORDER BY g.game_date",
        team=team,
    )


def team_stat(platform, stat_type, team="BUF"):
    [row] = platform.rows(
        "SELECT x.value, x.games_played FROM team_stats x JOIN teams t ON t.id = x.team_id "
        "WHERE t.abbreviation = :team AND x.stat_type = :stat",
        team=team,
        stat=stat_type,
    )
    return row["value"], row["games_played"]


def test_a_team_box_lands_in_its_game_known_when_the_result_was(platform, weeks):
    assert (weeks.team_games, weeks.rejected) == (3, 0)
    first, _ = boxes(platform)
    assert (first["is_home"], first["points_for"], first["points_against"]) == (False, 20, 18)
    assert first["known_at"] == KICKOFF + timedelta(hours=4)
    assert first["stats"]["passing_yards"] == 250


def test_season_statistics_are_sums_and_means_of_the_boxes(platform, weeks):
    assert team_stat(platform, "passing_yards") == (550, 2)
    assert team_stat(platform, "fg_pct") == (0.75, 2)
    assert team_stat(platform, "points_for")[1] == 2
    assert team_stat(platform, "passing_yards", "MIA") == (180, 1)


def test_the_same_boxes_again_write_nothing(platform, weeks, bring):
    before = platform.snapshot()
    assert bring("nfl-team-weeks", [BUF, MIA, BUF_LATER], LATER).rows_written == 0
    assert platform.snapshot() == before


def test_files_one_by_one_give_the_season_statistics_of_all_at_once(platform, games, bring):
    bring("nfl-team-weeks", [BUF_LATER])
    bring("nfl-team-weeks", [BUF], LATER)
    assert team_stat(platform, "passing_yards") == (550, 2)
    assert team_stat(platform, "fg_pct") == (0.75, 2)


def test_a_correction_stands_beside_what_was_known_first(platform, weeks, bring):
    report = bring("nfl-team-weeks", [BUF | {"passing_yards": "260"}, MIA], LATER)
    assert (report.team_games, report.team_games_corrected) == (0, 1)
    first, _ = boxes(platform)
    assert first["stats"]["passing_yards"] == 250
    assert first["known_at"] == KICKOFF + timedelta(hours=4)
    [correction] = first["stats"]["corrections"]
    assert correction["known_at"] == "2022-10-05T09:30:00Z"
    assert correction["figures"]["passing_yards"] == 260
    assert team_stat(platform, "passing_yards") == (560, 2)
    assert bring("nfl-team-weeks", [BUF, MIA, BUF_LATER], LATER).rows_written == 0  # old bytes are no news


def test_a_box_of_a_game_that_was_learned_live_is_known_from_its_import_on(platform, games, bring, tmp_path):
    game = "2022_04_BUF_NE"
    place = tmp_path / "games.csv"
    plan = scheduled(game, "2022-10-02", "BUF", "NE")
    place.write_bytes(as_csv([*season_rows(), plan]))
    import_nflverse(platform.settings, str(place), ImportOptions(NOW))
    week = BUF | {"season": "2022", "week": "4", "opponent_team": "NE"}
    early = bring("nfl-team-weeks", [week], NOW)
    assert (early.team_games, [finding.rule for finding in early.findings]) == (0, ["no_result"])
    final = {"away_score": "10", "home_score": "13", "result": "3", "total": "23", "overtime": "0"}
    place.write_bytes(as_csv([*season_rows(), plan | final]))
    import_nflverse(platform.settings, str(place), ImportOptions(LATER))
    wednesday = LATER + timedelta(days=2)
    assert bring("nfl-team-weeks", [week], wednesday).team_games == 1
    assert boxes(platform)[-1]["known_at"] == wednesday.replace(tzinfo=None)


def test_boxes_without_their_game_are_quarantined_with_the_nearest(platform, games, bring):
    report = bring("nfl-team-weeks", [BUF | {"week": "3"}, MIA])
    assert report.team_games == 1
    [finding] = report.findings
    assert (finding.rule, finding.line) == ("no_such_game", 2)
    assert "nearest: BUF@MIA 2021-09-12" in finding.message


def test_boxes_before_any_game_are_refused(platform, bring):
    with pytest.raises(UsageError, match="import it first"):
        bring("nfl-team-weeks", [BUF])


def test_a_strict_import_of_a_bad_row_and_a_dry_run_write_nothing(platform, games, bring):
    before = platform.snapshot()
    with pytest.raises(AiproError, match=r"1 bad rows .* line 2"):
        bring("nfl-team-weeks", [BUF | {"team": "XXX"}, MIA], strict=True)
    assert bring("nfl-team-weeks", [BUF, MIA], dry_run=True).team_games == 2
    assert platform.snapshot() == before


def test_a_player_week_lands_with_its_player_and_his_season(platform, weeks, bring):
    report = bring("nfl-player-weeks", [PASSER], path="2021/1/QB.csv")
    assert (report.players, report.player_games, report.players_moved) == (1, 1, 1)
    [player] = platform.rows("SELECT p.*, t.abbreviation FROM players p JOIN teams t ON t.id = p.team_id")
    assert (player["external_id"], player["name"], player["position"]) == ("nfl.com:2560955", "Josh Allen", "QB")
    assert player["abbreviation"] == "BUF"
    [game] = boxes(platform, table="fact_player_games")
    assert game["known_at"] == KICKOFF + timedelta(hours=4)
    [yards] = platform.rows("SELECT value, games_played FROM player_stats WHERE stat_type = 'PassingYDS'")
    assert (yards["value"], yards["games_played"]) == (250, 1)
    assert bring("nfl-player-weeks", [PASSER], LATER, path="2021/1/QB.csv").rows_written == 0


def test_player_weeks_that_exceed_their_team_are_refused(platform, weeks, bring):
    other = PASSER | {"PlayerName": "Somebody Else", "PlayerId": "7", "PassingYDS": "1"}
    report = bring("nfl-player-weeks", [PASSER, other], path="2021/1/QB.csv")
    assert {finding.rule for finding in report.findings} == {"team_of_the_scrape"}
    assert (report.player_games, report.rejected, report.players) == (0, 2, 0)


def test_player_weeks_before_the_team_weeks_are_refused(platform, games, bring):
    report = bring("nfl-player-weeks", [PASSER], path="2021/1/QB.csv")
    assert [finding.rule for finding in report.findings] == ["team_unchecked"]
    assert report.player_games == 0


def test_a_season_file_is_compared_with_the_boxes_and_lands_under_its_own_number(platform, weeks, bring):
    bring("nfl-player-weeks", [PASSER], path="2021/1/QB.csv")
    report = bring("nfl-player-seasons", [SEASON])
    assert [(finding.rule, finding.value) for finding in report.findings] == [
        ("season_differs", "passing_yards 251 against 250")
    ]
    stored = platform.rows(
        "SELECT p.external_id, x.stat_type, x.value FROM player_stats x JOIN players p ON p.id = x.player_id "
        "WHERE p.external_id LIKE 'nflverse:%' ORDER BY 2"
    )
    assert [(row["stat_type"], row["value"]) for row in stored] == [("carries", 5), ("passing_yards", 251)]
    assert bring("nfl-player-seasons", [SEASON], LATER).rows_written == 0


def test_a_season_file_of_a_season_without_games_is_a_finding_and_the_rest_lands(platform, games, bring):
    earlier = [SEASON | {"season": "2016", "player_id": number} for number in ("00-0000001", "00-0000002")]
    report = bring("nfl-player-seasons", [SEASON, *earlier])
    assert [(one.rule, one.value, one.line) for one in report.findings] == [("season_unknown", "2016", 3)]
    years = "SELECT DISTINCT s.year FROM player_stats x JOIN seasons s ON s.id = x.season_id"
    assert [row["year"] for row in platform.rows(years)] == [2021]


def test_an_older_season_file_moves_nobody_back(platform, games, bring):
    bring("nfl-player-seasons", [SEASON | {"season": "2022", "recent_team": "NE"}])
    bring("nfl-player-seasons", [SEASON], LATER)
    assert platform.one("SELECT t.abbreviation FROM players p JOIN teams t ON t.id = p.team_id") == "NE"


def test_a_season_of_the_same_number_does_not_replace_what_the_boxes_say(platform, weeks, bring):
    total = {name: value for name, value in PASSER.items() if name != "PlayerOpponent"} | {"PassingYDS": "4000"}
    bring("nfl-player-weeks", [PASSER], path="2021/1/QB.csv")
    report = bring("nfl-player-weeks", [total], path="2021/QB_season.csv")
    assert [finding.rule for finding in report.findings] == ["season_differs"]
    assert platform.one("SELECT value FROM player_stats WHERE stat_type = 'PassingYDS'") == 250


def test_features_read_the_stored_boxes_and_each_correction_from_when_it_was_known(platform, weeks, bring):
    bring("nfl-team-weeks", [BUF | {"attempts": "31"}, MIA], LATER)
    with platform.engine.connect() as connection:
        records = load_records(connection, "NFL")
    assert len(records.team_boxes) == 4
    history = History(records)
    assert history.correction_times() == [pd.Timestamp(LATER)]
    seen = [one.team_boxes(["attempts"]) for one in (history.before(pd.Timestamp(LATER)), history)]
    assert [sorted(rows["attempts"]) for rows in seen] == [[30, 30, 30], [30, 30, 31]]
    assert seen[0]["known_at"].equals(seen[1]["known_at"])
    cut = records.cut(pd.Timestamp(LATER) - pd.Timedelta(seconds=1))
    pd.testing.assert_frame_equal(History(cut).team_boxes(["attempts"]), seen[0])
