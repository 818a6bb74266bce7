"""A wrapping counter becomes a rising one, and what cannot be energy is refused."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.meters.base import CounterReset
from backends.meters.unwrapped import MOST_POWER_W, Unwrapped, lies_between

RANGE_UJ = 262_143_328_850
SECOND_NS = 1_000_000_000
STEP_UJ = st.integers(0, int(MOST_POWER_W * 1e6))


@given(first_uj=st.integers(0, RANGE_UJ), steps_uj=st.lists(STEP_UJ, max_size=300))
def test_every_microjoule_is_counted_over_any_number_of_wraps(first_uj: int, steps_uj: list[int]) -> None:
    counter = Unwrapped(RANGE_UJ)
    counter.add(0, first_uj)
    drawn_uj = 0
    for second, step_uj in enumerate(steps_uj, start=1):
        drawn_uj += step_uj
        assert counter.add(second * SECOND_NS, (first_uj + drawn_uj) % RANGE_UJ).energy_uj == drawn_uj


@given(raw_uj=st.lists(st.integers(0, RANGE_UJ), min_size=2, max_size=30), gap_ns=st.integers(1, 200 * SECOND_NS))
def test_energy_never_falls_whatever_the_counter_does(raw_uj: list[int], gap_ns: int) -> None:
    counter = Unwrapped(RANGE_UJ)
    energies_uj = []
    for index, one_uj in enumerate(raw_uj):
        try:
            energies_uj.append(counter.add(index * gap_ns, one_uj).energy_uj)
        except CounterReset:
            continue
    assert all(before <= after for before, after in pairwise(energies_uj))


def test_a_jump_no_machine_could_draw_is_refused() -> None:
    counter = Unwrapped(RANGE_UJ)
    counter.add(0, 0)
    with pytest.raises(CounterReset, match="2000 W"):
        counter.add(SECOND_NS, int(MOST_POWER_W * 1.02e6))


def test_a_counter_left_alone_for_a_possible_wrap_is_refused() -> None:
    counter = Unwrapped(RANGE_UJ)
    counter.add(0, 0)
    with pytest.raises(CounterReset, match="unseen"):
        counter.add(132 * SECOND_NS, 1_000)
    assert counter.add(133 * SECOND_NS, 1_500).energy_uj == 500


@given(first_uj=st.integers(0, RANGE_UJ - 1), steps_uj=st.tuples(*[st.integers(0, RANGE_UJ // 4)] * 3))
def test_only_what_was_counted_in_between_lies_between(first_uj: int, steps_uj: tuple[int, int, int]) -> None:
    before_uj, seen_uj, after_uj = ((first_uj + sum(steps_uj[:upto])) % RANGE_UJ for upto in range(3))
    later_uj = (first_uj + sum(steps_uj) + 1) % RANGE_UJ
    assert lies_between(before_uj, seen_uj, after_uj)
    assert not lies_between(before_uj, later_uj, after_uj)
    assert not lies_between(before_uj, -1, after_uj)
