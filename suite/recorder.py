"""The controller's side of the sampler process: its frames become a tape."""

from __future__ import annotations

import select
import time
from pathlib import Path

import psutil

from suite.energy import Meter
from suite.processes import BrokenFrame, Child, Frame
from suite.record import MissingMeter
from suite.tape import Tape

START_LIMIT_S = 60.0


class SamplerFailed(Exception):
    """The sampler did not start: nothing can be metered. The message names its log."""


class Recorder:
    """A running sampler, its meters and their tape."""

    def __init__(self, backend: str, device: int, log: Path) -> None:
        """Start the sampler and wait until it has named its meters."""
        self._child = Child("suite.sampler", {"backend": backend, "device": device}, log)
        self._process = psutil.Process(self._child.process.pid)
        self.tape = Tape()
        self.meters: tuple[Meter, ...] | None = None
        self.missing: tuple[MissingMeter, ...] = ()
        self.lost: list[str] = []
        self.alive = True
        self.peak_memory_bytes = 0
        end_s = time.monotonic() + START_LIMIT_S
        while self.meters is None:
            if not self.alive or not self._wait(end_s):
                self._child.end()
                raise SamplerFailed(f"The sampler did not start; its log is {log}.")

    @property
    def descriptor(self) -> int:
        """Readable when there is something to pump()."""
        return self._child.descriptor

    def pump(self) -> None:
        """Take in the frames that have arrived."""
        try:
            frames = self._child.read()
        except BrokenFrame as problem:
            self.lost.append(f"the sampler sent garbage: {problem}")
            frames = None
        if frames is None:
            self.alive = False
            return
        for frame in frames:
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        match frame["kind"]:
            case "ticks":
                self.tape.add(frame["meter"], frame["at_ns"], frame["energy_uj"])
            case "meters":
                self.meters = tuple(Meter(**meter) for meter in frame["meters"])
                self.missing = tuple(MissingMeter(**missing) for missing in frame["missing"])
            case "lost":
                self.lost.append(frame["detail"])
            case "end":
                self.peak_memory_bytes = frame["peak_memory_bytes"]

    def _wait(self, end_s: float) -> bool:
        """Pump once before `end_s`; False when nothing came."""
        if not select.select([self.descriptor], [], [], max(0.0, end_s - time.monotonic()))[0]:
            return False
        self.pump()
        return True

    def record_until(self, at_ns: int, patience_s: float = 3.0) -> None:
        """Pump until every meter was read after `at_ns`, or patience ends."""
        end_s = time.monotonic() + max(0.0, (at_ns - time.monotonic_ns()) / 1e9) + patience_s
        while self.alive and not (time.monotonic_ns() > at_ns and self.tape.reaches(at_ns)):
            if not self._wait(end_s):
                return

    def cpu_s(self) -> float:
        """CPU seconds the sampler has used so far; what it last used when it is gone."""
        if not self.alive:
            return 0.0
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        """Let the sampler finish, keep its last frames, and make sure it is gone."""
        if self.alive:
            self._child.ask_to_end()
            end_s = time.monotonic() + 5
            while self.alive and self._wait(end_s):
                pass
        self._child.end()
        self.alive = False
