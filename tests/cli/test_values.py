"""Times, days and heads that no command can use are refused in one line, with exit code 2."""

import pytest

from aipro_ml.cli.values import parse_day, parse_moment
from aipro_ml.errors import UsageError
from tests.fixtures_commands import use
from tests.fixtures_platform import Platform

BAD_TIMES = [
    "",
    "2022-02-30",
    "2023-02-29T00:00:00Z",
    "2022-03-13T02:30:00",
    "2022-09-11T24:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-05:00",
    "0001-01-01",
    "9999-12-31T00:00:00Z",
    "1" * 100_000,
    "\udcff",
]


@pytest.mark.parametrize("text", BAD_TIMES, ids=lambda text: text[:26] or "nothing")
def test_what_is_no_usable_time_is_refused_and_not_repeated_at_length(text):
    with pytest.raises(UsageError) as refused:
        parse_moment(text)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("text", ["", "2022-02-30", "0001-01-01", "9999-12-31", "٢٠٢٢-٠٩-٠١"])
def test_what_is_no_usable_day_is_refused(text):
    with pytest.raises(UsageError):
        parse_day(text)


@pytest.mark.parametrize(
    "head", ["", "1", f"²:{'a' * 64}", f"{'9' * 5000}:{'a' * 64}", f"1:{'g' * 64}", f"-1:{'a' * 64}"]
)
def test_what_is_no_head_is_refused_before_the_ledger_is_read(aipro, head):
    done = aipro("ledger verify --head", head)
    assert (done.code, "is no head" in done.err) == (2, True)


@pytest.mark.parametrize(
    "option",
    [
        *("--bankroll inf", "--bankroll nan", "--bankroll -5", "--latency inf", "--latency nan", "--lag-hours 1e300"),
        *("--largest-bet inf", "--largest-bet 0", "--decide 0", f"--decide {'9' * 5000}", "--decide nan"),
        *("--trials -1", "--probability both"),
    ],
    ids=lambda option: option[:20],
)
def test_a_backtest_without_sensible_figures_is_refused(aipro, option):
    words = "backtest run --sport NFL --bet-type moneyline --from 2020 --to 2021"
    done = aipro(f"{words} {option}")
    assert (done.code, "unexpected" in done.err) == (2, False)


def test_bytes_that_are_no_text_are_refused_in_one_line(monkeypatch, database_settings, aipro):
    use(monkeypatch, Platform(database_settings))
    for words in ("predict explain", "model show", "predict replay --run", "schedule enable"):
        done = aipro(words, "\udcff")
        assert (done.code, done.err) == (2, "error: '\\udcff' is no UTF-8 text: write it in UTF-8\n")
