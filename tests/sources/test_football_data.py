"""The season files of football-data.co.uk become canonical games, quotes and closing lines."""

import pandas as pd
import pytest

from aipro_ml.betting.books import is_average, is_maximum
from aipro_ml.enums import Severity
from aipro_ml.sources import football_data
from aipro_ml.sources.football_data_columns import BOOKS, MAXIMA, offers, unknown_books
from aipro_ml.sources.football_data_dates import season_in
from aipro_ml.sources.franchises import franchises
from tests.sources.football_files import as_csv, betbrain_row, book, game_row, old_row, other_row

NAME = "E0_1920.csv"


def batch_of(*rows, name=NAME, **options):
    return football_data.read(as_csv(*rows), name=name, **options)


def quote(batch, bookmaker, market, selection, frame="quotes"):
    rows = getattr(batch, frame).query("book == @bookmaker and market == @market and selection == @selection")
    return rows.reset_index(drop=True)


def test_a_match_becomes_a_game_named_by_its_day():
    game = batch_of(game_row()).games.iloc[0]
    assert game["game"] == "2019:2019-08-17:BUR@ARS:1"
    assert (game["season"], game["season_type"], game["home_score"], game["away_score"]) == (2019, "regular", 2, 1)
    assert game["kickoff"] == pd.Timestamp("2019-08-17T14:00Z")  # 15:00 British summer time
    assert not game["kickoff_estimated"]
    assert (game["status"], game["external_id"]) == ("final", "E0_2019-08-17_BUR_ARS")


def test_three_way_prices_have_a_draw_and_no_line():
    batch = batch_of(game_row())
    sides = {side: quote(batch, "bet365", "moneyline", side) for side in ("home", "draw", "away")}
    assert [int(rows.loc[0, "price"]) for rows in sides.values()] == [-111, 250, 333]
    assert all(rows["line"].isna().all() for rows in sides.values())


def test_prices_before_the_match_and_at_the_close_are_kept_apart():
    batch = batch_of(game_row())
    before, close = quote(batch, "Pinnacle", "moneyline", "away").to_dict("records")
    assert (before["price"], close["price"]) == (340, 365)
    assert before["recorded_at"] == pd.Timestamp("2019-08-16T14:00Z")  # Friday 15:00 UK
    assert close["recorded_at"] == pd.Timestamp("2019-08-17T13:59Z")
    [closed] = quote(batch, "Pinnacle", "moneyline", "away", "closing").to_dict("records")
    assert (closed["closing_price"], closed["closed_at"]) == (365, close["recorded_at"])
    assert "market maximum" not in set(batch.closing["book"])


def test_a_handicap_is_signed_for_the_side():
    batch = batch_of(game_row())
    lines = [quote(batch, "Pinnacle", "spread", side)["line"].tolist() for side in ("home", "away")]
    assert lines == [[-0.75, -0.5], [0.75, 0.5]]


def test_totals_are_of_two_and_a_half_goals():
    batch = batch_of(game_row())
    [over] = quote(batch, "Pinnacle", "total", "over").to_dict("records")
    assert (over["line"], over["price"]) == (2.5, -120)
    assert len(quote(batch, "bet365", "total", "under")) == 2


def test_each_book_of_2003_has_its_own_handicap_and_a_level_one_is_zero():
    batch = batch_of(old_row(), name="SP1_0304.csv")
    assert quote(batch, "Gamebookers", "spread", "away").loc[0, "line"] == 0
    assert str(quote(batch, "Gamebookers", "spread", "away").loc[0, "line"]) == "0.0"
    assert quote(batch, "bet365", "spread", "home").loc[0, "line"] == -0.25
    assert batch.closing.empty
    assert batch.sport == "LALIGA"


def test_the_other_spelling_of_the_columns_means_the_same():
    renamed = betbrain_row()
    plain = {key.replace("_2_5_1", "<2.5").replace("_2_5", ">2.5"): cell for key, cell in renamed.items()}
    first, second = batch_of(renamed, name="D1_1213.csv"), batch_of(plain, name="D1_1213.csv")
    pd.testing.assert_frame_equal(first.quotes, second.quotes)
    assert quote(first, "Betbrain average", "total", "over").loc[0, "price"] == -102
    assert quote(first, "Betbrain average", "total", "under").loc[0, "price"] == -122
    assert first.games.loc[0, "game"] == "2012:2012-09-01:KOE@SGF:1"


def test_averages_and_maxima_are_books_of_their_own():
    names = {b.name for b in batch_of(betbrain_row(), name="D1_1213.csv").books}
    assert names == {"William Hill", "Pinnacle", "Betbrain average", "Betbrain maximum"}
    books = pd.Series(sorted(set(BOOKS.values())))
    assert set(books[is_average(books)]) == {"Betbrain average", "market average"}
    assert set(books[is_maximum(books)]) == MAXIMA
    assert [b.name for b in batch_of(game_row()).books if b.is_sharp] == ["Pinnacle"]


@pytest.mark.parametrize(
    ("day", "clock", "collected"),
    [
        ("16/08/2019", "20:00", "2019-08-16T14:00Z"),  # Friday evening: that afternoon
        ("16/08/2019", "12:30", "2019-08-13T14:00Z"),  # Friday noon: Tuesday before
        ("19/08/2019", "20:00", "2019-08-16T14:00Z"),  # Monday
        ("20/08/2019", "19:45", "2019-08-20T14:00Z"),  # Tuesday evening
        ("20/08/2019", "15:00", "2019-08-16T14:00Z"),  # on the minute of the collection: not before it
        ("20/08/2019", "15:01", "2019-08-16T14:00Z"),  # the close itself
        ("21/08/2019", "19:45", "2019-08-20T14:00Z"),
        ("22/08/2019", "19:45", "2019-08-20T14:00Z"),
        ("27/10/2019", "14:00", "2019-10-25T14:00Z"),  # the clocks went back that morning
        ("28/10/2019", "20:00", "2019-10-25T14:00Z"),
        ("29/10/2019", "20:00", "2019-10-29T15:00Z"),
    ],
)
def test_prices_were_collected_on_the_last_tuesday_or_friday_afternoon(day, clock, collected):
    batch = batch_of(game_row(Date=day, Time=clock))
    assert quote(batch, "market average", "moneyline", "home").loc[0, "recorded_at"] == pd.Timestamp(collected)


def test_nothing_is_seen_after_a_live_fetch():
    fetched = pd.Timestamp("2019-08-15T09:00Z").to_pydatetime()
    batch = batch_of(game_row(FTHG="", FTAG="", FTR=""), known_from=fetched)
    assert (batch.quotes["recorded_at"] <= fetched).all()
    assert batch.known_from == fetched


@pytest.mark.parametrize(
    ("row", "name", "utc"),
    [
        (game_row(Time=""), NAME, "2019-08-17T14:00Z"),
        (game_row(Time="", Date="23/08/2019"), NAME, "2019-08-23T19:00Z"),
        (old_row(), "SP1_0304.csv", "2003-08-30T16:00Z"),
        (old_row(Date="03/09/03"), "SP1_0304.csv", "2003-09-03T19:00Z"),
        (betbrain_row(), "D1_1213.csv", "2012-09-01T13:30Z"),
        (betbrain_row(Date="31/08/12"), "D1_1213.csv", "2012-08-31T18:30Z"),
    ],
)
def test_a_missing_time_is_the_leagues_usual_one_and_marked(row, name, utc):
    game = batch_of(row, name=name).games.iloc[0]
    assert (game["kickoff"], bool(game["kickoff_estimated"])) == (pd.Timestamp(utc), True)


def test_the_clock_is_the_uks_in_every_country():
    row = betbrain_row(Date="15/12/2019") | {"Time": "17:00"}
    assert batch_of(row, name="D1_1920.csv").games.loc[0, "kickoff"] == pd.Timestamp("2019-12-15T17:00Z")


@pytest.mark.parametrize(
    ("date", "day"), [("2017/8/19", "2019-08-17"), ("2001/12/19", "2019-12-01"), ("1931/8/19", "2019-08-31")]
)
def test_dates_a_spreadsheet_mangled_are_read_back_and_marked(date, day):
    batch = batch_of(game_row(Date=date), other_row(Date="2019/8/19"))
    assert day in batch.games.loc[0, "game"]
    [finding] = batch.findings
    assert (finding.rule, finding.line, finding.severity) == ("mangled_date", 2, Severity.WARNING)
    assert "2 dates" in finding.message


@pytest.mark.parametrize(
    ("name", "season"),
    [
        ("E0_0405.csv.gz", 2004), ("D1_1920_renamedcols.csv.gz", 2019), ("mmz4281/9900/E0.csv", 1999),
        ("E0.csv", None), ("E0_2018.csv", None), ("20042005.csv", None), ("E0_9394.csv", 1993),
    ],
)  # fmt: skip
def test_the_season_stands_in_the_files_name(name, season):
    assert season_in(name) == season


def test_without_a_name_the_dates_say_the_season():
    rows = [game_row(Date="26/07/2020"), other_row(Date="12/09/2019"), other_row(Date="01/08/2020", HomeTeam="Leeds")]
    batch = batch_of(*rows, name="E0.csv")
    assert list(batch.games["season"]) == [2019, 2019]
    assert [f.rule for f in batch.findings] == ["date_outside_season"]
    assert batch_of(game_row(), name="E0.csv", season=2019).seasons.loc[0, "name"] == "2019/20"


def test_a_match_without_goals_is_scheduled_and_has_no_close():
    batch = batch_of(game_row(FTHG="", FTAG="", FTR=""))
    assert list(batch.games["status"]) == ["scheduled"]
    assert batch.closing.empty
    assert not batch.quotes.empty
    assert batch.findings == ()


def test_an_empty_last_row_is_nothing():
    batch = football_data.read(as_csv(game_row()) + b"," * 40 + b"\n", name=NAME)
    assert (batch.rows_read, batch.findings) == (1, ())


def test_columns_of_an_unknown_book_are_reported():
    assert unknown_books(["XYH", "XYD", "XYA", "B365H", "B365D", "B365A", "HTHG", "BFDH", "BFDD", "BFDA"]) == ["XY"]
    [finding] = batch_of(game_row(**book("ZZZ"))).findings
    assert (finding.rule, finding.column, finding.severity) == ("unknown_book", "ZZZH", Severity.WARNING)


def test_betfreds_columns_are_not_betfairs():
    found = {o.book: o.prices for o in offers([s + e for s in ("BF", "BFD", "BFE") for e in "HDA"])}
    assert set(found) == {"Betfair", "Betfred", "Betfair Exchange"}
    assert {o.book for o in offers(["BFDH", "BFDD", "BFDA"])} == {"Betfred"}


def test_a_season_with_holes_is_reported_but_one_under_way_is_not():
    clubs = ["Arsenal", "Burnley", "Chelsea", "Everton"]
    pairs = [(home, away) for home in clubs for away in clubs if home != away]
    rows = [
        game_row(HomeTeam=home, AwayTeam=away, Date=f"{day:02d}/09/2019") for day, (home, away) in enumerate(pairs, 1)
    ]
    assert batch_of(*rows).findings == ()
    [finding] = batch_of(*rows[:9]).findings
    assert (finding.rule, finding.severity, finding.value) == ("incomplete_season", Severity.WARNING, "9")
    assert "of the 12" in finding.message
    assert batch_of(*rows[:6]).findings == ()
    assert batch_of(*rows[:9], known_from=pd.Timestamp("2019-12-01", tz="UTC").to_pydatetime()).findings == ()


@pytest.mark.parametrize(("sport", "clubs"), [("EPL", 46), ("LALIGA", 42), ("BUNDES", 37)])
def test_every_club_has_a_short_code_and_a_name(sport, clubs):
    teams = franchises(sport).frame()
    assert len(teams) == clubs
    assert teams["name"].is_unique
    assert teams["team"].str.fullmatch("[A-Z0-9]{3}").all()
    known = franchises(sport)
    for code, team in known.teams.items():
        for name in (team.name, *team.spellings):
            assert known.find(name, 2015) == code, name


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "games", "quotes", "closing", "rules"),
    [
        ("E0_0405.csv.gz", 380, 11726, 0, {"mangled_date", "line", "handicap_contradicts_moneyline"}),
        ("E0_1415.csv.gz", 380, 14557, 1140, {"negative_overround", "large_overround"}),
        ("E0_2122.csv.gz", 380, 30385, 15187, {"price"}),
        ("SP1_0405.csv.gz", 268, 8167, 0, {"incomplete_season", "handicap_contradicts_moneyline"}),
        ("SP1_0001.csv.gz", 380, 5409, 0, set()),
        ("D1_0304_renamedcols.csv.gz", 194, 5946, 0, {"incomplete_season"}),
        ("D1_1920_renamedcols.csv.gz", 306, 24452, 12212, {"large_overround", "price"}),
    ],
)
def test_the_real_files_are_read_whole(shared_data, file, games, quotes, closing, rules):
    batch = football_data.read((shared_data / "soccer" / file).read_bytes(), name=file)
    assert (batch.rows_read, len(batch.games)) == (games, games)
    assert (len(batch.quotes), len(batch.closing)) == (quotes, closing)
    assert {finding.rule for finding in batch.findings} == rules
    assert (batch.games["kickoff_estimated"] == ("1920" not in file and "2122" not in file)).all()


@pytest.mark.real_data
def test_the_real_favourites_give_goals_and_win(shared_data):
    file = "SP1_2223.csv.gz"
    batch = football_data.read((shared_data / "soccer" / file).read_bytes(), name=file)
    line = quote(batch, "Pinnacle", "spread", "home", "closing").set_index("game")["closing_line"]
    games = batch.games.set_index("game")
    margin = (games["home_score"] - games["away_score"]).astype(float)
    assert len(line) == 380
    assert margin.corr(line.astype(float)) < -0.35
