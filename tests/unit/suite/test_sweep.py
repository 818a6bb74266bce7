"""The batch is the smallest that no larger one beats by a twentieth, found without going further than pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workloads
from suite import sweep
from suite.record import BatchRate
from suite.sweep import GAIN, batches, chosen, rates

RATES = st.lists(st.floats(1.0, 1e9), min_size=1, max_size=8)


def points(*units_per_s: float) -> list[BatchRate]:
    return [BatchRate(batch=2**power, units_per_s=rate) for power, rate in enumerate(units_per_s)]


def test_the_smallest_batch_within_a_twentieth_of_the_best_is_chosen() -> None:
    assert chosen(points(100, 190, 195)) == 2
    assert chosen(points(100, 103)) == 1
    assert chosen(points(100, 60, 300)) == 4
    assert chosen(points(7)) == 1


@given(RATES)
def test_no_batch_beats_the_chosen_one_by_more_than_the_gain(found: list[float]) -> None:
    tried = points(*found)
    rate = next(one.units_per_s for one in tried if one.batch == chosen(tried))
    assert GAIN * rate > max(found)
    assert all(GAIN * one.units_per_s <= max(found) for one in tried if one.batch < chosen(tried))


def test_the_sweep_ends_with_the_first_batch_that_gains_too_little() -> None:
    speeds = {1: 100.0, 2: 200.0, 4: 205.0, 8: 900.0}
    assert [one.batch for one in rates(tuple(speeds), speeds.__getitem__)] == [1, 2, 4]


def test_no_larger_batch_is_begun_once_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "ENOUGH_S", -1.0)
    assert [one.batch for one in rates((1, 2, 4), float)] == [1]


def test_only_batches_that_fit_half_the_memory_are_tried() -> None:
    spec = workloads.specs("gpt")["decode"]
    own = spec.sizes["s"].batch
    needed = {
        batch: spec.memory_bytes(spec.with_batch("s", batch).sizes["s"], "bf16")
        for batch in spec.batches
        if batch > own
    }
    assert batches(spec, "s", "bf16", round(2 * max(needed.values())) + 2) == (own, *needed)
    assert batches(spec, "s", "bf16", round(2 * max(needed.values())) - 2) == (own, *list(needed)[:-1])
    assert batches(spec, "s", "bf16", 1) == ()
    assert batches(spec, "s", "bf16", None) == ()


@pytest.mark.parametrize("name", workloads.names())
def test_latency_and_training_modes_leave_no_choice(name: str) -> None:
    for mode, spec in workloads.specs(name).items():
        assert list(spec.batches) == sorted(set(spec.batches))
        if mode == "train" or "-" in mode:
            assert spec.batches == ()
