"""Rates are counted without threads, what is over is swept away, and a store out of reach stops nobody."""

import threading

from limits.errors import StorageError

from aipro_ml.api.rest import rates
from aipro_ml.api.rest.rates import OwnStore, Rates


class _Gone:
    """A shared store that does not answer."""

    def hit(self, *_: object) -> bool:
        raise StorageError(OSError("connection refused"))


def test_each_has_a_rate_of_its_own_and_counting_starts_no_thread():
    counted = Rates()
    before = threading.active_count()
    spent = [counted.spend(3, "key", "a") for _ in range(4)]
    assert [(each.allowed, each.remaining) for each in spent] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert all(1 <= each.reset <= 60 for each in spent)
    assert counted.spend(3, "key", "b").allowed
    assert counted.spend(3, "session", "a").allowed
    assert threading.active_count() == before


def test_what_is_over_is_swept_away(monkeypatch):
    monkeypatch.setattr(rates, "SWEEP_EVERY", 10)
    store = OwnStore()
    for number in range(9):
        store.incr(f"over {number}", 0)
    store.incr("present", 60)
    store.incr("present", 60)
    assert set(store.expirations) == {"present"}


def test_where_the_shared_store_does_not_answer_a_process_counts_for_itself(caplog):
    counted = Rates()
    counted._shared = _Gone()
    assert [counted.spend(2, "key", "a").allowed for _ in range(3)] == [True, True, False]
    assert "does not answer" in caplog.text
