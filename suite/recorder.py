"""The controller's side of metering: one or more sampler processes and the tape they write."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from pathlib import Path

from suite.link import Link
from suite.processes import Frame
from suite.record import MissingMeter
from suite.tape import Tape
from suite.trace import Meter

START_LIMIT_S = 60.0


class SamplerFailed(Exception):
    """A sampler did not start: nothing can be metered. The message names its log."""


class Recorder:
    """Running samplers, their meters and their tape."""

    def __init__(self, jobs: Sequence[Frame], log: Path) -> None:
        """Start the samplers and wait until each has named its meters."""
        self.tape = Tape()
        self._links: list[Link] = []
        try:
            for job in jobs:
                self._links.append(Link(job, self.tape, log))
            self._wait_for_names(log)
        except BaseException:
            self._end()
            raise
        self.sampled = tuple(meter for link in self._links for meter in link.meters or ())
        self.rails = tuple(Meter(**rail) for link in self._links for rail in link.rails)
        self.tape.expect(len(self.sampled) + len(self.rails))

    def _wait_for_names(self, log: Path) -> None:
        end_s, first = time.monotonic() + START_LIMIT_S, 0
        for link in self._links:
            link.first = first
            while link.meters is None:
                if not link.alive or not _ready([link.descriptor], end_s):
                    raise SamplerFailed(f"The sampler did not start; its log is {log}.")
                link.pump()
            first += len(link.meters)
            self.tape.expect(first)

    @property
    def meters(self) -> tuple[Meter, ...]:
        """Those that are sampled, then those that speak through the worker."""
        return self.sampled + self.rails

    @property
    def missing(self) -> tuple[MissingMeter, ...]:
        return tuple(missing for link in self._links for missing in link.missing)

    @property
    def notes(self) -> list[str]:
        return [note for link in self._links for note in link.notes]

    @property
    def peak_memory_bytes(self) -> int:
        return sum(link.peak_memory_bytes for link in self._links)

    @property
    def descriptors(self) -> list[int]:
        """Readable when there is something to pump()."""
        return [link.descriptor for link in self._links if link.alive]

    def pump(self, ready: Sequence[int]) -> None:
        """Take in what has arrived on these descriptors, and see to samplers that hang."""
        for link in self._links:
            if link.alive and link.descriptor in ready:
                link.pump()
            link.watch()

    def record_until(self, at_ns: int, patience_s: float = 3.0) -> None:
        """Pump until every meter was read after `at_ns`, or patience ends."""
        end_s = time.monotonic() + max(0.0, (at_ns - time.monotonic_ns()) / 1e9) + patience_s
        while not (time.monotonic_ns() > at_ns and self.tape.reaches(at_ns)) and time.monotonic() < end_s:
            self._pump_until(end_s)

    def _pump_until(self, end_s: float) -> None:
        self.pump(_ready(self.descriptors, min(end_s, time.monotonic() + 0.5)))

    def pause(self, *, paused: bool) -> None:
        for link in self._links:
            link.pause(paused=paused)

    def cpu_s(self) -> float:
        """CPU seconds the samplers have used so far."""
        return sum(link.cpu_s() for link in self._links)

    def close(self) -> None:
        """Let the samplers finish, keep their last frames, and make sure they are gone."""
        for link in self._links:
            link.ask_to_end()
        end_s = time.monotonic() + 5
        while any(link.alive for link in self._links) and time.monotonic() < end_s:
            self._pump_until(end_s)
        self._end()

    def _end(self) -> None:
        for link in self._links:
            link.end()


def _ready(descriptors: Sequence[int], end_s: float) -> list[int]:
    return select.select(descriptors, [], [], max(0.0, end_s - time.monotonic()))[0]
