"""History: what is known when, what is refused, and which quote stands."""

from dataclasses import replace

import pandas as pd
import pytest

from aipro_ml.enums import BetType
from aipro_ml.errors import LeakError, UsageError
from aipro_ml.features.history import History
from aipro_ml.features.records import ODDS_COLUMNS, Records, frame_of
from tests.features.random_league import random_league

MINUTE = pd.Timedelta(minutes=1)


@pytest.fixture(scope="module")
def records() -> Records:
    return random_league(1)


@pytest.fixture(scope="module")
def history(records: Records) -> History:
    return History(records)


def _quote(game: str, book: str, price: float, at: pd.Timestamp, **other: object) -> dict[str, object]:
    known = {"is_sharp": False, "market": "moneyline", "selection": "home", "line": float("nan")}
    return {"game_id": game, "book": book, "price": price, "recorded_at": at, **known, **other}


def _with_odds(records: Records, quotes: list[dict[str, object]]) -> History:
    return History(replace(records, odds=frame_of(pd.DataFrame(quotes), ODDS_COLUMNS)))


def test_a_game_nobody_knew_of_is_refused(history: History) -> None:
    game = history.game_ids()[0]
    too_early = pd.Series({game: pd.Timestamp("1990-01-01", tz="UTC")})
    with pytest.raises(LeakError, match="was not known"):
        history.schedule([game], too_early)


def test_a_game_named_twice_or_without_a_time_is_refused(history: History) -> None:
    game = history.game_ids()[0]
    with pytest.raises(UsageError, match=game):
        history.schedule([game, game], pd.Series({game: pd.Timestamp("2005-01-01", tz="UTC")}))
    with pytest.raises(UsageError, match=game):
        history.schedule([game], pd.Series({"another": pd.Timestamp("2005-01-01", tz="UTC")}))


def test_a_postponement_shows_its_new_kickoff_only_once_known(records: Records, history: History) -> None:
    told = records.games.loc[records.games["status"] == "postponed"].iloc[0]
    game = told["game_id"]
    before = history.schedule([game], pd.Series({game: told["known_at"] - MINUTE}))
    after = history.schedule([game], pd.Series({game: told["known_at"] + pd.Timedelta(hours=2)}))
    assert after["kickoff"].iloc[0] - before["kickoff"].iloc[0] == pd.Timedelta(days=2)


def test_a_score_known_before_kickoff_is_refused(records: Records) -> None:
    games = records.games.copy()
    final = games.index[games["status"] == "final"][0]
    games.loc[final, "known_at"] = games.loc[final, "kickoff"] - MINUTE
    with pytest.raises(LeakError, match="before its kick-off"):
        History(replace(records, games=games)).results()


def test_each_epoch_sees_the_score_current_in_it(records: Records, history: History) -> None:
    finals = records.games.loc[records.games["status"] == "final"]
    corrected = finals.loc[finals.duplicated("game_id", keep=False)].sort_values("known_at")
    game = corrected["game_id"].iloc[0]
    first, second = corrected.loc[corrected["game_id"] == game].to_dict("records")
    earlier = history.before(second["known_at"]).results().set_index("game_id").loc[game]
    later = history.results().set_index("game_id").loc[game]
    assert (earlier["home_score"], later["home_score"]) == (first["home_score"], second["home_score"])
    assert earlier["known_at"] == later["known_at"] == first["known_at"]
    assert second["known_at"] in history.correction_times()


def test_a_game_voided_later_has_no_result(records: Records, history: History) -> None:
    voided = records.games.loc[records.games["status"] == "cancelled", "game_id"]
    assert len(voided)
    assert not history.results()["game_id"].isin(voided).any()


def test_as_known_at_is_the_database_of_that_moment(records: Records) -> None:
    moment = pd.Timestamp("2002-10-20", tz="UTC")
    capped, cut = History(records, moment), History(records.cut(moment))
    pd.testing.assert_frame_equal(capped.results(), cut.results())
    assert capped.game_ids() == cut.game_ids()


def test_team_games_are_the_results_from_both_sides(history: History) -> None:
    results, sides = history.results(), history.team_games()
    assert len(sides) == 2 * len(results)
    assert sides.groupby("game_id")["margin"].sum().eq(0).all()
    assert sides["known_at"].is_monotonic_increasing
    assert sides["is_home"].tolist()[:4] == [True, False, True, False]


def test_the_latest_quote_is_the_last_at_or_before_as_of_and_not_too_old(records: Records) -> None:
    game = records.games["game_id"].iloc[0]
    as_of = pd.Timestamp("2001-09-10 12:00", tz="UTC")
    day = pd.Timedelta(days=1)
    history = _with_odds(
        records,
        [
            _quote(game, "A", 100, as_of - 2 * day),
            _quote(game, "A", 110, as_of),
            _quote(game, "A", 120, as_of + MINUTE),
            _quote(game, "B", 130, as_of - day),
            _quote(game, "C", 140, as_of - day + MINUTE),
            _quote("another", "A", 150, as_of),
        ],
    )
    entities = history.schedule([game], pd.Series({game: as_of}))
    latest = history.quotes(entities, 24)
    assert dict(zip(latest["book"], latest["price"], strict=True)) == {"A": 110, "C": 140}
    opening = history.opening(entities)
    assert dict(zip(opening["book"], opening["price"], strict=True)) == {"A": 100, "B": 130, "C": 140}


def test_a_quote_equal_to_the_one_before_is_no_move(records: Records) -> None:
    game = records.games["game_id"].iloc[0]
    as_of = pd.Timestamp("2001-09-10 12:00", tz="UTC")
    prices = (100, 100, 105, 105, 100)
    history = _with_odds(
        records, [_quote(game, "A", price, as_of - (9 - at) * MINUTE) for at, price in enumerate(prices)]
    )
    moves = history.movements(history.schedule([game], pd.Series({game: as_of})))
    assert moves["moves"].tolist() == [2]
    assert moves["moved_at"].tolist() == [as_of - 5 * MINUTE]


def test_a_closing_line_is_unreadable_before_it_closed(records: Records, history: History) -> None:
    home = records.closing[(records.closing["market"] == "spread") & (records.closing["selection"] == "home")]
    closed_at = home.groupby("game_id")["closed_at"].min()
    game, moment = closed_at.index[0], closed_at.iloc[0]
    early, late = (
        history.closing_before(history.schedule([game], pd.Series({game: at})), BetType.SPREAD)
        for at in (moment - MINUTE, moment)
    )
    assert early.empty
    assert set(late["game_id"]) == {game}
    assert (late["closed_at"] <= moment).all()


def test_a_closed_game_is_known_once_both_score_and_lines_are(records: Records, history: History) -> None:
    closed = history.closed_games().set_index("game_id")
    lines = history.closing_lines(BetType.SPREAD).set_index("game_id")
    results = history.results().set_index("game_id")
    assert (closed["known_at"] >= results["known_at"]).all()
    assert (closed["known_at"] >= lines["known_at"].reindex(closed.index)).all()
    assert set(history.closed_games(before_season=2002)["season"]) == {2001}


def test_what_was_derived_once_is_handed_out_as_a_copy_and_is_not_carried_into_another_epoch(history: History) -> None:
    asked = []

    def derive() -> pd.DataFrame:
        asked.append(1)
        return pd.DataFrame({"x": [1.0]})

    history.once("x", derive)["x"] = 2.0
    assert history.once("x", derive)["x"].tolist() == [1.0]
    assert len(asked) == 1
    history.before(pd.Timestamp("2003-01-01", tz="UTC")).once("x", derive)
    assert len(asked) == 2
