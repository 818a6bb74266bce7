"""A counter of microjoules that wraps becomes one that only rises."""

from __future__ import annotations

from backends.meters.base import CounterReset, Reading

MOST_POWER_W = 2_000.0  # no socket or its memory draws more; a counter that claims so did not simply count
_UPDATE_SLACK_S = 0.01  # the counter moves each millisecond or so: a step may hold energy from before the last reading


class Unwrapped:
    """Takes out the wraps of a counter that starts again from 0 past `range_uj`; begins at 0 with its first reading."""

    def __init__(self, range_uj: int) -> None:
        self._range_uj = range_uj
        self._energy_uj = 0
        self._last: tuple[int, int] | None = None

    def add(self, at_ns: int, raw_uj: int) -> Reading:
        """The next reading. CounterReset when the step is no energy that a machine could have drawn meanwhile, or
        when the counter was left alone so long that it may have wrapped unseen; the reading after goes on from here.
        """
        last_ns, last_uj = self._last or (at_ns, raw_uj)
        self._last = (at_ns, raw_uj)
        plausible_uj = MOST_POWER_W * ((at_ns - last_ns) * 1e-3 + _UPDATE_SLACK_S * 1e6)
        step_uj = (raw_uj - last_uj) % self._range_uj  # at a wrap short by one unit of the register, 61 uJ at most
        if step_uj > plausible_uj:
            raise CounterReset(f"the counter moved by {step_uj} uJ, more than {MOST_POWER_W:.0f} W could explain")
        if plausible_uj > self._range_uj:
            raise CounterReset("the counter was not read for so long that it may have wrapped unseen")
        self._energy_uj += step_uj
        return Reading(at_ns, self._energy_uj)


def lies_between(before_uj: int, seen_uj: int, after_uj: int) -> bool:
    """Whether a counter could have said `seen_uj` after the one and before the other, over one wrap at most."""
    if before_uj <= after_uj:
        return before_uj <= seen_uj <= after_uj
    return seen_uj >= before_uj or 0 <= seen_uj <= after_uj
