"""The known faults of the real files that no other test of a source holds (docs/data-faults.md)."""

from collections import Counter

import pytest

from aipro_ml.sources import action_network, bmr, kaggle_nba, nflverse, odds_api_flat
from aipro_ml.sources.archive import members
from tests.sources import archive_files as files

real = pytest.mark.real_data
ARCHIVE = "nfl/odds_multibook_2018_2022.tar.gz"


@pytest.fixture(scope="module")
def weekly(shared_data):
    return bmr.read((shared_data / ARCHIVE).read_bytes(), name="bmr")


@pytest.fixture(scope="module")
def season(nflverse_file):
    return nflverse.read(nflverse_file.read_bytes(), name="games.csv")


@real
def test_bmrs_split_postponed_and_lonely_rows_are_told_where_they_stand(weekly):
    places = [(f.file, f.line, f.rule) for f in weekly.findings if f.rule in {"sides", "postponed"}]
    assert places == [
        ("2020/week_4.csv", 31, "postponed"), ("2020/week_4.csv", 33, "postponed"),
        ("2021/week_6.csv", 2, "sides"), ("2021/week_6.csv", 3, "sides"),
    ]  # fmt: skip
    alone = Counter(finding.file for finding in weekly.findings if finding.rule == "line_alone")
    assert alone == {"2021/week_5.csv": 11, "2022/week_3.csv": 1}


@real
def test_bmrs_january_is_of_the_year_after_its_season(weekly):
    local = weekly.games["kickoff"].dt.tz_convert("America/New_York")
    late = local.dt.month < 7
    assert (local.dt.year == weekly.games["season"] + late.astype(int)).all()
    assert late.sum() == 140


@real
def test_bmrs_dollars_land_nowhere_and_two_books_are_absent_in_2021(weekly):
    of_2021 = weekly.quotes["game"].str.startswith("2021")
    absent = set(weekly.quotes["book"]) - set(weekly.quotes.loc[of_2021, "book"])
    assert absent == {"BMR 10", "BMR 16", "BMR 127"}


@real
def test_kaggles_lines_from_another_origin_have_a_book_of_their_own_and_hardly_a_push(shared_data):
    data = (shared_data / "nba" / "kaggle_nba_2008_2024.csv.gz").read_bytes()
    closing = kaggle_nba.read(data, name="kaggle").closing
    late = closing.loc[closing["book"] == kaggle_nba.LATER_BOOK]
    assert set(late["market"]) == {"spread", "total"}
    whole = late.loc[late["closing_line"] % 1 != 0.5]
    assert len(whole) == 6  # two games: both sides of CHI-CHA's spread and total, and of IND-PHX's total
    home = closing.query("market == 'spread' and selection == 'home'")["closing_line"]
    assert (home == 0).sum() == 250
    assert 0.6 < (home < 0).mean() < 0.7  # the size has got its side


@real
@pytest.mark.parametrize("year", [2018, 2020, 2022])
def test_action_networks_two_books_are_one_and_no_other_period_lands(shared_data, season, year):
    data = (shared_data / "nfl" / "actionnet" / f"game_lines_{year}.parquet").read_bytes()
    batch = action_network.read(data, name="lines", schedule=season.games)
    prices = batch.quotes.pivot_table(index=["game", "market", "selection"], columns="book", values="price").dropna()
    assert (prices["Action Network 15"] == prices["Action Network 30"]).mean() > 0.99
    assert batch.quotes["price"].abs().max() <= 3000
    totals = batch.quotes.loc[batch.quotes["market"] == "total", "line"]
    assert totals.min() > 28  # first halves and team totals are lower


@real
def test_puck_lines_other_than_one_and_a_half_land_as_they_are(shared_data):
    packed = shared_data / "odds_timeseries" / "nhl_2023_24_oddsapi_noon_snapshots.tar.gz"
    quotes = odds_api_flat.read_days(members(packed.read_bytes(), name="nhl"), sport="NHL").quotes
    home = quotes.query("market == 'spread' and selection == 'home'")["line"].abs()
    assert home.value_counts().to_dict() == {1.5: 3268, 2.5: 39}


@real
def test_nflverses_surfaces_have_no_trailing_space(season):
    assert not season.venues["surface_type"].str.endswith(" ").any()
    assert season.venues["surface_type"].notna().all()


def test_a_line_in_one_row_of_a_pair_is_told():
    rows = files.bmr_rows(home={"8_spread": ""})
    found = bmr.read(files.as_csv(rows), name="week_3.csv").findings
    assert [(f.line, f.column, f.rule) for f in found] == [(3, "8_spread", "line_alone")]
