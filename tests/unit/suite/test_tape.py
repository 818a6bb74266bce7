"""An attempt is cut out of the tape with enough around it to interpolate its edges."""

from __future__ import annotations

from suite.tape import Tape

SECOND = 1_000_000_000


def tape(seconds: int = 10) -> Tape:
    made = Tape()
    at_ns = [step * SECOND // 10 for step in range(seconds * 10 + 1)]
    made.add(0, at_ns, [500 + step for step in range(len(at_ns))])
    return made


def test_a_cut_counts_from_its_origin_and_from_zero() -> None:
    (ticks,) = tape().cut(4 * SECOND, 6 * SECOND, 2 * SECOND)
    assert ticks.at_ns[0] == SECOND
    assert ticks.energy_uj[0] == 0
    assert ticks.at_ns[-1] == 5 * SECOND
    assert ticks.energy_uj[-1] == 40


def test_a_cut_never_reaches_before_its_origin() -> None:
    (ticks,) = tape().cut(2 * SECOND, 3 * SECOND, 2 * SECOND)
    assert ticks.at_ns[0] == 0


def test_a_meter_that_never_ticked_has_no_series() -> None:
    made = tape()
    made.add(2, [1], [1])
    assert [ticks.meter for ticks in made.cut(0, SECOND, 0)] == [0, 2]


def test_the_tape_knows_how_far_it_reaches() -> None:
    assert tape().reaches(9 * SECOND)
    assert not tape().reaches(10 * SECOND)


def test_forgetting_keeps_what_a_later_cut_needs() -> None:
    made = tape()
    made.forget_before(8 * SECOND)
    (ticks,) = made.cut(8 * SECOND, 9 * SECOND, 7 * SECOND)
    assert ticks.at_ns[0] == 0
    assert len(made.at_ns[0]) < 50
