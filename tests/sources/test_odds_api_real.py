"""The Odds API's real files: counts, faults their README names, and the market's own figures."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.metrics import log_loss
from aipro_ml.sources import odds_api, odds_api_flat, results_ncaaf, results_nhl
from aipro_ml.sources.archive import members
from aipro_ml.sources.checks import overround
from tests.sources.contract import check_batch

pytestmark = pytest.mark.real_data
CHANGES = "ncaaf_20251006_20251109_changes_hourly.csv.gz"
NOON = "nhl_2023_24_oddsapi_noon_snapshots.tar.gz"


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "odds_timeseries"


@pytest.fixture(scope="module")
def changes(folder):
    return odds_api_flat.read_changes((folder / CHANGES).read_bytes(), name=CHANGES, sport="NCAAF")


@pytest.fixture(scope="module")
def noon(folder):
    return odds_api_flat.read_days(members((folder / NOON).read_bytes(), name=NOON), sport="NHL")


@pytest.fixture(scope="module")
def hockey(folder):
    name = "nhl_bref_schedule_2024.csv.gz"
    return results_nhl.read((folder / name).read_bytes(), name=name)


@pytest.fixture(scope="module")
def college(folder):
    name = "ncaaf_games_2025.csv.gz"
    return results_ncaaf.read((folder / name).read_bytes(), name=name)


def counted(batch) -> dict[str, int]:
    return pd.Series([finding.rule for finding in batch.findings], dtype=object).value_counts().to_dict()


def test_every_change_lands_but_an_overflow_and_a_line_of_24_4(changes):
    check_batch(changes)
    assert changes.rows_read == 190_474
    assert (len(changes.games), len(changes.quotes), len(changes.books)) == (339, 190_471, 11)
    assert counted(changes) == {"backdated_kickoff": 41, "line": 2, "price": 1}
    [overflow] = [finding for finding in changes.findings if finding.rule == "price"]
    assert (overflow.value, overflow.line) == ("-2147483648", 108_277)


def test_closing_lines_equal_a_naive_reading_where_no_kickoff_was_refused(changes, folder):
    raw = pd.read_csv(folder / CHANGES)
    raw = raw[(raw["price"] != -2147483648) & (raw["point"].abs() != 24.4)]
    lines = [f.line - 2 for f in changes.findings if f.rule == "backdated_kickoff"]
    refused = set(pd.read_csv(folder / CHANGES)["event_id"].iloc[lines])
    assert len(refused) == 39
    last = raw.groupby("event_id")["commence_time"].last()
    ahead = raw[(raw["snapshot_utc"] < raw["commence_time"]) & (raw["snapshot_utc"] < raw["event_id"].map(last))]
    begun = ahead["event_id"].map(last) <= raw["snapshot_utc"].max()
    naive = ahead[begun & ~ahead["event_id"].isin(refused)]
    naive = naive.groupby(["event_id", "bookmaker", "market", "outcome"]).tail(1)
    events = changes.games.set_index("game")["external_id"]
    mine = changes.closing.assign(event=changes.closing["game"].map(events))
    mine = mine[~mine["event"].isin(refused)]
    assert len(mine) == len(naive) > 10_000
    key = ["event", "price", "time"]
    theirs = naive.assign(event=naive["event_id"], time=pd.to_datetime(naive["snapshot_utc"]))
    ours = mine.assign(price=mine["closing_price"].astype("int64"), time=mine["closed_at"])
    pairs = [frame[key].sort_values(key).reset_index(drop=True).astype({"event": str}) for frame in (ours, theirs)]
    pd.testing.assert_frame_equal(*pairs, check_dtype=False)


def test_running_games_price_no_closing_line(changes, noon):
    for batch in (changes, noon):
        kickoff = batch.games.set_index("game")["kickoff"]
        assert (batch.quotes["recorded_at"] >= batch.quotes["game"].map(kickoff)).any()
        assert (batch.closing["closed_at"] < batch.closing["game"].map(kickoff)).all()


def test_moves_tell_each_kickoff_once_in_time_order(changes):
    assert len(changes.moves) == 677
    moved = changes.moves.groupby("game")
    assert (moved.size() > 1).sum() == 242
    assert moved["known_at"].apply(lambda times: times.is_monotonic_increasing).all()
    final = changes.games.set_index("game")["kickoff"]
    assert (moved["kickoff"].last() == final.sort_index()).all()


def test_the_folder_of_answers_agrees_with_the_file_of_changes(changes, folder):
    place = folder / "ncaaf_20251017_raw_oddsapi_json"
    batch = odds_api.read_folder({path.name: path.read_bytes() for path in place.iterdir()}, sport="NCAAF")
    check_batch(batch)
    assert (len(batch.games), len(batch.quotes), len(batch.closing)) == (81, 94_386, 3_526)
    assert batch.findings == ()
    key = ["game", "book", "market", "selection"]
    both = batch.closing.merge(changes.closing, on=key, suffixes=("", "_changes"))
    assert len(both) == 3_526
    assert (both["closing_price"] == both["closing_price_changes"]).all()
    assert (both["closing_line"].fillna(0) == both["closing_line_changes"].fillna(0)).all()


def test_noon_snapshots_hold_two_books_and_the_rows_in_play(noon):
    check_batch(noon)
    assert noon.rows_read == 3_309
    assert (len(noon.games), len(noon.quotes), len(noon.books)) == (1_402, 19_838, 2)
    assert noon.findings == ()
    kickoff = noon.games.set_index("game")["kickoff"]
    running = noon.quotes[noon.quotes["recorded_at"] >= noon.quotes["game"].map(kickoff)]
    assert len(running.drop_duplicates(["game", "book", "recorded_at"])) == 42


def test_nhl_games_are_named_alike_in_odds_and_results(noon, hockey):
    check_batch(hockey)
    assert hockey.findings == ()
    games = hockey.games
    assert (len(games), games["overtime"].sum(), games["neutral_site"].sum()) == (1_400, 288, 4)
    assert games["season_type"].value_counts().to_dict() == {"regular": 1_312, "postseason": 88}
    # One postponed game and two play-off games of which only the odds knew; one game abroad without odds
    assert set(noon.games["game"]) - set(games["game"]) == {
        "2023:2024-01-17:CHI@BUF:1", "2023:2024-05-05:EDM@VAN:1", "2023:2024-05-07:EDM@VAN:1",
    }  # fmt: skip
    assert set(games["game"]) - set(noon.games["game"]) == {"2023:2023-11-19:TOR@MIN:1"}


def test_the_noon_price_of_the_nhl_has_the_known_log_loss(noon, hockey):
    sides = noon.closing[noon.closing["market"] == "moneyline"]
    prices = sides.pivot_table(index=["game", "book"], columns="selection", values="closing_price")
    home, away = prices["home"].astype("Int64"), prices["away"].astype("Int64")
    implied = np.where(home > 0, 100 / (home + 100), -home / (100 - home)).astype("float64")
    fair = pd.Series(implied / (1 + overround(home, away)), index=prices.index).groupby("game").mean()
    results = hockey.games.set_index("game")
    won = (results["home_score"] > results["away_score"]).reindex(fair.index)
    known = won.notna()
    assert known.sum() == 1_387
    assert log_loss(fair[known].to_numpy(), won[known].astype(float).to_numpy()) == pytest.approx(0.656, abs=0.001)


def test_college_results_match_the_odds_but_for_the_fcs(changes, college):
    check_batch(college)
    assert counted(college) == {"overtime_never": 1}
    assert (len(college.games), college.games["neutral_site"].sum()) == (808, 64)
    pairs = changes.games.merge(college.games, on=["home", "away"], suffixes=("", "_result"))
    near = pairs[(pairs["kickoff"] - pairs["kickoff_result"]).abs() <= pd.Timedelta("36h")]
    assert (len(near), near["game"].is_unique) == (329, True)
    day = near["kickoff_result"].dt.tz_convert("America/New_York").dt.date
    assert (day == near["kickoff"].dt.date).mean() > 0.99  # the file's days are UTC days
    divisions = changes.teams.set_index("team")["division"]
    left = changes.games[~changes.games["game"].isin(near["game"])]
    assert len(left) == 10
    assert ((left["home"].map(divisions) == "FCS") | (left["away"].map(divisions) == "FCS")).all()
