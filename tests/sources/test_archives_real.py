"""The archives as they really are: what lands of each, and what is found in it."""

from collections import Counter

import pandas as pd
import pytest

from aipro_ml.sources import (
    action_network,
    action_network_props,
    bmr,
    box_scores,
    box_scores_nba,
    kaggle_nba,
    klland,
    kyleskom,
    nflverse,
    oddsportal,
    sbr,
    sbr_nfl,
)
from tests.sources import archive_files as files
from tests.sources.contract import check_batch

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def schedule(nflverse_file):
    return nflverse.read(nflverse_file.read_bytes(), name=nflverse_file.name).games


def read(module, path, **options):
    return module.read(path.read_bytes(), name=path.name, **options)


def counts(batch):
    rules = Counter(finding.rule for finding in batch.findings)
    return batch.rows_read, len(batch.games), len(batch.quotes), len(batch.closing), dict(rules)


@pytest.mark.parametrize(
    ("module", "file", "expected"),
    [
        (kaggle_nba, "kaggle_nba_2008_2024.csv.gz", (21797, 21797, 39611, 126781, {
            "spread_against_moneyline": 6, "negative_overround": 1, "impossible_prices": 8, "price": 1})),
        (oddsportal, "oddsportal_nba_2008_2024.csv.gz", (21760, 20449, 39188, 39188, {"impossible_prices": 2})),
        (klland, "faulty_klland_nba_odds_sbr_2008_2015.csv.gz", (10267, 10267, 20512, 48762, {
            "suspect_file": 1, "swapped_spread_total": 3135, "line": 12, "negative_overround": 1,
            "spread_against_moneyline": 1, "price": 2, "impossible_prices": 8})),
    ],
)  # fmt: skip
def test_the_nbas_files_land_as_counted(shared_data, module, file, expected):
    batch = read(module, shared_data / "nba" / file)
    check_batch(batch)
    assert counts(batch) == expected


def test_the_nfl_archive_is_told_to_be_bad(shared_data):
    batch = read(sbr_nfl, shared_data / "nfl" / "sbr_nfl_archive_2011_2021.json.gz")
    check_batch(batch)
    assert counts(batch) == (2956, 2945, 5878, 16618, {
        "suspect_file": 1, "swapped_spread_total": 259, "unknown_team": 11, "impossible_prices": 4, "line": 4,
        "spread_against_moneyline": 2})  # fmt: skip
    spreads = batch.closing.loc[batch.closing["market"] == "spread", "closing_line"]
    assert spreads.abs().max() < 28


def test_sbrs_seasons_land_and_their_misplaced_lines_are_found(shared_data):
    found, games = Counter(), 0
    for path in sorted((shared_data / "nba" / "sbr").glob("*.csv.gz")):
        batch = read(sbr, path)
        check_batch(batch)
        games += len(batch.games)
        found.update(finding.rule for finding in batch.findings)
    assert games == 19154
    assert found == {
        "spread_against_moneyline": 7, "noted_price": 1, "negative_overround": 1, "price": 2, "line": 12,
        "date_differs": 1, "impossible_prices": 9, "misplaced_line": 7, "score": 2,
        "team_twice_a_day": 2,  # MIN@LAL of 27 December 2020 under the 28th, when the Lakers met Portland
    }  # fmt: skip


@pytest.mark.skipif(not files.HAS_EXCEL, reason="openpyxl is not installed")
def test_sbrs_workbook_says_what_the_csv_made_of_it_says(shared_data):
    folder = shared_data / "nba" / "sbr"
    text, workbook = (read(sbr, folder / f"nba_odds_2007-08.{ending}") for ending in ("csv.gz", "xlsx"))
    for frame in ("games", "quotes", "closing"):
        pd.testing.assert_frame_equal(getattr(text, frame), getattr(workbook, frame))
    assert [(f.line, f.rule) for f in text.findings] == [(f.line, f.rule) for f in workbook.findings]


def test_sbr_and_kaggle_agree_on_the_games_they_share(shared_data):
    mine = read(sbr, shared_data / "nba" / "sbr" / "nba_odds_2018-19.csv.gz").games
    other = read(kaggle_nba, shared_data / "nba" / "kaggle_nba_2008_2024.csv.gz").games
    both = mine.merge(other, on="game", suffixes=("", "_other"))
    assert len(both) == len(mine) == 1312
    assert (both["home_score"] == both["home_score_other"]).all()
    assert (both["season_type"] == both["season_type_other"]).all()


@pytest.mark.parametrize(
    ("season", "expected"),
    [
        ("2007-08", (1316, 1316, 2630, 2630, {"negative_overround": 1, "unsigned_spread": 1})),
        ("2022-23", (1319, 1319, 2638, 7908, {})),
        ("2023-24_new", (1256, 1255, 2510, 7530, {"unknown_team": 2})),
    ],
)
def test_kyleskoms_tables_land_as_counted(shared_data, season, expected):
    batch = read(kyleskom, shared_data / "nba" / "kyleskom" / f"odds_{season}.csv.gz")
    check_batch(batch)
    assert counts(batch) == expected


def test_bmrs_books_land_and_two_wrong_scores_stand_against_the_schedule(shared_data, schedule):
    batch = read(bmr, shared_data / "nfl" / "odds_multibook_2018_2022.tar.gz")
    check_batch(batch)
    assert counts(batch) == (2750, 1372, 106486, 98288, {
        "sides": 2, "line": 6, "total_sides": 7, "spread_sides": 43, "postponed": 2, "negative_overround": 2,
        "line_alone": 12,
    })  # fmt: skip
    assert sum(finding.column == "82_spread" for finding in batch.findings) == 41
    both = batch.games.merge(schedule, on="game", suffixes=("", "_true"))
    assert len(both) == 1371
    # Two games in London at 9:30 Eastern, which nflverse's file of 2022 puts at 21:30
    apart = both.loc[(both["kickoff"] - both["kickoff_true"]).abs() > pd.Timedelta(hours=1), "game"].tolist()
    assert apart == ["2018:regular:7:TEN@LAC", "2018:regular:8:PHI@JAX"]
    wrong = both.loc[(both["home_score"] != both["home_score_true"]) | (both["away_score"] != both["away_score_true"])]
    assert wrong["game"].tolist() == ["2018:regular:13:IND@JAX", "2018:regular:14:DEN@SF"]


@pytest.mark.parametrize(("season", "games", "quotes"), [(2016, 247, 2924), (2020, 213, 2519), (2021, 284, 3402)])
def test_action_networks_lines_land_on_the_schedules_games(shared_data, schedule, season, games, quotes):
    batch = read(action_network, shared_data / "nfl" / "actionnet" / f"game_lines_{season}.parquet", schedule=schedule)
    check_batch(batch)
    assert (len(batch.games), len(batch.quotes)) == (games, quotes)


def test_action_networks_props_land_without_impossible_prices(shared_data, schedule):
    folder = shared_data / "nfl" / "actionnet"
    games = read(action_network, folder / "game_lines_2022.parquet", schedule=schedule).games
    batch = read(action_network_props, folder / "player_props_2022.parquet", games=games)
    assert (batch.rows_read, len(batch.props), batch.props["game"].nunique()) == (147956, 142212, 283)
    assert batch.props["price"].abs().between(100, 1_000_000).all()


def test_team_weeks_meet_the_schedule_in_every_season(shared_data, schedule):
    for path in sorted((shared_data / "nfl" / "team_week_stats").glob("*.csv.gz")):
        batch = box_scores.read_nfl_team_weeks(path.read_bytes(), name=path.name, schedule=schedule)
        assert batch.findings == ()
        assert len(batch.team_games) == batch.rows_read


def test_the_nbas_boxes_land_whole(shared_data):
    folder = shared_data / "nba"
    teams = box_scores_nba.read_team_box((folder / "team_box_2010_2021.csv.gz").read_bytes(), name="teams")
    assert (len(teams.games), len(teams.team_games), teams.findings) == (13746, 27492, ())
    games = box_scores_nba.read_games((folder / "games_2023_24.csv.gz").read_bytes(), name="games").games
    box = box_scores_nba.read_player_box((folder / "player_box_2023_24.csv.gz").read_bytes(), name="p", games=games)
    assert (len(games), len(box.player_games), box.findings) == (1230, 26401, ())
