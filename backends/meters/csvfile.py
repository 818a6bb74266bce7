"""Any laboratory's meter, through the file its logger wrote: one line for each sample, with a time and the watts.

Nothing is polled. The file is read after the run, laid on the run's clock and integrated; what it then gives are ticks
like those of any other meter.
"""

from __future__ import annotations

import io
import math
import re
import statistics
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from backends.base import Metering
from backends.meters import UnknownMeter
from backends.meters.base import Description, PowerIntegrator

DESCRIPTION = Description(
    domain="wall",
    boundary="wall",
    method="integrated",
    source="csv",
    note="read from the file of a logger, whose clock was laid on this machine's",
)

MOST_BYTES = 64 * 2**20
MOST_POWER_W = 100_000.0  # beyond any socket: such a column is in milliwatts
_LATEST_S = 1e11  # as seconds the year 5138, as milliseconds 1973

_OPTION = re.compile(r"(?P<path>.+?)(?P<settings>(,[a-z]+=[^,]*)*)", re.DOTALL)
_WATTS = re.compile(r"(.*[^a-z])?(w|watts?|power)[)\]]?", re.IGNORECASE)


class CsvRefused(ValueError):
    """The file cannot be taken for what a meter said. One line: where, why, and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvMeter:
    """Where the logger's file is and how its clock stands to this machine's."""

    path: Path
    offset_s: float = 0.0  # added to the logger's times it gives this machine's unix time
    period_s: float | None = None  # how often the meter itself has a new value; None: as often as it was logged


class Sample(NamedTuple):
    """What the meter said, by the logger's clock."""

    unix_s: float
    power_w: float


def open_csv(argument: str) -> Metering:
    """Nothing to open before the file is written, but what asks for it must be understood. UnknownMeter when not."""
    parse(argument)
    return Metering()


def parse(text: str) -> CsvMeter:
    """What "csv:FILE,offset=SECONDS,period=SECONDS" means, with or without the "csv:". UnknownMeter when nothing."""
    option = _OPTION.fullmatch(text.removeprefix("csv:"))
    if option is None:
        raise UnknownMeter("csv needs a file: csv:FILE[,offset=SECONDS][,period=SECONDS].")
    settings = [setting.partition("=") for setting in option["settings"].split(",")[1:]]
    values = {name: _seconds(name, value) for name, _, value in settings}
    period_s = values.get("period")
    if len(values) < len(settings) or (period_s is not None and period_s <= 0):
        raise UnknownMeter(f"csv takes offset and period once each, and a period above 0, not {option['settings']!r}.")
    return CsvMeter(path=Path(option["path"]), offset_s=values.get("offset", 0.0), period_s=period_s)


def _seconds(name: str, value: str) -> float:
    seconds = _number(value)
    if name not in {"offset", "period"} or seconds is None or not math.isfinite(seconds):
        raise UnknownMeter(f"csv knows offset=SECONDS and period=SECONDS, not {name}={value}.")
    return seconds


def read_samples(path: Path) -> tuple[Sample, ...]:
    """The samples of a file, oldest first. CsvRefused for a file with anything doubtful in it.

    Two columns, time and watts, parted by a comma, a semicolon or a tab, below a header or none. A time is in unix
    seconds or in ISO 8601 with its zone.
    """
    samples: list[Sample] = []
    for number, sample in _samples(path):
        if samples and sample.unix_s == samples[-1].unix_s:
            raise _refused(path, number, "the time of the line before comes again.", "Log with finer times.")
        if samples and sample.unix_s < samples[-1].unix_s:
            raise _refused(path, number, "the time falls.", "Sort the file, or split it where the clock was set back.")
        samples.append(sample)
    if len(samples) < 2:
        raise CsvRefused(f"{path.name}: {len(samples)} sample(s) make no energy. Log for as long as the run lasts.")
    return tuple(samples)


def update_period_s(samples: Sequence[Sample]) -> float:
    """The median time between samples. At least two samples are needed."""
    return statistics.median(later.unix_s - earlier.unix_s for earlier, later in pairwise(samples))


def _samples(path: Path) -> Iterator[tuple[int, Sample]]:
    """Each sample with the number of its line."""
    separator = ""
    for number, line in enumerate(io.StringIO(_text(path), newline=None), start=1):
        if not line.strip():
            continue
        first, separator = not separator, separator or _separator(line)
        fields = [field.strip().strip('"') for field in line.split(separator)]
        if len(fields) != 2:
            raise _refused(path, number, f"{len(fields)} column(s).", "Keep two: the time and the watts.")
        time, watts = fields
        if first and watts[:1].isalpha() and _number(watts) is None:
            _check_header(path, number, watts)
        else:
            yield number, Sample(_unix_s(path, number, time), _power_w(path, number, watts))


def _separator(line: str) -> str:
    return next((mark for mark in "\t;" if mark in line), ",")


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise CsvRefused(f"{path.name}: there is no such file. Name the file your logger writes.")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise CsvRefused(f"{path.name}: larger than 64 MiB. Cut it to the hours of the run.")
        return content.decode("utf-8-sig")  # spreadsheets put a mark in front
    except OSError as error:
        raise CsvRefused(f"{path.name}: {error.strerror}. Make the file readable.") from error
    except UnicodeDecodeError as error:
        raise CsvRefused(f"{path.name}: not UTF-8 at byte {error.start}. Save it as CSV in UTF-8.") from error


def _check_header(path: Path, number: int, watts: str) -> None:
    if not _WATTS.fullmatch(watts):
        raise _refused(path, number, f"the second column is called {watts!r}.", "Give watts, and call them watts.")


def _unix_s(path: Path, number: int, time: str) -> float:
    unix_s = _number(time)
    if unix_s is None:
        unix_s = _iso_s(path, number, time)
    if not -_LATEST_S < unix_s < _LATEST_S:  # false for NaN too
        raise _refused(path, number, f"{time} is no time in seconds.", "Give unix seconds, not milliseconds.")
    return unix_s


def _iso_s(path: Path, number: int, time: str) -> float:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise _refused(path, number, f"{time!r} is no time.", "Give unix seconds or ISO 8601 with a zone.") from error
    if moment.tzinfo is None:
        raise _refused(path, number, f"{time} has no time zone.", "Add it, as in 2026-01-31T12:00:00+01:00.")
    return moment.timestamp()


def _power_w(path: Path, number: int, watts: str) -> float:
    power_w = _number(watts)
    if power_w is None or math.isnan(power_w):
        raise _refused(path, number, f"{watts!r} is no power.", "Give watts with a decimal point, or drop the line.")
    if not 0 <= power_w <= MOST_POWER_W:
        raise _refused(path, number, f"{watts} W is out of range.", "Give the watts drawn, from 0 to 100,000.")
    return power_w


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _refused(path: Path, number: int, problem: str, cure: str) -> CsvRefused:
    return CsvRefused(f"{path.name}, line {number}: {problem} {cure}")


# -- From the logger's clock to the run's ------------------------------------------------------------------------------

_STEP_S = 0.01  # between two looks a second or so apart, slewing moves a clock by 0.5 ms; more than this is a step


def ticks(
    samples: Iterable[Sample], offset_s: float, realtime_minus_monotonic: Sequence[tuple[int, float]]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The instants of the samples on CLOCK_MONOTONIC, in ns, and the energy counted up to each, in uJ, by trapezoids.

    `realtime_minus_monotonic` is how far this machine's wall clock was ahead: (monotonic ns, seconds), oldest first, at
    least one. Its first value holds for all that was before and its last for all that came after. A sample stamped
    with a time that a stepped clock never showed, or showed twice, belongs to no known instant and is left out.
    """
    stretches = tuple(_stretches(realtime_minus_monotonic))
    placed: list[tuple[int, float]] = []
    for sample in samples:
        at_ns = [at for stretch in stretches for at in stretch.instants_ns(sample.unix_s + offset_s)]
        if len(at_ns) == 1:
            placed.append((at_ns[0], sample.power_w))
    integrator = PowerIntegrator()
    readings = [integrator.add(at_ns, power_w) for at_ns, power_w in sorted(placed)]
    return tuple(one.at_ns for one in readings), tuple(one.energy_uj for one in readings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A time over which the wall clock ran without a step: when it was read, and what it showed."""

    at_ns: tuple[int, ...]
    realtime_s: tuple[float, ...]
    first: bool  # it began before anybody looked
    last: bool  # it went on after the last look

    def instants_ns(self, realtime_s: float) -> Iterator[int]:
        """The instant at which the clock showed this time, if it did."""
        before = realtime_s < self.realtime_s[0]
        after = realtime_s > self.realtime_s[-1]
        if (before and not self.first) or (after and not self.last):
            return
        following = bisect_right(self.realtime_s, realtime_s)
        anchor = max(following - 1, 0)
        since_s = realtime_s - self.realtime_s[anchor]
        yield self.at_ns[anchor] + round(since_s * 1e9 * (1.0 if before or after else self._pace(anchor, following)))

    def _pace(self, one: int, other: int) -> float:
        """Seconds that passed for each second the wall clock showed: one that is slewed runs a little fast or slow."""
        if other == len(self.at_ns):
            return 1.0
        return (self.at_ns[other] - self.at_ns[one]) / 1e9 / (self.realtime_s[other] - self.realtime_s[one])


def _stretches(differences: Sequence[tuple[int, float]]) -> Iterator[_Stretch]:
    steps = [index + 1 for index, (one, two) in enumerate(pairwise(differences)) if _stepped(one, two)]
    for start, end in pairwise([0, *steps, len(differences)]):
        looks = differences[start:end]
        yield _Stretch(
            at_ns=tuple(at_ns for at_ns, _ in looks),
            realtime_s=tuple(at_ns / 1e9 + ahead_s for at_ns, ahead_s in looks),
            first=start == 0,
            last=end == len(differences),
        )


def _stepped(one: tuple[int, float], two: tuple[int, float]) -> bool:
    """Also between two looks in quick succession: within a stretch the wall clock must rise."""
    return abs(two[1] - one[1]) > min(_STEP_S, (two[0] - one[0]) / 2e9)
