"""What becomes of a device's answers: shared, integrated, counted, and lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.meters.base import CounterReset, Description, MeterLost
from backends.meters.sampled import CounterMeter, PowerMeter, Shared

DESCRIPTION = Description(domain="wall", boundary="wall", method="integrated", source="test")
SECOND_NS = 1_000_000_000


class Device:
    """Each question takes `takes_s` of the time it keeps itself; None is no answer."""

    def __init__(self, *answers: float | None, takes_s: float = 0.0) -> None:
        self.answers, self.asked = list(answers), 0
        self.now_ns, self.takes_s = 0, takes_s

    def ask(self) -> float:
        self.now_ns += int(self.takes_s * 1e9)
        self.asked += 1
        answer = self.answers.pop(0)
        if answer is None:
            raise MeterLost("silent")
        return answer

    def shared(self) -> Shared[float]:
        return Shared(self.ask, reuse_s=0.2, slow_s=0.5, clock=lambda: self.now_ns)


def test_an_answer_serves_for_a_while_and_carries_the_middle_of_its_question() -> None:
    device = Device(5.0, 7.0, takes_s=0.1)
    shared = device.shared()
    assert shared.latest() == (50_000_000, 5.0)
    device.now_ns += 199_999_999
    assert shared.latest() == (50_000_000, 5.0)
    device.now_ns += 1
    assert shared.part(lambda answer: answer * 2) == (350_000_000, 14.0)
    assert device.asked == 2


def test_no_answer_serves_for_a_while_too() -> None:
    device = Device(None, 7.0)
    shared = device.shared()
    for _ in range(3):
        with pytest.raises(MeterLost, match="silent"):
            shared.latest()
    assert device.asked == 1
    device.now_ns += 200_000_000
    assert shared.latest()[1] == 7.0


@pytest.mark.parametrize(("takes_s", "good"), [(0.5, True), (0.51, False)])
def test_an_answer_that_took_too_long_counts_as_none(takes_s: float, *, good: bool) -> None:
    shared = Device(5.0, takes_s=takes_s).shared()
    if good:
        assert shared.latest() == (250_000_000, 5.0)
    else:
        with pytest.raises(MeterLost, match=r"0\.51 s"):
            shared.latest()


def power_meter(*samples: tuple[int, float] | None) -> PowerMeter:
    rest = list(samples)

    def sample() -> tuple[int, float]:
        one = rest.pop(0)
        if one is None:
            raise MeterLost("silent")
        return one

    return PowerMeter(DESCRIPTION, sample)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e5)), max_size=40))
def test_only_the_time_between_two_answers_holds_energy(powers: list[float | None]) -> None:
    samples = [None if power_w is None else (second * SECOND_NS, power_w) for second, power_w in enumerate(powers)]
    meter = power_meter(*samples)
    energy_uj, expected_uj = 0, 0.0
    for before, power_w in pairwise([None, *powers]):
        if power_w is None:
            with pytest.raises(MeterLost):
                meter.read()
            continue
        expected_uj += 0 if before is None else (before + power_w) / 2 * 1e6
        reading = meter.read()
        assert reading.energy_uj >= energy_uj
        assert reading.power_w == power_w
        energy_uj = reading.energy_uj
    assert energy_uj == pytest.approx(expected_uj, abs=len(powers) + 1)


def test_one_answer_read_twice_adds_nothing() -> None:
    meter = power_meter((0, 100.0), (SECOND_NS, 100.0), (SECOND_NS, 100.0))
    assert [meter.read().energy_uj for _ in range(3)] == [0, 100_000_000, 100_000_000]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=40))
def test_a_counter_never_falls_and_counts_only_what_can_have_been_drawn(raw_uj: list[int]) -> None:
    rest = list(enumerate(raw_uj))
    meter = CounterMeter(DESCRIPTION, lambda: (rest[0][0] * SECOND_NS, rest.pop(0)[1]), most_power_w=1_000.0)
    drawn_uj = 0
    for before_uj, now_uj in pairwise([raw_uj[0], *raw_uj]):
        if 0 <= now_uj - before_uj <= (0 if len(rest) == len(raw_uj) else 1_000_000_000) + 5_000_000_000:
            drawn_uj += now_uj - before_uj
            assert meter.read().energy_uj == drawn_uj
        else:
            with pytest.raises(CounterReset, match="wall"):
                meter.read()


def test_what_was_opened_is_closed() -> None:
    closed: list[str] = []
    PowerMeter(DESCRIPTION, lambda: (0, 0.0), close=lambda: closed.append("power")).close()
    CounterMeter(DESCRIPTION, lambda: (0, 0), close=lambda: closed.append("counter")).close()
    CounterMeter(DESCRIPTION, lambda: (0, 0)).close()
    assert closed == ["power", "counter"]
