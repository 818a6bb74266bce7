"""What metering costs the work: windows that take turns, one with the meters read and one without, in one process."""

from __future__ import annotations

from collections.abc import Sequence

from suite.record import Throughput
from suite.recorder import Recorder
from suite.statistics import summarise
from suite.trace import Window

LEAST_WINDOWS, MOST_WINDOWS, WINDOW_S = 4, 16, 2.0
MOST_SHARE = 0.1
"""Of the budget, that finding this out may take while there is other use for it."""


def windows_within(allowed_s: float, setup_s: float) -> int:
    """How many windows there is time for, in whole turns of four; 0 when there is none."""
    fitting = int((allowed_s - 1.3 * setup_s) / (1.2 * WINDOW_S + 0.3))
    return min(MOST_WINDOWS, fitting - fitting % 4) if fitting >= LEAST_WINDOWS else 0


class Alternate:
    """Stops the samplers in two of four windows: on, off, off, on. A drift of the machine then favours neither."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._paused = False

    def open(self, number: int) -> None:
        wanted = not is_metered(number)
        if wanted != self._paused:
            self._recorder.pause(paused=wanted)
            self._paused = wanted

    def close(self) -> None:
        """Read the meters again."""
        if self._paused:
            self._recorder.pause(paused=False)
            self._paused = False


def is_metered(number: int) -> bool:
    return number % 4 in (0, 3)


def compared(windows: Sequence[Window]) -> Throughput | None:
    """Units per second with over without, from each pair of neighbours; None with fewer than two pairs."""
    rates = [window.units / window.duration_s for window in windows]
    pairs = zip(range(0, len(rates) - 1, 2), rates[::2], rates[1::2], strict=False)
    ratios = [first / second if is_metered(number) else second / first for number, first, second in pairs]
    if len(ratios) < 2:
        return None
    summary = summarise(ratios)
    if summary.low is None or summary.high is None:
        return None
    return Throughput(ratio=summary.median, low=summary.low, high=summary.high, pairs=len(ratios))
