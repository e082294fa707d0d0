"""The figures of docs/numbers.md, computed anew from the real archives."""

import pytest

from aipro_ml.features.sport import sport
from benchmarks.numbers import boards, closes, opening

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def markets(shared_data):
    return {one.name: one for one in closes.market_figures(shared_data)}


@pytest.fixture(scope="module")
def bmr(shared_data):
    return opening.bmr_records(shared_data)


@pytest.fixture(scope="module")
def bets(bmr):
    return {days: opening.opener_bets(bmr, days) for days in opening.LEADS}


@pytest.mark.parametrize(
    ("name", "n", "figures"),
    [
        ("NFL 2006–2022, nflverse close", 4427, (0.6098, 0.2113, 0.720, 0.024)),
        ("NBA 2009–2024, OddsPortal average close", 19594, (0.5915, 0.2031, 0.736, 0.0425)),
        ("NHL 2023-24, noon (BetMGM, Caesars)", 2764, (0.656, 0.2322, 0.647, 0.0444)),
    ],
)
def test_two_way_markets_score_what_their_archives_are_known_for(markets, name, n, figures):
    one = markets[name]
    assert one.n == n
    assert (one.log_loss, one.brier, one.auc, one.overround) == pytest.approx(figures, abs=0.001)


def test_pinnacles_three_way_close_scores_what_it_is_known_for(markets):
    one = markets["EPL, LALIGA and BUNDES together"]
    assert one.n == 11724
    assert one.log_loss == pytest.approx(0.9618, abs=0.001)
    assert one.overround == pytest.approx(0.023, abs=0.001)


def test_the_nfl_close_is_sharper_than_the_opener(bmr):
    found = opening.moneyline_sharpening(bmr)
    assert {name: one.n for name, one in found.items()} == {"book 8": 1268, "consensus": 1342}
    for one in found.values():
        assert 0.005 <= one.difference <= 0.010
        assert one.se == pytest.approx(0.003, abs=0.0005)
        assert one.ci_low > 0


@pytest.mark.parametrize("days", opening.LEADS)
def test_closing_line_value_against_the_opener_rises_with_the_edge(bets, days):
    slope = bets[days].slope()
    assert slope.n > 1300
    assert slope.ci_low > 0
    first, *_, last = bets[days].bins()
    assert last.value - first.value > 2 * (first.se**2 + last.se**2) ** 0.5


def test_a_bet_without_an_edge_loses_the_margin_at_the_close(bets):
    smallest = bets[8].bins()[0]
    assert -0.07 < smallest.value < -0.02


@pytest.mark.parametrize(("code", "read"), [("NFL", boards.nfl_records), ("NBA", boards.nba_records)])
def test_no_market_free_model_beats_a_close(shared_data, code, read):
    rows = {row.name: row for row in boards.board(boards.entries_of(sport(code), read(shared_data)))}
    assert min(rows.values(), key=lambda row: row.log_loss).name == "market"
    assert rows["market"].n > {"NFL": 2900, "NBA": 15000}[code]
    for name in ("elo", "logistic"):
        assert rows[name].ci_low > 0.005  # nearer than this to the close would be a leak
        assert rows[name].ci_high < 0.05
        assert rows[name].log_loss < rows["constant"].log_loss - 0.03


def test_no_market_free_model_beats_the_three_way_market(shared_data):
    leagues = boards.soccer_entries(shared_data)
    rows = {row.name: row for row in boards.board(boards.pooled(list(leagues.values())))}
    assert min(rows.values(), key=lambda row: row.log_loss).name == "market"
    assert rows["market"].n > 11_000
    assert rows["market"].log_loss == pytest.approx(0.9618, abs=0.005)  # all books' median, not Pinnacle's close
    for name in ("elo", "logistic"):
        assert rows[name].ci_low > 0.005
        assert rows[name].ci_high < 0.04
        assert rows[name].rps < rows["constant"].rps - 0.02
