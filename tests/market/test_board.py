"""One game's board: what stands at a moment, and why a book does not count."""

import numpy as np
import pandas as pd

from aipro_ml.config import sport_config
from aipro_ml.market.board import book_rows, books_quoting, fresh, market_rows, standing_quotes
from aipro_ml.market.closing import book_sides
from aipro_ml.market.consensus_rows import consensus_rows, sharp_and_soft

NFL = sport_config("NFL")
KICKOFF = pd.Timestamp("2024-09-08T17:00Z")
HOUR = pd.Timedelta(hours=1)
DAY = pd.Timedelta(hours=24)
REVISIONS = pd.DataFrame(
    {"game_id": ["g"], "kickoff": [KICKOFF], "kickoff_estimated": [False], "status": ["scheduled"],
     "known_at": [KICKOFF - 200 * HOUR]}
).astype({"kickoff": "datetime64[us, UTC]", "known_at": "datetime64[us, UTC]"})  # fmt: skip


def offers(*rows):
    """Return both sides' quotes of (book, hours before kick-off, market, line, price, other price)."""
    made = []
    for book, before, market, line, price, other in rows:
        sides = ("over", "under") if market == "total" else ("home", "away")
        for side, signed, paid in zip(
            sides, (line, -line if market == "spread" else line), (price, other), strict=True
        ):
            if not np.isnan(paid):
                made.append(("g", book, book == "sharp", market, side, signed, paid, KICKOFF - before * HOUR))
    names = ["game_id", "book", "is_sharp", "market", "selection", "line", "price", "recorded_at"]
    frame = pd.DataFrame(made, columns=names).astype({"line": "float64", "price": "float64"})
    return frame.astype({"recorded_at": "datetime64[us, UTC]"})


QUOTES = offers(
    ("sharp", 40, "spread", -2.5, -110, -110), ("sharp", 2, "spread", -3, -108, -104),
    ("soft", 3, "spread", -3, -112, -108), ("slow", 30, "spread", -2, -110, -110),
    ("half", 1, "spread", -3, -105, np.nan), ("typo", 1, "spread", -3, -800, 550),
    ("third", 1, "spread", -3, -110, -110), ("other", 1, "spread", -3.5, -102, -118),
    ("market average", 1, "spread", -3, -109, -107), ("sharp", 5, "moneyline", np.nan, -150, 130),
)  # fmt: skip


def rows_at(moment):
    standing = standing_quotes(QUOTES, REVISIONS, moment)
    sides = book_sides(QUOTES, REVISIONS, moment)
    return book_rows(standing, sides, NFL, moment, DAY).set_index(["market", "book"])


def test_what_stands_is_the_last_quote_by_then():
    standing = standing_quotes(QUOTES, REVISIONS, KICKOFF - 10 * HOUR)
    assert standing.loc[standing["book"] == "sharp", "line"].tolist() == [2.5, -2.5]
    assert set(standing["book"]) == {"sharp", "slow"}
    assert len(fresh(standing, KICKOFF - 10 * HOUR, DAY)) == 2


def test_each_book_shows_its_opening_its_price_now_and_why_it_does_not_count():
    rows = rows_at(KICKOFF - HOUR)
    assert rows.loc[("spread", "sharp"), ["opening", "standing"]].tolist() == ["-2.5 -110/-110", "-3 -108/-104"]
    assert rows.loc[("moneyline", "sharp"), "standing"] == "-150/+130"
    notes = rows.loc["spread", "note"].to_dict()
    assert notes == {
        "sharp": "", "soft": "", "third": "", "slow": "stale", "half": "not every side", "typo": "far off",
        "other": "another line", "market average": "average over books",
    }  # fmt: skip
    assert rows.loc[("spread", "slow"), "age_hours"] == 29


def test_the_markets_show_all_sharp_and_soft_and_the_best_price_of_each_side():
    counted = fresh(standing_quotes(QUOTES, REVISIONS, KICKOFF - HOUR), KICKOFF - HOUR, DAY)
    markets = market_rows(counted, NFL)
    assert markets["market"].tolist() == ["spread", "moneyline"]
    spread = markets.iloc[0]
    assert (spread["line"], spread["books_count"], spread["outliers"]) == (-3.0, 3, ("typo",))
    assert spread["best"] == "-105 half / -104 sharp"
    beside = sharp_and_soft(counted, NFL).set_index("market").loc["spread"]
    assert (beside["sharp_books_count"], beside["soft_books_count"]) == (1, 2)
    assert np.isnan(markets.iloc[1]["soft_fair"])


def test_a_stored_consensus_holds_the_fair_price_and_the_time_of_its_last_quote():
    counted = fresh(standing_quotes(QUOTES, REVISIONS, KICKOFF - HOUR), KICKOFF - HOUR, DAY)
    row = consensus_rows(counted, NFL).set_index("market").loc["moneyline"]
    fair = sharp_and_soft(counted, NFL).set_index("market").loc["moneyline", "fair"]
    assert row["consensus_price"] == round(-100 * fair / (1 - fair))
    assert row["calculated_at"] == KICKOFF - 5 * HOUR
    assert (consensus_rows(counted, NFL, KICKOFF)["calculated_at"] == KICKOFF).all()


def test_books_quoting_counts_the_bookmakers_of_a_market():
    sides = book_sides(QUOTES, REVISIONS, KICKOFF)
    assert books_quoting(sides).to_dict() == {("g", "moneyline"): 1, ("g", "spread"): 7}
