"""TPU rail power, found in a profile that the TPU runtime recorded. Knows no framework: it walks what it is given.

A chip is metered twice: by an SPI sampler, which the runtime writes at its verbose level, and by its firmware, which
has four meters of each rail, PL1 to PL4. What tells these apart is documented nowhere. XProf's protocol gives a
firmware meter the timescale of a moving average, and Google's accelerator microbenchmarks take PL1 of core plus PL1 of
HBM for a chip's power. They are therefore read as four averages of one rail: one stands for it, and never their sum.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

from backends.meters.base import Description

Part = Literal["core", "hbm"]

MOST_POWER_W = 2_000.0  # no rail of one chip draws more; a meter that says so does not speak of watts

LEAST_SEEN = 0.5
"""A meter whose samples span less than this share of the chip's work does not speak for the rest of it."""

_PLANE = re.compile(r"/device:TPU:(\d+)")
_RAILS: Mapping[Part, str] = {"core": "VDD Core", "hbm": "HBM"}
_METERS = ("SPI Sampler Power Meter(W)", *(f"FW Power Meter PL{level}(W)" for level in (1, 2, 3, 4)))  # best first
_KNOWN = frozenset(f"{rail} {meter}" for rail in _RAILS.values() for meter in _METERS)
_CORE_SUFFIX = re.compile(r" \d+$")
_WORK = "XLA Ops"
_NOT_POWER = frozenset({"device_offset_ps", "device_duration_ps", "performance_counter_id"})
_OVERLAP_NS = 1_000  # neighbours are cut at ticks of the chip's clock and may overlap by the rounding to picoseconds


class Event(Protocol):
    """Something that lasted from start to end, with named values."""

    @property
    def name(self) -> str: ...
    @property
    def start_ns(self) -> float: ...
    @property
    def end_ns(self) -> float: ...
    @property
    def stats(self) -> Iterable[tuple[str, object]]: ...


class Line(Protocol):
    """Events of one kind on one device."""

    @property
    def name(self) -> str: ...
    @property
    def events(self) -> Iterable[Event]: ...


class Plane(Protocol):
    """All that was recorded of one device."""

    @property
    def name(self) -> str: ...
    @property
    def lines(self) -> Iterable[Line]: ...


class Profile(Protocol):
    """What `jax.profiler.ProfileData` shows of a profile."""

    @property
    def planes(self) -> Iterable[Plane]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """Mean power of one supply rail of one chip while it worked."""

    device: int
    part: Part
    name: str  # the meter that gave the number, as the runtime calls it
    power_w: float  # each sample weighted by how long it held
    samples: int
    span_s: float  # how long the samples held, all together: less than last - first where some are missing
    first_ns: int  # on the profile's own clock
    last_ns: int

    @property
    def domain(self) -> str:
        return domain(self.device, self.part)


class _Sample(NamedTuple):
    start_ns: float
    end_ns: float
    power_w: float


def domain(device: int, part: Part) -> str:
    return f"tpu{device}-{part}"


def descriptions(device: int) -> tuple[Description, ...]:
    """The rails that a chip's profile is hoped to show; whether it does is known only once it has run."""
    return tuple(
        Description(
            domain=domain(device, part),
            boundary="device",
            method="rails",
            source="xprof",
            note=f"{rail} supply rail, metered in a profiled run of the same steps; "
            "the chip's other rails and its supply's losses are not in it.",
        )
        for part, rail in _RAILS.items()
    )


def rails(profile: Profile) -> tuple[Rail, ...]:
    """The rails of every chip in `profile`, at most one "core" and one "hbm" each; units are W, s and ns.

    A rail is left out when no meter of it makes sense: no samples that last, a value that is no power, samples that
    overlap or see too little of the work, several meters of one name, or 0 W all the time, as of a meter that is off.
    """
    planes = [(int(chip[1]), plane) for plane in profile.planes if (chip := _PLANE.fullmatch(plane.name))]
    seen = Counter(device for device, _ in planes)
    found = [rail for device, plane in planes if seen[device] == 1 for rail in _of_chip(device, plane)]
    return tuple(sorted(found, key=lambda rail: (rail.device, rail.part)))


def _of_chip(device: int, plane: Plane) -> Iterator[Rail]:
    meters, work = _read(plane)
    for part, rail in _RAILS.items():
        for meter in _METERS:
            series = [samples for name, samples in meters.items() if _bare(name) == f"{rail} {meter}"]
            samples = sorted(series[0]) if len(series) == 1 else []
            counted = _within(work, _held(samples)) if _sound(samples) else []
            if any(one.power_w > 0 for one in counted) and _covers(work, counted):
                yield _mean(device, part, f"{rail} {meter}", counted)
                break


def _read(plane: Plane) -> tuple[Mapping[str, list[_Sample]], tuple[float, float]]:
    """The samples of each meter, and from when to when the chip computed: all the time where that is not recorded."""
    meters: dict[str, list[_Sample]] = defaultdict(list)
    start_ns, end_ns = math.inf, -math.inf
    for line in plane.lines:
        if line.name == _WORK:
            for event in line.events:
                start_ns, end_ns = min(start_ns, event.start_ns), max(end_ns, event.end_ns)
        else:
            for name, sample in _samples(line):
                meters[name].append(sample)
    return meters, (start_ns, end_ns) if start_ns < end_ns else (-math.inf, math.inf)


def _samples(line: Line) -> Iterator[tuple[str, _Sample]]:
    for event in line.events:
        name = event.name if _bare(event.name) in _KNOWN else line.name
        if _bare(name) in _KNOWN:
            yield name, _Sample(event.start_ns, event.end_ns, _power_w(event))


def _bare(name: str) -> str:
    """The meter's name without the number of the core that some runtimes write behind it."""
    return _CORE_SUFFIX.sub("", name)


def _power_w(event: Event) -> float:
    """The value called "power", or else the only number there is; NaN where it is not clear which is meant."""
    numbers = {name: value for name, value in event.stats if isinstance(value, int | float) and name not in _NOT_POWER}
    if "power" in numbers:
        return float(numbers["power"])
    return float(next(iter(numbers.values()))) if len(numbers) == 1 else math.nan


def _sound(samples: Sequence[_Sample]) -> bool:
    powers = all(0 <= one.power_w <= MOST_POWER_W for one in samples)  # NaN is in no range
    lengths = all(one.start_ns <= one.end_ns for one in samples)
    return powers and lengths and all(one.end_ns <= other.start_ns + _OVERLAP_NS for one, other in pairwise(samples))


def _held(samples: Sequence[_Sample]) -> Sequence[_Sample]:
    """Samples as they last; those of a meter that writes instants last until the next one, and the last is left out."""
    if any(one.end_ns > one.start_ns for one in samples):
        return samples
    return [one._replace(end_ns=other.start_ns) for one, other in pairwise(samples)]


def _within(span: tuple[float, float], samples: Sequence[_Sample]) -> list[_Sample]:
    clipped = [_Sample(max(one.start_ns, span[0]), min(one.end_ns, span[1]), one.power_w) for one in samples]
    return [one for one in clipped if one.end_ns > one.start_ns]


def _covers(work: tuple[float, float], samples: Sequence[_Sample]) -> bool:
    recorded_ns = work[1] - work[0]
    return math.isinf(recorded_ns) or samples[-1].end_ns - samples[0].start_ns >= LEAST_SEEN * recorded_ns


def _mean(device: int, part: Part, name: str, samples: Sequence[_Sample]) -> Rail:
    span_ns = sum(one.end_ns - one.start_ns for one in samples)
    return Rail(
        device=device,
        part=part,
        name=name,
        power_w=sum(one.power_w * (one.end_ns - one.start_ns) for one in samples) / span_ns,
        samples=len(samples),
        span_s=span_ns * 1e-9,
        first_ns=round(samples[0].start_ns),
        last_ns=round(samples[-1].end_ns),
    )
