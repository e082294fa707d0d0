"""Moves of the market: what counts as one, its size and direction, steam and reverse."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.market.movements import MOVEMENT_COLUMNS, described, movements, toward_reference

START = pd.Timestamp("2024-09-08T12:00Z")
MINUTE = pd.Timedelta(minutes=1)


def quotes(*rows, market="spread", selection="home"):
    """Return quotes of (book, minutes, line, price)."""
    frame = pd.DataFrame(rows, columns=["book", "at", "line", "price"]).astype({"line": "float64", "price": "float64"})
    seen = (START + pd.to_timedelta(frame["at"], unit="min")).astype("datetime64[us, UTC]")
    return frame.assign(game_id="g", market=market, selection=selection, recorded_at=seen).drop(columns="at")


def told(moves, books=14):
    quoting = pd.Series({("g", "spread"): books, ("g", "total"): books, ("g", "moneyline"): books})
    quoting.index.names = ["game_id", "market"]
    return described(moves, quoting, pd.Series({"g": START + 120 * MINUTE}))


def test_every_change_of_line_or_price_of_the_home_side_is_a_move_and_repeated_quotes_are_none():
    home = quotes(
        ("a", 0, -3, -110), ("a", 5, -3, -110), ("a", 9, -3.5, -110), ("a", 20, -3.5, -105), ("b", 1, -2, 100)
    )
    moves = movements(pd.concat([home, quotes(("a", 7, 3, -120), selection="away")]))
    assert tuple(moves.columns) == MOVEMENT_COLUMNS
    assert moves["detected_at"].tolist() == [START + 9 * MINUTE, START + 20 * MINUTE]
    assert moves[["old_line", "new_line", "old_price", "new_price"]].to_numpy().tolist() == [
        [-3, -3.5, -110, -110], [-3.5, -3.5, -110, -105],
    ]  # fmt: skip
    assert moves["movement_size"].tolist() == pytest.approx([-0.5, 105 / 205 - 110 / 210])


def test_a_moneyline_moves_in_probability_and_has_no_line():
    moves = movements(quotes(("a", 0, np.nan, -110), ("a", 5, np.nan, 100), market="moneyline"))
    assert moves["movement_size"].tolist() == pytest.approx([0.5 - 110 / 210])
    assert toward_reference(moves).tolist() == [-1]


def test_a_falling_home_line_a_rising_total_and_a_shorter_price_go_toward_the_reference_side():
    spread = movements(quotes(("a", 0, -3, -110), ("a", 5, -4, -110), ("a", 6, -4, -120)))
    total = movements(quotes(("a", 0, 44, -110), ("a", 5, 45, -110), market="total", selection="over"))
    assert toward_reference(spread).tolist() == [1, 1]
    assert toward_reference(total).tolist() == [1]


def moved(*times):
    """Return the moves of books that each go from −3 to −3.5 at a minute."""
    rows = [row for book, at in times for row in ((book, -60, -3, -110), (book, at, -3.5, -110))]
    return movements(quotes(*rows))


def test_three_books_moving_one_way_within_half_an_hour_are_steam():
    found = told(moved(("a", 0), ("b", 10), ("c", 30), ("d", 90)))
    assert found["books_moving"].tolist() == [1, 2, 3, 1]
    assert found["steam"].tolist() == [False, False, True, False]
    assert found["age_hours"].tolist() == pytest.approx([2, 110 / 60, 1.5, 0.5])


def test_half_of_few_books_are_steam_but_one_book_alone_never_is():
    assert told(moved(("a", 0), ("b", 10)), books=4)["steam"].tolist() == [False, True]
    assert told(moved(("a", 0)), books=1)["steam"].tolist() == [False]


def test_one_book_moving_three_times_is_no_steam():
    moves = movements(quotes(*[("a", minute, -3 - minute / 10, -110) for minute in (0, 5, 10, 15)]))
    assert told(moves)["books_moving"].tolist() == [1, 1, 1]


def test_a_move_against_the_one_before_it_is_reverse():
    moves = movements(quotes(("a", 0, -3, -110), ("a", 5, -4, -110), ("a", 9, -3.5, -110), ("a", 12, -3, -110)))
    assert told(moves)["reverse"].tolist() == [False, True, False]


@pytest.mark.parametrize("seed", range(10))
def test_books_moving_equals_a_plain_count(seed):
    random = np.random.default_rng(seed)
    rows = [(str(random.choice(list("abcd"))), int(at), float(random.choice([-3, -3.5, -4])), -110)
            for at in random.choice(200, size=60, replace=False)]  # fmt: skip
    found = told(movements(quotes(*rows)))
    for number, row in found.iterrows():
        window = found.iloc[: number + 1]
        near = window.loc[
            (window["direction"] == row["direction"]) & (row["detected_at"] - window["detected_at"] <= 30 * MINUTE)
        ]
        assert row["books_moving"] == near["book"].nunique()


def test_nothing_moves_where_nobody_quotes():
    assert told(movements(quotes())).empty


def test_averages_and_maxima_over_books_make_no_steam():
    found = told(moved(("a", 0), ("market average", 10), ("market maximum", 20), ("b", 25)))
    assert found["books_moving"].tolist() == [1, 1, 1, 2]
    assert not found["steam"].any()
