"""An attempt is cut out of the tape with enough around it to follow its edges, and the tape outlives its samplers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.tape import Tape, merged
from suite.trace import Event

SECOND = 1_000_000_000


def tape(seconds: int = 10) -> Tape:
    made = Tape()
    made.expect(1)
    at_ns = [step * SECOND // 10 for step in range(seconds * 10 + 1)]
    made.series[0].add(at_ns, [500 + step for step in range(len(at_ns))])
    return made


def event(code: str, start_s: float, end_s: float, meter: int | None = 0) -> Event:
    return Event(code=code, start_ns=int(start_s * SECOND), end_ns=int(end_s * SECOND), meter=meter)


def test_a_cut_counts_from_its_origin_and_from_zero() -> None:
    (ticks,) = tape().cut(4 * SECOND, 6 * SECOND, 2 * SECOND)
    assert (ticks.at_ns[0], ticks.energy_uj[0]) == (SECOND, 0)
    assert (ticks.at_ns[-1], ticks.energy_uj[-1]) == (5 * SECOND, 40)


def test_a_cut_never_reaches_before_its_origin() -> None:
    (ticks,) = tape().cut(2 * SECOND, 3 * SECOND, 2 * SECOND)
    assert ticks.at_ns[0] == 0


def test_a_meter_that_never_ticked_has_no_series() -> None:
    made = tape()
    made.expect(3)
    made.series[2].add([1], [1])
    assert [ticks.meter for ticks in made.cut(0, SECOND, 0)] == [0, 2]


def test_the_tape_knows_how_far_it_reaches() -> None:
    assert tape().reaches(9 * SECOND)
    assert not tape().reaches(10 * SECOND)


def test_forgetting_keeps_what_a_later_cut_needs() -> None:
    made = tape()
    made.forget_before(8 * SECOND)
    (ticks,) = made.cut(8 * SECOND, 9 * SECOND, 7 * SECOND)
    assert ticks.at_ns[0] == 0
    assert len(made.series[0].at_ns) < 50


@pytest.mark.fault("sampler died and was started again", "meter_lost")
def test_a_new_sampler_goes_on_where_the_old_one_ended() -> None:
    made = tape()
    made.restart(0)
    made.series[0].add([11 * SECOND, 12 * SECOND], [7, 9])
    (ticks,) = made.cut(0, 12 * SECOND, 0)
    assert ticks.energy_uj[-3:] == (100, 100, 102)


@pytest.mark.fault("sampler died twice before a tick", "right joules")
def test_a_new_sampler_goes_on_after_everything_was_forgotten_too() -> None:
    made = tape()
    made.restart(0)
    made.restart(0)
    made.forget_before(100 * SECOND)
    made.series[0].add([110 * SECOND], [7])
    assert list(made.series[0].energy_uj) == [600, 600]


@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10**6)), max_size=8)),
        max_size=6,
    )
)
def test_a_series_rises_in_time_and_energy_whatever_arrives(
    batches: list[tuple[bool, list[tuple[int, int]]]],
) -> None:
    """Samplers may die at any time; within the life of one its readings rise."""
    made, at_ns, value = Tape(), 0, 0
    made.expect(1)
    for restarted, steps in batches:
        if restarted:
            made.restart(0)
            value = 0
        instants, values = [], []
        for later, more in steps:
            at_ns, value = at_ns + later, value + more
            instants.append(at_ns)
            values.append(value)
        made.series[0].add(instants, values)
    assert all(before < after for before, after in pairwise(made.series[0].at_ns))
    assert all(before <= after for before, after in pairwise(made.series[0].energy_uj))


def test_events_count_from_the_origin_and_what_began_before_began_at_it() -> None:
    made = tape()
    made.events += [event("meter_lost", 1, 3), event("meter_lost", 5, 6), event("meter_lost", 8.5, 9)]
    found = made.events_in(2 * SECOND, 7 * SECOND, 2 * SECOND)
    assert [(one.start_ns, one.end_ns) for one in found] == [(0, SECOND), (3 * SECOND, 4 * SECOND)]


def test_events_of_one_code_and_meter_that_overlap_are_one() -> None:
    found = merged(
        [event("meter_lost", 1, 2), event("meter_lost", 1, 4), event("meter_lost", 1, 2, meter=1), event("a", 2, 3)]
    )
    assert [(one.code, one.meter, one.end_ns // SECOND) for one in found] == [
        ("meter_lost", 0, 4),
        ("meter_lost", 1, 2),
        ("a", 0, 3),
    ]


def test_conditions_keep_the_look_before_the_stretch_for_changes_are_seen_from_it() -> None:
    made = Tape(looks=[("host", second * SECOND, {"raw_s": float(second)}) for second in range(20)])
    (host,) = made.conditions(5 * SECOND + 1, 8 * SECOND, 2 * SECOND)
    assert host.at_ns == tuple(second * SECOND for second in range(3, 8))
    assert host.values["raw_s"] == (5.0, 6.0, 7.0, 8.0, 9.0)


def test_a_quantity_that_did_not_answer_is_none_and_never_zero() -> None:
    made = Tape(looks=[("host", 1, {"a": 1.0}), ("host", 2, {"b": 2.0})])
    (host,) = made.conditions(0, 3, 0)
    assert host.values == {"a": (1.0, None), "b": (None, 2.0)}


def test_the_wall_clock_is_known_from_just_before_the_start() -> None:
    made = Tape(looks=[("host", second * SECOND, {"realtime_s": 100.0}) for second in range(5)])
    made.looks.insert(2, ("gpu0", SECOND, {"temperature_c": 40.0}))
    assert made.clock(2 * SECOND + 1) == ((2 * SECOND, 100.0), (3 * SECOND, 100.0), (4 * SECOND, 100.0))
