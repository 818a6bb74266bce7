"""When to read a counter, and which of its readings are ticks. Pure: instants come with the readings.

A counter that moves every millisecond is read on a steady beat: whatever it says is of that instant. A counter that
moves ten times a second is worth reading only around the instant it moves: the tracker learns the period, reads a
little before the next move and again until it has happened. A move seen between two readings close together is a tick
at the middle of them; one whose instant is not known so well is no tick, and costs nothing, for the counter holds its
energy until the next.
"""

from __future__ import annotations

from itertools import count

from backends.meters.base import Reading

BEAT_NS, MOST_BEAT_NS = 100_000_000, 500_000_000
"""How often a fast counter is read; a power that is integrated is read twice in each of its periods, within these."""

SLOW_PERIOD_S = 0.008
"""A counter that moves less often than this is read around its moves."""

TICK_WIDTH_NS = 4_000_000
"""The longest stretch between two readings that still tells when a slow counter moved."""

SPACING_NS, ALONE = 100_000_000, 2
"""A counter that moves more often than this need not be caught at every move; and of more counters than that number,
each is caught more seldom, so that many cost no more than two."""

KEEPALIVE_PERIODS, KEEPALIVE_NS = 3, 500_000_000
"""A counter that stands still is on record as read after so many periods, and this long at least."""

STUCK_PERIODS, STUCK_NS = 20, 3_000_000_000
"""Standing still for longer than both is no rest but a fault: nothing that is switched on draws no power."""

GOLDEN_RATIO = 0.6180339887498949  # its multiples lie as evenly within a turn as any sequence can

_STEP_NS = 2_000_000  # between readings while a move is awaited; the wake-up itself adds some
_LEAST_GUARD_NS = 1_500_000


def is_slow(period_s: float, *, steady: bool) -> bool:
    return period_s >= SLOW_PERIOD_S and not steady


def spacing_ns(slow_counters: int) -> int:
    """How far apart the moves of each may be caught, when there are so many."""
    return SPACING_NS * max(1, round(slow_counters / ALONE))


def next_beat_ns(at_ns: int, beat_ns: int) -> int:
    """The next instant of a beat that all share, so that many meters cost one wake-up.

    Each beat is delayed by up to a beat, never twice alike: work that repeats ten times a second must not meet a power
    sampled ten times a second at the same phase for ever. Beats are 0.62 or 1.62 of their mean apart.
    """
    beats = (number * beat_ns + int(number * GOLDEN_RATIO % 1 * beat_ns) for number in count(at_ns // beat_ns))
    return next(beat for beat in beats if beat > at_ns)


class Tracker:
    """Follows one counter. `due_ns` is when it wants to be read next."""

    def __init__(self, period_s: float, *, steady: bool = False, spacing_ns: int = SPACING_NS) -> None:
        """`period_s`: time between two moves as first seen.

        `steady` keeps a slow counter on the beat: for an integral, which moves on every reading, and for what answers
        too slowly to be watched while it moves.
        """
        self.slow = is_slow(period_s, steady=steady)
        self._beat_ns = min(max(BEAT_NS, int(period_s * 5e8)), MOST_BEAT_NS) if steady else BEAT_NS
        self._spacing_ns = spacing_ns
        self.due_ns = 0
        self._period_ns = period_s * 1e9
        self._guard_ns = float(_LEAST_GUARD_NS)
        self._last: Reading | None = None
        self._awaiting = False  # whether the last reading was taken to see the next move from
        self._still: Reading | None = None  # the first one to say what the last one said
        self._kept_ns = 0  # the newest tick
        self._caught_ns: int | None = None  # the move the next one is counted from; None: there is none to trust

    @property
    def width_s(self) -> float:
        """How closely the instants of ticks are known."""
        return TICK_WIDTH_NS / 1e9 if self.slow else self._period_ns / 1e9

    def take(self, reading: Reading) -> tuple[Reading, ...]:
        """The ticks this reading gives, mostly none. Sets `due_ns`."""
        if self._last is None or self._still is None or reading.energy_uj != self._last.energy_uj:
            self._still = reading
        tick = self._slow(reading) if self.slow else self._fast(reading)
        ticks = self._standing(self._still, reading) if tick is None else (tick,)
        self._last = reading
        if ticks:
            self._kept_ns = ticks[-1].at_ns
        return ticks

    def forget(self) -> None:
        """The meter was lost: what it says next has no before."""
        self._last, self._still, self._caught_ns = None, None, None

    @property
    def stuck_since_ns(self) -> int | None:
        """Since when the counter has been seen standing still, if for too long."""
        if self._last is None or self._still is None:
            return None
        too_long = self._last.at_ns - self._still.at_ns > max(STUCK_NS, STUCK_PERIODS * self._period_ns)
        return self._still.at_ns if too_long else None

    @property
    def period_s(self) -> float:
        """Time between two moves, as far as it has been learnt."""
        return self._period_ns / 1e9

    def _fast(self, reading: Reading) -> Reading | None:
        self.due_ns = next_beat_ns(reading.at_ns, self._beat_ns)
        if self._last is None or reading.energy_uj != self._last.energy_uj:
            return reading
        return None

    def _slow(self, reading: Reading) -> Reading | None:
        last, awaited = self._last, self._awaiting
        moved = last is not None and reading.energy_uj != last.energy_uj
        self._awaiting, self.due_ns = True, reading.at_ns + _STEP_NS
        if last is None or not moved:
            return None
        if not awaited:  # the first look for a while: it may show moves that passed unseen
            if self._stride == 1:  # it moved too early, and the next move is far
                self._miss(reading.at_ns)
            return None
        return self._caught((last.at_ns + reading.at_ns) // 2, reading, reading.at_ns - last.at_ns)

    def _caught(self, moved_ns: int, reading: Reading, bracket_ns: int) -> Reading | None:
        """A move between two readings: a tick if they were close enough."""
        if bracket_ns > TICK_WIDTH_NS:  # the reader was late: looking earlier next time would only cost more looks
            self._caught_ns = None
            self._look_again(moved_ns)
            return None
        self._learn(moved_ns)
        self._look_again(moved_ns)
        return Reading(moved_ns, reading.energy_uj, reading.power_w)

    @property
    def _stride(self) -> int:
        """How many moves there are from one tick to the next."""
        return max(1, round(self._spacing_ns / self._period_ns))

    def _look_again(self, moved_ns: int) -> None:
        ahead_ns = self._stride * self._period_ns - self._guard_ns
        self.due_ns, self._awaiting = max(self.due_ns, int(moved_ns + ahead_ns)), False

    def _miss(self, moved_ns: int) -> None:
        """Look earlier next time."""
        self._guard_ns = min(2 * self._guard_ns, self._period_ns / 2)
        self._caught_ns = None
        self._look_again(moved_ns)

    def _learn(self, moved_ns: int) -> None:
        """The period and how far moves stray from it, from one tick to the next."""
        if self._caught_ns is not None:
            seen_ns = moved_ns - self._caught_ns
            periods = max(1, round(seen_ns / self._period_ns))
            stray_ns = abs(seen_ns - periods * self._period_ns)
            self._period_ns += 0.1 * (seen_ns / periods - self._period_ns)
            self._guard_ns += 0.1 * (max(_LEAST_GUARD_NS, 2.5 * stray_ns) - self._guard_ns)
        self._caught_ns = moved_ns

    def _standing(self, still: Reading, reading: Reading) -> tuple[Reading, ...]:
        """Both ends of a stretch without a move, once it is long; nothing before."""
        # A counter that moved meanwhile, nobody knows when, must not seem to have had its energy only by now.
        wait_ns = max(KEEPALIVE_NS, KEEPALIVE_PERIODS * self._period_ns) if self.slow else KEEPALIVE_NS
        if reading.at_ns - max(self._kept_ns, still.at_ns) < wait_ns:
            return ()
        return (still, reading) if still.at_ns > self._kept_ns else (reading,)
