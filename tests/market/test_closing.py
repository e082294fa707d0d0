"""Openings and closes from quotes and revisions, against a plain loop and in the cases people ask about."""

import numpy as np
import pandas as pd
import pytest

from aipro_ml.market.closing import (
    SIDE_COLUMNS,
    before_kickoff,
    begun_games,
    book_sides,
    closing_quotes,
    opening_quotes,
)

KICKOFF = pd.Timestamp("2024-09-08T17:00Z")
HOUR = pd.Timedelta(hours=1)
NOW = KICKOFF + 100 * HOUR


def revisions(*rows):
    """Return revisions of (game, known at, kick-off, and optionally status, estimated) in hours around 17:00."""
    full = [(*row, *("scheduled", False)[len(row) - 3 :]) for row in rows]
    frame = pd.DataFrame(full, columns=["game_id", "known_at", "kickoff", "status", "kickoff_estimated"])
    for name in ("known_at", "kickoff"):
        frame[name] = pd.to_datetime(KICKOFF + frame[name].astype("float64") * HOUR).astype("datetime64[us, UTC]")
    return frame.sort_values("known_at", kind="stable", ignore_index=True)


def quotes(*rows, game="g", book="a", market="moneyline", selection="home"):
    """Return quotes of one series: (hours from 17:00, price)."""
    frame = pd.DataFrame(rows, columns=["at", "price"]).astype("float64")
    seen = pd.to_datetime(KICKOFF + frame["at"] * HOUR).astype("datetime64[us, UTC]")
    key = {"game_id": game, "book": book, "market": market, "selection": selection, "line": np.nan}
    return frame.assign(**key, recorded_at=seen).drop(columns="at")


PLANNED = revisions(("g", -100, 0))


def only(sides):
    assert len(sides) == 1
    assert tuple(sides.columns) == SIDE_COLUMNS
    return sides.iloc[0]


def test_the_close_is_the_last_quote_before_the_kick_off_and_quotes_in_play_never_close():
    side = only(book_sides(quotes((-5, -110), (-1, -120), (0, -130), (1, 400)), PLANNED, NOW))
    assert (side["opening_price"], side["closing_price"]) == (-110, -120)
    assert (side["opening_at"], side["closed_at"]) == (KICKOFF - 5 * HOUR, KICKOFF - HOUR)
    assert side["quotes_count"] == 4


def test_a_book_seen_in_play_only_has_neither_opening_nor_close():
    side = only(book_sides(quotes((0.5, -110), (1, -500)), PLANNED, NOW))
    assert pd.isna(side[["opening_price", "closing_price", "opening_at", "closed_at"]]).all()
    assert side["quotes_count"] == 2


def test_a_kick_off_moved_later_counts_from_when_that_was_known():
    moved = revisions(("g", -100, 0), ("g", -2, 3))
    assert only(book_sides(quotes((-3, -110), (2, -140)), moved, NOW))["closing_price"] == -140
    known_too_late = revisions(("g", -100, 0), ("g", 2.5, 3))
    assert only(book_sides(quotes((-3, -110), (2, -140)), known_too_late, NOW))["closing_price"] == -110


def test_a_kick_off_moved_earlier_closes_earlier():
    moved = revisions(("g", -100, 0), ("g", -10, -4))
    assert only(book_sides(quotes((-5, -110), (-3, -140)), moved, NOW))["closing_price"] == -110


def test_an_estimated_kick_off_gives_way_to_the_first_real_one_whenever_that_came():
    guessed = revisions(("g", -100, -4, "scheduled", True), ("g", 5000, 0))
    assert only(book_sides(quotes((-5, -110), (-1, -140)), guessed, NOW + 9999 * HOUR))["closing_price"] == -140
    never_known = revisions(("g", -100, -4, "scheduled", True))
    assert only(book_sides(quotes((-5, -110), (-1, -140)), never_known, NOW))["closing_price"] == -110


def test_quotes_older_than_the_first_revision_are_judged_by_it():
    late_schedule = revisions(("g", -1, 0))
    assert only(book_sides(quotes((-50, -110)), late_schedule, NOW))["closing_price"] == -110


def test_a_game_that_has_not_begun_or_was_called_off_has_no_close():
    early = book_sides(quotes((-5, -110)), PLANNED, KICKOFF - HOUR)
    assert pd.isna(only(early)["closing_price"])
    assert only(early)["opening_price"] == -110
    off = revisions(("g", -100, 0), ("g", -3, 0, "postponed"))
    assert pd.isna(only(book_sides(quotes((-5, -110)), off, NOW))["closing_price"])
    assert list(begun_games(PLANNED, KICKOFF)) == ["g"]
    assert list(begun_games(off, NOW)) == []


def test_a_book_silent_for_more_than_a_day_is_no_part_of_the_close():
    both = pd.concat([quotes((-30, -110), book="silent"), quotes((-23, -120), book="day"), quotes((-1, -130))])
    close = closing_quotes(book_sides(both, PLANNED, NOW))
    assert sorted(close["book"]) == ["a", "day"]


def test_the_opening_of_a_market_is_its_first_moment_and_none_where_it_was_seen_at_its_close_only():
    both = pd.concat([quotes((-30, -110), (-1, -105)), quotes((-20, -120), book="later")])
    assert opening_quotes(book_sides(both, PLANNED, NOW))["book"].tolist() == ["a"]
    assert opening_quotes(book_sides(quotes((-1, -110)), PLANNED, NOW)).empty
    still_open = book_sides(quotes((-30, -110)), PLANNED, KICKOFF - HOUR)
    assert opening_quotes(still_open)["price"].tolist() == [-110]


def test_no_quotes_give_no_sides():
    assert book_sides(quotes(), PLANNED, NOW).empty
    assert before_kickoff(quotes((-1, -110)), PLANNED.iloc[:0]).tolist() == [False]


@pytest.mark.parametrize("seed", range(20))
def test_every_side_equals_a_plain_loop_over_its_quotes(seed):
    random = np.random.default_rng(seed)
    known = revisions(
        *[(f"g{random.integers(4)}", random.integers(-60, 10), random.integers(-12, 12), "scheduled",
           bool(random.random() < 0.2)) for _ in range(12)],
        *[(f"g{n}", -90, 0) for n in range(4)],
    )  # fmt: skip
    size = 150
    frame = pd.DataFrame(
        {
            "game_id": [f"g{n}" for n in random.integers(0, 4, size)],
            "book": random.choice(["a", "b"], size),
            "market": "spread",
            "selection": random.choice(["home", "away"], size),
            "line": random.choice([-3.0, 3.0], size),
            "price": random.choice([-110.0, 105.0], size),
            "recorded_at": KICKOFF + pd.to_timedelta(random.permutation(size) - 110, unit="h") / 1.5,
        }
    )
    frame["recorded_at"] = frame["recorded_at"].astype("datetime64[us, UTC]")
    now = KICKOFF + 4 * HOUR
    sides = book_sides(frame.sample(frac=1, random_state=seed), known, now).set_index(list(SIDE_COLUMNS[:4]))
    assert len(sides) == len(frame.drop_duplicates(list(SIDE_COLUMNS[:4])))
    for key, own in frame.groupby(list(SIDE_COLUMNS[:4])):
        game = known.loc[known["game_id"] == key[0]]
        early = [quote for quote in own.sort_values("recorded_at").itertuples() if _early(quote, game)]
        side = sides.loc[key]
        assert side["quotes_count"] == len(own)
        if not early:
            assert pd.isna(side["opening_at"])
            continue
        assert (side["opening_at"], side["opening_price"]) == (early[0].recorded_at, early[0].price)
        if game.iloc[-1]["kickoff"] <= now:
            last = early[-1]
            assert (side["closed_at"], side["closing_line"], side["closing_price"]) == (
                last.recorded_at, last.line, last.price,
            )  # fmt: skip
        else:
            assert pd.isna(side["closed_at"])


def _early(quote, game):
    """Return whether a quote came before the kick-off as known then; estimates give way to the next real one."""
    known = game.loc[game["known_at"] <= quote.recorded_at]
    position = len(known) - 1 if len(known) else 0
    later = game.iloc[position:]
    real = later.loc[~later["kickoff_estimated"]]
    kickoff = (real if len(real) else game.iloc[[position]]).iloc[0]["kickoff"]
    return quote.recorded_at < kickoff
