"""How hard properties are tried, and a machine whose every joule is known.

JOULEMARK_HYPOTHESIS=long tries 100 000 examples of each property instead of 200.
"""

from __future__ import annotations

import os
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from backends.meters.base import CounterReset, Description, MeterLost, PowerIntegrator, Reading
from backends.meters.unwrapped import Unwrapped
from suite.energy import Energy, window_energy
from suite.follower import Follower
from suite.tape import Tape
from suite.trace import Event, Meter, Ticks, Window, thin
from suite.tracker import Tracker

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "default", max_examples=200, deadline=None, derandomize="CI" in os.environ, suppress_health_check=SLOW
)
settings.register_profile(
    "long", max_examples=100_000, deadline=None, derandomize="CI" in os.environ, suppress_health_check=SLOW
)
settings.load_profile(os.environ.get("JOULEMARK_HYPOTHESIS", "default"))

SECOND = 1_000_000_000


def plain_meter(domain: str = "gpu0", **fields: object) -> Meter:
    meter = Meter(
        domain=domain,
        boundary="device",
        method="counter",
        source="test",
        bound=None,
        check=False,
        calibration=0.0,
        note=None,
        update_period_s=0.01,
        tick_width_s=0.0,
        resolution_uj=None,
        scope=None,
    )
    return replace(meter, **fields)  # type: ignore[arg-type]


class Power:
    """Piecewise constant: (nanoseconds from the start of the stretch before, watts)."""

    def __init__(self, stretches: Sequence[tuple[int, float]]) -> None:
        self._at_ns, self._power_w, self._energy_uj = [0], [stretches[0][1]], [0.0]
        for (length_ns, power_w), (_, next_w) in zip(stretches, [*stretches[1:], stretches[-1]], strict=True):
            self._energy_uj.append(self._energy_uj[-1] + power_w * length_ns * 1e-3)
            self._at_ns.append(self._at_ns[-1] + length_ns)
            self._power_w.append(next_w)

    def at(self, at_ns: float) -> float:
        return self._power_w[bisect_right(self._at_ns, at_ns) - 1]

    def energy_uj(self, at_ns: float) -> float:
        index = bisect_right(self._at_ns, at_ns) - 1
        return self._energy_uj[index] + self._power_w[index] * (at_ns - self._at_ns[index]) * 1e-3


@dataclass(frozen=True)
class Fault:
    """Something that begins at an instant: "late" and "lost" and "stuck" last, "reset" does not."""

    kind: str
    at_ns: int
    length_ns: int = 0

    def holds(self, at_ns: float) -> bool:
        return self.at_ns <= at_ns < self.at_ns + self.length_ns


@dataclass
class Board:
    """Hardware that counts: a register that moves every now and then, by steps, and may wrap, stick or be reset.

    One that `integrates` shows its power instead.
    """

    power: Power
    period_ns: int
    phase_ns: int = 0
    jitter_ns: int = 0
    resolution_uj: int = 1
    start_uj: int = 10**13
    range_uj: int | None = None
    integrates: bool = False
    faults: Sequence[Fault] = ()
    seed: int = 0
    moves_ns: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        draw = random.Random(self.seed)
        nominal = (self.phase_ns + step * self.period_ns for step in range(-1, 60 * SECOND // self.period_ns))
        self.moves_ns = [instant + draw.uniform(-self.jitter_ns, self.jitter_ns) for instant in nominal]
        stuck = [fault for fault in self.faults if fault.kind == "stuck"]
        self.moves_ns = [instant for instant in self.moves_ns if not any(one.holds(instant) for one in stuck)]

    def register_uj(self, at_ns: int) -> int:
        index = bisect_right(self.moves_ns, at_ns) - 1
        moved_ns = self.moves_ns[index] if index >= 0 else 0.0
        counted_uj = self.power.energy_uj(max(0.0, moved_ns)) - self._forgotten_uj(moved_ns)
        resets_ns = [fault.at_ns for fault in self.faults if fault.kind == "reset" and fault.at_ns <= at_ns]
        if resets_ns:
            raw_uj = max(0.0, self.power.energy_uj(max(moved_ns, resets_ns[-1])) - self.power.energy_uj(resets_ns[-1]))
        else:
            raw_uj = self.start_uj + counted_uj
        stepped_uj = int(raw_uj // self.resolution_uj) * self.resolution_uj
        return stepped_uj if self.range_uj is None else stepped_uj % self.range_uj

    def _forgotten_uj(self, moved_ns: float) -> float:
        """What was drawn while the register stood still: it is not counted later."""
        ends = [
            (one.at_ns, one.at_ns + one.length_ns)
            for one in self.faults
            if one.kind == "stuck" and moved_ns >= one.at_ns + one.length_ns
        ]
        return sum(self.power.energy_uj(end_ns) - self.power.energy_uj(start_ns) for start_ns, end_ns in ends)


class BoardMeter:
    """The board, read on a clock that only moves when the test moves it."""

    def __init__(self, board: Board) -> None:
        self.description = Description(
            domain="gpu0", boundary="device", method="integrated" if board.integrates else "counter", source="board"
        )
        self.now_ns = 0
        self._board = board
        self._unwrapped = None if board.range_uj is None else Unwrapped(board.range_uj)
        self._integrator = PowerIntegrator()
        self._last_uj, self._zero_uj = board.register_uj(0), board.register_uj(0)

    def read(self) -> Reading:
        if any(fault.kind == "lost" and fault.holds(self.now_ns) for fault in self._board.faults):
            raise MeterLost("gone")
        if self._board.integrates:
            return self._integrator.add(self.now_ns, self._board.power.at(self.now_ns))
        raw_uj = self._board.register_uj(self.now_ns)
        if self._unwrapped is not None:
            return self._unwrapped.add(self.now_ns, raw_uj)
        fallen, last_uj, self._last_uj = raw_uj < self._last_uj, self._last_uj, raw_uj
        if fallen:
            self._zero_uj += raw_uj - last_uj
            raise CounterReset("it fell")
        return Reading(self.now_ns, raw_uj - self._zero_uj)

    def close(self) -> None:
        """Nothing is held open."""


@dataclass
class Followed:
    """What a run left behind."""

    meter: Meter
    tape: Tape
    readings: int
    board: Board

    def ticks(self, window: Window) -> Ticks:
        (cut,) = self.tape.cut(window.start_ns, window.end_ns, 0) or (Ticks(0, (), ()),)
        return thin(cut, [window])

    def energy(self, window: Window) -> Energy:
        events = self.tape.events_in(window.start_ns, window.end_ns, 0)
        return window_energy([self.meter], [self.ticks(window)], window, "device", events)

    def truth_j(self, window: Window) -> float:
        return (self.board.power.energy_uj(window.end_ns) - self.board.power.energy_uj(window.start_ns)) / 1e6

    def edge_bound_j(self, window: Window) -> float:
        """The energy between the ticks around an edge, the greater of the two: so much may lie on either side."""
        ticks = self.ticks(window)
        rises = [0.0]
        for edge_ns in (window.start_ns, window.end_ns):
            after = bisect_right(ticks.at_ns, edge_ns)
            if 0 < after < len(ticks.at_ns):
                rises.append((ticks.energy_uj[after] - ticks.energy_uj[after - 1]) / 1e6)
        return max(rises)


def follow(board: Board, until_ns: int, *, delay_ns: int = 200_000, probed_s: float | None = None) -> Followed:
    """Read the board as a sampler does, each wake-up up to `delay_ns` late, until it was read after `until_ns`."""
    meter, tape, draw = BoardMeter(board), Tape(), random.Random(board.seed + 1)
    tracker = Tracker(board.period_ns / 1e9 if probed_s is None else probed_s, steady=board.integrates)
    follower = Follower(0, meter, tracker)
    tape.expect(1)
    readings = 0
    while (meter.now_ns <= until_ns or not tape.reaches(until_ns)) and meter.now_ns < until_ns + 3 * SECOND:
        meter.now_ns = max(meter.now_ns + 20_000, follower.due_ns) + int(draw.uniform(0, delay_ns))
        meter.now_ns = _awake(board, meter.now_ns)
        readings += 1
        tape.events += [Event(**event) for event in follower.read(meter.now_ns)]
        tape.series[0].add(*follower.take_ticks())
    described = plain_meter(
        method=meter.description.method,
        update_period_s=tracker.period_s if probed_s is None else probed_s,
        tick_width_s=tracker.width_s,
        resolution_uj=board.resolution_uj,
    )
    return Followed(described, tape, readings, board)


def _awake(board: Board, at_ns: int) -> int:
    """The end of whatever keeps the reader from reading now."""
    late = [fault.at_ns + fault.length_ns for fault in board.faults if fault.kind == "late" and fault.holds(at_ns)]
    return max([at_ns, *late])


def square(low_w: float, high_w: float, half_ns: int, count: int) -> Power:
    return Power([(half_ns, high_w if step % 2 else low_w) for step in range(count)])


@pytest.fixture(scope="session")
def virtual() -> SimpleNamespace:
    """The virtual machine: importlib-mode test modules cannot import each other."""
    return SimpleNamespace(
        Power=Power, Fault=Fault, Board=Board, BoardMeter=BoardMeter, follow=follow, square=square, meter=plain_meter
    )


@pytest.fixture(scope="session")
def make_meter() -> Callable[..., Meter]:
    """A meter of the trace that differs from a plain one in what is said."""
    return plain_meter
