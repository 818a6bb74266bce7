"""Meters that are read after the run: a logger's file, laid on the clock of each attempt."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from backends.meters import csvfile
from suite.assemble import Joined, Tried
from suite.keep import thinned
from suite.record import MissingMeter
from suite.tape import KEPT_MARGIN_NS
from suite.trace import Meter, Ticks

CSV = "csv:"


@dataclass(frozen=True, slots=True)
class Log:
    """A logger's samples and the meter they come from."""

    meter: Meter
    samples: tuple[csvfile.Sample, ...]
    offset_s: float


def is_log(name: str) -> bool:
    """Whether this meter of the command line is a file to be read afterwards."""
    return name.startswith(CSV)


def read(name: str) -> Log | MissingMeter:
    """The log that "csv:FILE[,offset=S]" names, or why there is none."""
    wanted = csvfile.parse(name)
    try:
        samples = csvfile.read_samples(wanted.path)
    except csvfile.CsvRefused as refused:
        reason, _, cure = str(refused).rpartition(". ") if ". " in str(refused) else (str(refused), "", "")
        return MissingMeter(code="log_refused", reason=reason[:290] + ".", cure=cure[:290])
    period_s = wanted.period_s or csvfile.update_period_s(samples)
    note = f"{csvfile.DESCRIPTION.note}; offset {wanted.offset_s:g} s"
    fields = dataclasses.asdict(csvfile.DESCRIPTION) | {"note": note}
    return Log(Meter(**fields, update_period_s=period_s, tick_width_s=period_s), samples, wanted.offset_s)


def join(log: Log, number: int, tried: Sequence[Tried]) -> Joined:
    """The log's ticks for each attempt, as meter `number` of the result; None where it does not reach."""
    return Joined(meter=log.meter, ticks=tuple(_ticks(log, number, one) for one in tried))


def _ticks(log: Log, number: int, one: Tried) -> Ticks | None:
    if not one.clock or not one.attempt.windows:
        return None
    at_ns, energy_uj = csvfile.ticks(log.samples, log.offset_s, one.clock)
    end_ns = one.attempt.windows[-1].end_ns + max(KEPT_MARGIN_NS, int(3e9 * log.meter.update_period_s))
    inside = [index for index, instant in enumerate(at_ns) if 0 <= instant - one.origin_ns <= end_ns]
    if not inside:
        return None
    first, last = inside[0], inside[-1] + 1
    whole = Ticks(
        number,
        tuple(instant - one.origin_ns for instant in at_ns[first:last]),
        tuple(value - energy_uj[first] for value in energy_uj[first:last]),
    )
    return thinned([whole], one.attempt.windows)[0]
