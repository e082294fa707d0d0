"""The untimed archives as canonical frames: what their cells mean."""

import pandas as pd
import pytest

from aipro_ml.sources import action_network_props, bmr, kaggle_nba, klland, kyleskom, oddsportal, sbr, sbr_nfl
from aipro_ml.sources.season_calendar import season_calendar
from tests.sources import archive_files as files
from tests.sources import readings_archives as readings

MINUTE = pd.Timedelta(minutes=1)


def lines_of(batch, market, frame="closing"):
    """The lines (or prices) of the first game by selection."""
    game = batch.games["game"].iloc[0]
    rows = getattr(batch, frame)
    rows = rows.loc[(rows["game"] == game) & (rows["market"] == market)].set_index("selection")
    return rows[{"closing": "closing_line", "quotes": "price"}[frame]].to_dict()


def with_cells(rows, **cells):
    return files.as_csv([rows[0] | cells, *rows[1:]])


def test_a_game_known_by_its_day_has_the_usual_hour_marked_as_estimated():
    game = readings.KAGGLE.read(readings.KAGGLE.content).games.iloc[0]
    assert game["game"] == "2012:2013-01-05:GSW@NOP:1"
    assert game["kickoff"] == pd.Timestamp("2013-01-06T00:30Z")
    assert bool(game["kickoff_estimated"])
    assert (game["season"], game["season_type"], game["status"]) == (2012, "regular", "final")


@pytest.mark.parametrize(("favoured", "home"), [("home", -3.5), ("away", 3.5)])
def test_kaggles_spread_is_a_size_whose_side_stands_beside_it(favoured, home):
    prices = {"moneyline_home": "-110", "moneyline_away": "-110"}
    batch = kaggle_nba.read(with_cells(files.kaggle_rows(), whos_favored=favoured, **prices), name="n")
    assert lines_of(batch, "spread") == {"home": home, "away": -home}
    assert batch.findings == ()


def test_kaggles_lines_are_another_books_from_2023_on():
    batch = readings.KAGGLE.read(readings.KAGGLE.content)
    days = batch.closing.merge(batch.games)[["book", "season"]].drop_duplicates().to_dict("records")
    assert days == [
        {"book": "Kaggle NBA close", "season": 2012},
        {"book": "Kaggle NBA close 2023", "season": 2022},
    ]
    assert bool(batch.games["overtime"].iloc[1])


@pytest.mark.parametrize(
    ("cells", "rule", "left"),
    [
        ({"moneyline_home": "-650", "moneyline_away": "-650"}, "impossible_prices", {"spread", "total"}),
        ({"moneyline_home": "150", "moneyline_away": "-170"}, "spread_against_moneyline", {"total"}),
        ({"spread": "195.5", "total": "3.5"}, "swapped_spread_total", {"moneyline"}),
    ],
)
def test_what_contradicts_itself_does_not_land(cells, rule, left):
    batch = kaggle_nba.read(with_cells(files.kaggle_rows(), **cells), name="n")
    first = batch.closing.loc[batch.closing["game"] == batch.games["game"].iloc[0]]
    assert [finding.rule for finding in batch.findings] == [rule]
    assert set(first["market"]) == left


def test_a_negative_margin_is_marked_and_lands():
    batch = kaggle_nba.read(with_cells(files.kaggle_rows(), moneyline_home="-150", moneyline_away="170"), name="n")
    assert [finding.rule for finding in batch.findings] == ["negative_overround"]
    assert lines_of(batch, "moneyline", "quotes") == {"home": -150, "away": 170}


def test_oddsportal_leaves_out_what_is_no_league_game_and_keeps_its_number():
    batch = readings.ODDSPORTAL.read(readings.ODDSPORTAL.content)
    assert batch.games["external_id"].tolist() == ["dUhxW4j2", "aaaaaaaa"]
    assert batch.games["neutral_site"].tolist() == [False, True]
    assert batch.games["season_type"].tolist() == ["postseason", "regular"]
    assert batch.rows_read == 3
    assert lines_of(batch, "moneyline", "quotes") == {"home": -270, "away": 220}


def test_kyleskoms_labelled_days_are_no_october_of_1930():
    batch = readings.KYLESKOM.read(readings.KYLESKOM.content)
    days = batch.games["kickoff"].dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%d").tolist()
    assert days == ["2022-10-19", "2023-10-24"]
    assert batch.games["home_score"].tolist() == [113, 113]
    assert lines_of(batch, "spread") == {"home": -3.5, "away": 3.5}


def test_a_table_whose_spreads_have_no_sign_lands_its_moneylines_only():
    [row, _] = files.kyleskom_rows()
    visitors = {"ML_Home": "240", "ML_Away": "-290"}
    days = [{"Date": f"2021-22-11{day:02d}"} for day in range(1, 29)]
    batch = kyleskom.read(files.as_csv([row | visitors | day for day in days]), name="odds.csv")
    assert {finding.rule for finding in batch.findings} == {"unsigned_spread"}
    assert set(batch.closing["market"]) == {"moneyline"}
    signed = kyleskom.read(files.as_csv([row | visitors | day | {"Spread": "-6"} for day in days]), name="odds.csv")
    assert set(signed.closing["market"]) == {"moneyline", "spread", "total"}
    assert signed.findings == ()


def test_a_game_of_no_points_is_still_to_be_played():
    batch = kyleskom.read(with_cells(files.kyleskom_rows(), Points="0", Win_Margin="0"), name="odds.csv")
    assert batch.games["status"].tolist() == ["scheduled", "final"]
    assert set(batch.closing["game"]) == {batch.games["game"].iloc[1]}


def test_a_file_with_many_swapped_lines_is_called_suspect():
    batch = klland.read(with_cells(files.klland_rows(), close_spread="189.5", close_total="13.0"), name="k.csv")
    assert [finding.rule for finding in batch.findings] == ["suspect_file", "swapped_spread_total"]
    assert lines_of(batch, "spread") == {}
    assert lines_of(batch, "total") == {}


def test_sbrs_favourite_holds_the_spread_and_the_other_row_the_total():
    batch = readings.SBR.read(readings.SBR.content)
    assert lines_of(batch, "spread") == {"home": -13.0, "away": 13.0}
    assert lines_of(batch, "total") == {"over": 189.5, "under": 189.5}
    assert lines_of(batch, "moneyline", "quotes") == {"home": -1400, "away": 900}
    other = batch.closing.loc[batch.closing["game"] == "2007:2008-01-02:BKN@OKC:1"].set_index("selection")
    assert other["closing_line"].to_dict() == {"home": 1.5, "away": -1.5, "over": 201.0, "under": 201.0}
    assert batch.games["neutral_site"].tolist() == [False, True]
    assert batch.games["overtime"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("close", "line"), [("pk", 0.0), ("PK", 0.0), ("13.5u10", -13.5), (".5ev", -0.5), (".5+03", -0.5)]
)
def test_sbrs_tokens_are_read(close, line):
    batch = sbr.read(files.as_csv(files.sbr_rows(home={"Close": close})), name="nba_2007-08")
    assert lines_of(batch, "spread") == {"home": line, "away": -line + 0.0}
    assert {finding.rule for finding in batch.findings} == ({"noted_price"} if len(close) > 2 else set())


def test_sbrs_opening_lines_have_no_price_and_do_not_land():
    batch = readings.SBR.read(readings.SBR.content)
    assert set(batch.quotes["market"]) == {"moneyline"}
    seen = batch.quotes.merge(batch.games)
    assert (seen["kickoff"] - seen["recorded_at"] == MINUTE).all()


def test_a_hidden_space_around_a_price_is_no_part_of_it():
    batch = sbr.read(files.as_csv(files.sbr_rows(away={"ML": "+900\u00a0"})), name="nba_2007-08")
    assert batch.findings == ()


@pytest.mark.skipif(not files.HAS_EXCEL, reason="openpyxl is not installed")
def test_a_workbook_says_what_its_csv_says():
    text, workbook = (reading.read(reading.content) for reading in (readings.SBR, readings.WORKBOOK))
    for frame in ("games", "quotes", "closing"):
        pd.testing.assert_frame_equal(getattr(text, frame), getattr(workbook, frame))


def test_days_without_a_year_belong_to_the_season():
    days = pd.Series([1022, 1231, 101, 311, 1011, 1332, 230], dtype="Int64")
    found = season_calendar("NBA").dated(days, 2019).dt.strftime("%Y-%m-%d").tolist()
    assert found[:5] == ["2019-10-22", "2019-12-31", "2020-01-01", "2020-03-11", "2020-10-11"]
    assert pd.isna(found[5])
    assert pd.isna(found[6])


def test_the_nfl_archives_swapped_lines_are_reported_and_do_not_land():
    first, second = files.sbr_nfl_rows()
    swapped = first | {"home_close_spread": 48.0, "away_close_spread": -48.0, "close_over_under": 5.0}
    batch = sbr_nfl.read(files.as_json([swapped, second]), name="nfl.json")
    assert [finding.rule for finding in batch.findings] == ["suspect_file", "swapped_spread_total"]
    assert batch.games["game"].tolist() == ["2011:2011-09-08:NO@GB:1", "2011:2011-09-11:LAC@SF:1"]
    assert lines_of(batch, "total") == {}
    assert lines_of(sbr_nfl.read(files.as_json([first, second]), name="n"), "spread") == {"home": -5.0, "away": 5.0}


def test_bmrs_games_have_nflverses_identity_and_the_year_their_weekday_proves():
    games = readings.BMR.read(readings.BMR.content).games
    assert games["game"].tolist() == ["2018:regular:3:PIT@TB", "2018:postseason:18:LA@LV"]
    assert games["kickoff"].tolist() == [pd.Timestamp("2018-09-25T00:15Z"), pd.Timestamp("2019-01-05T21:35Z")]
    assert games["overtime"].tolist() == [False, True]


def test_bmrs_opener_is_book_8_days_before_its_close():
    lead = pd.Timedelta(days=3)
    batch = bmr.read(readings.BMR.content, name="week_3.csv", opening_lead=lead.to_pytimedelta())
    mine = batch.quotes.loc[(batch.quotes["game"] == "2018:regular:3:PIT@TB") & (batch.quotes["book"] == "BMR 8")]
    home = mine.loc[(mine["market"] == "spread") & (mine["selection"] == "home")].sort_values("recorded_at")
    kickoff = pd.Timestamp("2018-09-25T00:15Z")
    assert home["recorded_at"].tolist() == [kickoff - lead, kickoff - MINUTE]
    assert home[["line", "price"]].to_numpy().tolist() == [[2.5, -110], [-1.0, -115]]
    assert len(batch.closing) == 2 * 2 * 6
    total = mine.loc[(mine["market"] == "total") & (mine["recorded_at"] == kickoff - lead)].set_index("selection")
    assert total["line"].to_dict() == {"over": 49.5, "under": 49.5}


def test_a_postponed_row_gives_way_to_the_row_of_the_day_it_was_played():
    rows = files.bmr_rows()
    postponed = [row | {"outcome": "POSTPONED", "score": "", "game_id": "7"} for row in rows[:2]]
    batch = bmr.read(files.as_csv([*postponed, *rows]), name="week_3.csv")
    assert [(finding.rule, finding.line) for finding in batch.findings] == [("postponed", 2)]
    assert batch.games["status"].tolist() == ["final", "final"]
    alone = bmr.read(files.as_csv([*postponed, *rows[2:]]), name="week_3.csv")
    assert alone.games["status"].tolist() == ["postponed", "final"]
    assert alone.findings == ()


def test_books_that_only_some_weeks_have_are_read_where_they_are():
    rows = files.bmr_rows()
    without = [{name: cell for name, cell in row.items() if not name.startswith("82_")} for row in rows[2:]]
    weeks = {"2018/week_3.csv": files.as_csv(rows[:2]), "2018/week_18.csv": files.as_csv(without)}
    batch = bmr.read(files.as_tar(weeks), name="bmr.tar.gz")
    assert batch.closing.groupby("book")["game"].nunique().to_dict() == {"BMR 8": 2, "BMR 82": 1}


def test_action_networks_games_come_from_the_schedule_and_only_full_game_lines_land():
    batch = readings.ACTION.read(readings.ACTION.content)
    assert batch.games["game"].tolist() == ["2022:regular:1:BUF@LA", "2022:regular:1:CLE@CAR"]
    assert batch.games["external_id"].tolist() == ["4418", "4419"]
    assert lines_of(batch, "spread") == {"home": 2.5, "away": -2.5}
    assert len(batch.quotes) == 10
    assert (batch.games["kickoff"] == files.schedule()["kickoff"]).all()


def prop(**cells):
    row = {
        "bet_type": "receptions", "event_id": 4418, "book_id": 15, "action_network_player_id": "166468",
        "line_type": "total", "period": "event", "side": "over", "value": 2.5, "odds": 124, "join_name": "b.skow",
        "player_id": "00-0036862",
    }  # fmt: skip
    return row | cells


def props_of(*rows):
    games = readings.ACTION.read(readings.ACTION.content).games
    return action_network_props.read(files.as_parquet(list(rows)), name="props.parquet", games=games)


def test_props_land_with_player_line_and_price():
    scorer = {"bet_type": "anytime_touchdown_scorer", "line_type": "moneyline", "side": "noside", "value": 0.0}
    team = {"bet_type": "team_score", "action_network_player_id": "-1"}
    batch = props_of(prop(), prop(side="under", odds=-150), prop(**scorer, odds=2400), prop(**team))
    assert batch.props["selection"].tolist() == ["over", "under", "yes"]
    assert batch.props["price"].tolist() == [124, -150, 2400]
    assert batch.props["line"].isna().tolist() == [False, False, True]
    assert set(batch.props["game"]) == {"2022:regular:1:BUF@LA"}
    assert (batch.rows_read, batch.findings) == (4, ())


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"odds": 50}, "price"), ({"odds": -5_000_000}, "price"), ({"odds": 0}, "price"), ({"value": 0.0}, "line"),
        ({"side": "noside"}, "side"), ({"side": None}, "side"), ({"event_id": 1}, "no_such_game"),
        ({"action_network_player_id": None}, "player"), ({"action_network_player_id": "-1"}, "player"),
        ({}, "duplicate_quote"),
    ],
)  # fmt: skip
def test_a_bad_prop_is_rejected_and_the_others_land(cells, rule):
    batch = props_of(prop(), prop(**cells))
    assert [(finding.rule, finding.line) for finding in batch.findings] == [(rule, 2)]
    assert len(batch.props) == 1


def test_a_player_without_nflverses_id_is_marked_once_and_lands():
    batch = props_of(prop(player_id=None), prop(player_id=None, side="under"), prop(action_network_player_id="5"))
    assert [finding.rule for finding in batch.findings] == ["player_unmatched"]
    assert batch.props["player"].isna().tolist() == [True, True, False]


def test_oddsportals_season_comes_from_its_day():
    batch = oddsportal.read(readings.ODDSPORTAL.content, name="o.csv")
    assert batch.games["season"].tolist() == [2023, 2012]
