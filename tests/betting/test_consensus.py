"""The fair market over books, against a plain loop over every quote."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aipro_ml.betting.consensus import BEST_PRICE_COLUMNS, CONSENSUS_COLUMNS, best_prices, consensus, main_lines
from aipro_ml.betting.margin import devig
from aipro_ml.betting.odds import american_to_decimal

NAN = float("nan")


def quotes(*rows):
    columns = ["book", "market", "selection", "line", "price"]
    frame = pd.DataFrame(rows, columns=columns).assign(game_id="g", is_sharp=False)
    return frame.astype({"line": "float64", "price": "float64"})


def spread(book, home_line, home_price=-110, away_price=-110):
    return [
        (book, "spread", "home", home_line, home_price),
        (book, "spread", "away", -home_line, away_price),
    ]


def moneyline(book, home_price, away_price):
    return [(book, "moneyline", "home", NAN, home_price), (book, "moneyline", "away", NAN, away_price)]


def only(frame):
    assert len(frame) == 1
    assert tuple(frame.columns) == CONSENSUS_COLUMNS
    return frame.iloc[0]


def test_a_moneyline_has_no_line_and_the_median_fair_probability_of_its_books():
    row = only(consensus(quotes(*moneyline("a", -110, -110), *moneyline("b", -150, 130), *moneyline("c", -200, 170))))
    assert np.isnan(row["line"])
    fair = [devig([pair]).probabilities[0, 0] for pair in ((-110, -110), (-150, 130), (-200, 170))]
    assert row["fair"] == pytest.approx(fair[1])
    assert row["books_count"] == 3
    assert row["dispersion"] == pytest.approx(np.std(fair))
    assert row["overround"] == pytest.approx(1 / 1.5 + 1 / 2.7 - 1)
    assert not row["suspect"]


def test_the_main_line_is_the_most_common_one_and_other_lines_do_not_vote_on_the_probability():
    row = only(consensus(quotes(*spread("a", -3), *spread("b", -3, -120, 100), *spread("c", -3.5, 200, -250))))
    assert row["line"] == -3.0
    assert row["books_count"] == 2
    assert row["fair"] == pytest.approx((0.5 + devig([[-120, 100]]).probabilities[0, 0]) / 2)


def test_equally_common_lines_go_to_the_one_nearest_the_median_then_the_smaller_then_the_lower():
    assert only(consensus(quotes(*spread("a", -3), *spread("b", -3.5), *spread("c", -7))))["line"] == -3.5
    assert only(consensus(quotes(*spread("a", -3), *spread("b", -3.5))))["line"] == -3.0
    assert only(consensus(quotes(*spread("a", 1), *spread("b", -1))))["line"] == -1.0


def test_a_book_that_prices_one_side_only_does_not_count():
    one_sided = [("b", "spread", "home", -7.0, -110), ("c", "spread", "home", -7.0, -110)]
    row = only(consensus(quotes(*spread("a", -3), *one_sided)))
    assert (row["line"], row["books_count"]) == (-3.0, 1)


def test_a_mismatched_pair_of_lines_is_not_a_pair():
    row = only(consensus(quotes(("a", "spread", "home", -3.0, -110), ("a", "spread", "away", 3.5, -110))))
    assert row["books_count"] == 0
    assert np.isnan(row["fair"])


def test_without_a_complete_book_the_market_is_one_sided_but_keeps_its_line():
    row = only(consensus(quotes(("a", "spread", "away", 6.5, -110), ("a", "spread", "home", -6.5, NAN))))
    assert row["line"] == -6.5
    assert row["books_count"] == 0
    assert np.isnan([row["fair"], row["overround"], row["dispersion"]]).all()
    assert not row["suspect"]
    unpriced = only(consensus(quotes(*spread("a", -4, NAN, NAN))))
    assert unpriced["line"] == -4
    assert unpriced["books_count"] == 0


def test_a_pick_em_line_of_zero_pairs_with_its_negative_zero():
    frame = quotes(("a", "spread", "home", -0.0, -105), ("a", "spread", "away", 0.0, -115))
    row = only(consensus(frame))
    assert row["line"] == 0.0
    assert not np.signbit(row["line"])
    assert row["books_count"] == 1
    assert len(best_prices(frame, consensus(frame))) == 2


def test_one_book_alone_and_under_round_is_suspect_but_two_are_not():
    assert only(consensus(quotes(*moneyline("a", 110, 105))))["suspect"]
    assert not only(consensus(quotes(*moneyline("a", 110, 105), *moneyline("b", 110, 105))))["suspect"]
    assert not only(consensus(quotes(*moneyline("a", -110, -110))))["suspect"]


def test_a_book_that_prices_the_draw_is_devigged_three_ways():
    row = only(consensus(quotes(*moneyline("a", 170, 160), ("a", "moneyline", "draw", NAN, 230))))
    assert row["fair"] == pytest.approx(devig([[170, 160, 230]]).probabilities[0, 0])


def test_no_quotes_give_no_rows_in_the_same_columns():
    empty = quotes(*moneyline("a", -110, -110)).iloc[:0]
    frame = consensus(empty)
    assert frame.empty
    assert tuple(frame.columns) == CONSENSUS_COLUMNS
    best = best_prices(empty, frame)
    assert best.empty
    assert tuple(best.columns) == BEST_PRICE_COLUMNS


def test_two_quotes_of_one_book_for_one_selection_are_refused():
    with pytest.raises(pd.errors.MergeError):
        consensus(quotes(*spread("a", -3), *spread("a", -3)))


def test_the_best_price_pays_most_at_the_consensus_line_and_ties_go_to_the_first_book():
    frame = quotes(
        *spread("b", -3, -105, -115), *spread("a", -3, -105, -110), *spread("c", -3.5, 150, -200),
        ("d", "spread", "away", 3.0, 100), ("e", "spread", "away", 3.0, -100),
        ("f", "spread", "home", -3.0, NAN),
    )  # fmt: skip
    best = best_prices(frame, consensus(frame)).set_index("selection")
    assert best.loc["home", ["line", "price", "book"]].tolist() == [-3.0, -105.0, "a"]
    assert best.loc["away", ["line", "price", "book"]].tolist() == [3.0, 100.0, "d"]


PRICE = st.sampled_from([-130, -120, -110, -105, 100, 105, 110])
LINE = st.sampled_from([-3.5, -3.0, -0.5, 0.0, 0.5, 3.0])
QUOTE = st.tuples(
    st.sampled_from(["g1", "g2"]), st.sampled_from("abcd"), st.sampled_from(["home", "away"]), LINE, PRICE
)


@settings(max_examples=25, deadline=None)
@given(st.lists(QUOTE, min_size=1, max_size=24, unique_by=lambda quote: quote[:3]))
def test_the_consensus_equals_a_plain_loop_over_books(rows):
    frame = pd.DataFrame(rows, columns=["game_id", "book", "selection", "line", "price"])
    frame = frame.assign(market="spread", is_sharp=False).astype({"price": "float64"})
    result = consensus(frame).set_index("game_id")
    best = best_prices(frame, consensus(frame)).set_index(["game_id", "selection"])
    assert set(result.index) == set(frame["game_id"])
    pd.testing.assert_series_equal(main_lines(frame).set_index("game_id")["line"], result["line"])
    for game, own in frame.groupby("game_id"):
        line, fairs = _by_hand(own)
        assert result.loc[game, "line"] == line
        assert result.loc[game, "books_count"] == len(fairs)
        expected = np.median(fairs) if fairs else NAN
        assert result.loc[game, "fair"] == pytest.approx(expected, nan_ok=True)
        for side, sign in (("home", 1), ("away", -1)):
            offers = own.loc[(own["selection"] == side) & (own["line"] * sign == line)]
            if offers.empty:
                assert (game, side) not in best.index
                continue
            pays = max(float(american_to_decimal(price)) for price in offers["price"])
            assert float(american_to_decimal(best.loc[(game, side), "price"])) == pays


def _by_hand(own):
    """Return the main home line of one game and the fair probabilities of its complete books there."""
    priced = {}
    for quote in own.itertuples():
        home_line = (quote.line if quote.selection == "home" else -quote.line) + 0.0
        priced.setdefault((quote.book, home_line), {})[quote.selection] = quote.price
    complete = {key: sides for key, sides in priced.items() if len(sides) == 2}
    lines = [line for _, line in (complete or priced)]
    median = np.median(lines)
    main = min(lines, key=lambda line: (-lines.count(line), abs(line - median), abs(line), line))
    pairs = [[s["home"], s["away"]] for (_, line), s in complete.items() if line == main]
    return main, [devig([pair]).probabilities[0, 0] for pair in pairs]
