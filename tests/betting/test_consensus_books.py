"""Whose view counts: three-way books, averages and maxima, and books that are far off, against a plain loop."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aipro_ml.betting.books import OUTLIER_DISTANCE, OUTLIER_MADS
from aipro_ml.betting.consensus import best_prices, consensus
from aipro_ml.betting.margin import devig
from aipro_ml.betting.odds import american_to_decimal
from tests.soak import size

NAN = float("nan")
SIDES = ("home", "draw", "away")


def board(*books, market="moneyline", game="g"):
    """Return quotes of (book, home, draw, away) prices; NaN is not offered."""
    rows = [
        (game, book, market, side, NAN, price)
        for book, *prices in books
        for side, price in zip(SIDES, prices, strict=True)
        if not np.isnan(price)
    ]
    frame = pd.DataFrame(rows, columns=["game_id", "book", "market", "selection", "line", "price"])
    return frame.astype({"line": "float64", "price": "float64"})


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def test_the_three_probabilities_of_a_three_way_market_sum_to_one():
    quotes = board(("a", 170, 230, 160), ("b", 150, 240, 180), ("c", 190, 220, 150))
    row = only(consensus(quotes, three_way=True))
    fairs = devig([[170, 230, 160], [150, 240, 180], [190, 220, 150]]).probabilities
    medians = np.median(fairs, axis=0)
    assert row["fair"] == pytest.approx(medians[0] / medians.sum())
    assert row["fair_draw"] == pytest.approx(medians[1] / medians.sum())
    assert row["books_count"] == 3


def test_a_two_way_market_has_no_draw():
    assert np.isnan(only(consensus(board(("a", -110, NAN, -110))))["fair_draw"])


def test_a_book_without_a_draw_price_is_not_complete_in_a_three_way_game():
    two_sides = board(("a", 170, NAN, 160))
    assert only(consensus(two_sides))["books_count"] == 1
    of_sport = only(consensus(two_sides, three_way=True))
    assert of_sport["books_count"] == 0
    assert np.isnan(of_sport["fair"])
    another_book = only(consensus(board(("a", 170, NAN, 160), ("b", 170, 230, 160))))
    assert another_book["books_count"] == 1
    assert another_book["fair"] == pytest.approx(devig([[170, 230, 160]]).probabilities[0, 0])


def test_the_draw_of_one_game_does_not_make_another_game_three_way():
    quotes = pd.concat([board(("a", 170, 230, 160)), board(("a", -110, NAN, -110), game="h")])
    assert consensus(quotes)["books_count"].tolist() == [1, 1]


def test_a_maximum_over_books_is_nobody():
    alone = board(("market maximum", 120, NAN, 110))
    assert consensus(alone).empty
    quotes = board(("a", -110, NAN, -110), ("market maximum", 120, NAN, 110))
    row = only(consensus(quotes))
    assert (row["books_count"], row["fair"]) == (1, pytest.approx(0.5))
    assert set(best_prices(quotes, consensus(quotes))["book"]) == {"a"}


def test_an_average_speaks_only_where_no_bookmaker_does_and_nobody_bets_with_it():
    average = ("OddsPortal average", -150, NAN, 130)
    alone = board(average)
    row = only(consensus(alone))
    assert row["books_count"] == 0
    assert row["fair"] == pytest.approx(devig([[-150, 130]]).probabilities[0, 0])
    assert best_prices(alone, consensus(alone)).empty
    beside = only(consensus(board(average, ("a", -110, NAN, -110))))
    assert (beside["books_count"], beside["fair"]) == (1, pytest.approx(0.5))
    one_sided = only(consensus(board(average, ("a", -110, NAN, NAN))))
    assert one_sided["fair"] == pytest.approx(row["fair"])


def test_a_book_far_off_the_others_is_named_and_left_out_everywhere():
    quotes = board(("a", -110, NAN, -110), ("b", -112, NAN, -108), ("typo", -1100, NAN, 900))
    lines = consensus(quotes)
    row = only(lines)
    assert row["outliers"] == ("typo",)
    assert row["books_count"] == 2
    assert not row["suspect"]
    assert row["fair"] == pytest.approx(devig([[-110, -110], [-112, -108]]).probabilities[:, 0].mean())
    best = best_prices(quotes, lines).set_index("selection")
    assert best.loc["away", ["price", "book"]].tolist() == [-108.0, "b"]


def test_a_book_is_far_off_too_when_only_its_draw_is():
    honest = [(name, 170, 230, 160) for name in "abc"]
    row = only(consensus(board(*honest, ("d", 230, 110, 220)), three_way=True))
    assert row["outliers"] == ("d",)
    assert row["books_count"] == 3


def test_of_two_books_far_apart_nobody_can_say_which_is_wrong():
    row = only(consensus(board(("a", -110, NAN, -110), ("b", -300, NAN, 250))))
    assert row["suspect"]
    assert (row["books_count"], row["outliers"]) == (2, ())
    assert not only(consensus(board(("a", -110, NAN, -110), ("b", -130, NAN, 110))))["suspect"]


def test_where_as_many_books_are_far_off_as_not_the_market_is_suspect():
    row = only(consensus(board(*[(n, -110, NAN, -110) for n in "ab"], *[(n, -400, NAN, 320) for n in "cd"])))
    assert row["suspect"]
    assert (row["books_count"], row["outliers"]) == (4, ())


def test_books_spread_evenly_are_not_far_off_however_wide():
    row = only(consensus(board(*[(str(p), p, NAN, -p) for p in (-300, -200, -140, 110, 150)])))
    assert row["outliers"] == ()
    assert not row["suspect"]


PRICE = st.sampled_from([-900, -250, -140, -110, 100, 120, 230, 600, 1400])
MAYBE = st.one_of(PRICE, PRICE, PRICE, st.just(NAN))
NAME = st.sampled_from(["a", "b", "c", "d", "e", "f", "x average", "x maximum"])
GAME = st.lists(st.tuples(NAME, MAYBE, MAYBE, MAYBE), min_size=1, max_size=8, unique_by=lambda row: row[0])


@settings(max_examples=size(40, 300), deadline=None)
@given(st.lists(GAME, min_size=1, max_size=12), st.booleans())
def test_the_consensus_equals_a_plain_loop_over_games_and_books(games, three_way):
    quotes = pd.concat([board(*rows, game=f"g{number}") for number, rows in enumerate(games)])
    lines = consensus(quotes, three_way=three_way)
    found = lines.set_index("game_id")
    best = best_prices(quotes, lines).set_index(["game_id", "selection"])
    for number, rows in enumerate(games):
        expected = _by_hand(rows, three_way=three_way)
        if expected is None:
            assert f"g{number}" not in found.index
            continue
        row = found.loc[f"g{number}"]
        assert (row["books_count"], row["outliers"], bool(row["suspect"])) == expected[:3]
        assert (row["fair"], row["fair_draw"]) == pytest.approx(expected[3], nan_ok=True)
        for side, offer in zip(SIDES, expected[4], strict=True):
            if offer is None:
                assert (f"g{number}", side) not in best.index
            else:
                assert best.loc[(f"g{number}", side), "book"] == offer


def _by_hand(rows, *, three_way):
    """Return (books_count, outliers, suspect, (fair, fair_draw), books with the best prices), or None."""
    priced = {name: dict(zip(SIDES, prices, strict=True)) for name, *prices in rows if not name.endswith("maximum")}
    priced = {name: sides for name, sides in priced.items() if not all(np.isnan(list(sides.values())))}
    if not priced:
        return None
    has_draw = three_way or any(not np.isnan(sides["draw"]) for sides in priced.values())
    wanted = SIDES if has_draw else ("home", "away")
    complete = {
        n: [s[side] for side in wanted] for n, s in priced.items() if not np.isnan([s[w] for w in wanted]).any()
    }
    real = {name: prices for name, prices in complete.items() if not name.endswith("average")}
    speaking = real or complete
    fairs = {name: devig([prices]).probabilities[0] for name, prices in speaking.items()}
    overround = {name: sum(1 / float(american_to_decimal(p)) for p in prices) - 1 for name, prices in speaking.items()}
    far, contested = (), False
    if real:
        far, contested = _far(fairs)
    counted = [name for name in sorted(fairs) if name not in far]
    fair = (NAN, NAN)
    if counted:
        medians = np.median([fairs[name] for name in counted], axis=0)
        medians = medians / medians.sum()
        fair = (medians[0], medians[1] if has_draw else NAN)
    count = len(counted) if real else 0
    alone = count == 1 and overround[counted[0]] < 0
    return count, far, alone or contested, fair, [_best(priced, far, side) for side in SIDES]


def _far(fairs):
    names, far = sorted(fairs), []
    if len(names) == 2:
        return (), bool(np.abs(fairs[names[0]] - fairs[names[1]]).max() > OUTLIER_DISTANCE)
    for name in names:
        others = np.array([fairs[other] for other in names if other != name])
        if len(others) < 2:
            continue
        median = np.median(others, axis=0)
        spread = np.median(np.abs(others - median), axis=0)
        if (np.abs(fairs[name] - median) > np.maximum(OUTLIER_DISTANCE, OUTLIER_MADS * spread)).any():
            far.append(name)
    contested = bool(far) and 2 * len(far) >= len(names)
    return (() if contested else tuple(far)), contested


def _best(priced, far, side):
    offers = [
        (-float(american_to_decimal(sides[side])), name)
        for name, sides in priced.items()
        if name not in far and not name.endswith("average") and not np.isnan(sides[side])
    ]
    return min(offers)[1] if offers else None
