"""Child processes that speak JSON lines over a pipe: started, listened to, ended. Never pickle."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import psutil

Frame = dict[str, Any]

FRAME_LIMIT_BYTES = 64 * 2**20
"""A child that sends more than this without a line end is broken."""

GRACE_S = 2.0
"""How long a child may take to go once it has been told to: it has nothing to save."""

KILLED_S = 5.0
"""How long the kernel may take to clear up what it killed. After that a driver holds on to it, maybe for ever."""

FRAMES_VARIABLE = "JOULEMARK_FRAMES_FD"
_PR_SET_PDEATHSIG = 1


class BrokenFrame(Exception):
    """A child sent something that is no frame."""


class Child:
    """A Python module run as a process of its own session; its standard output and errors go to a log."""

    def __init__(self, module: str, job: Frame, log: Path) -> None:
        self.log = log
        reading, writing = os.pipe()
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module] if _installed() else [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                pass_fds=(writing,),
                env=os.environ | {FRAMES_VARIABLE: str(writing)},
                start_new_session=True,
            )
        os.close(writing)
        self.descriptor = reading
        self._rest = b""
        self.tell(json.dumps(job))

    def tell(self, line: str) -> None:
        """Send one line; a child that is gone already does not hear it, and its frames end."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the child is gone already: its frames end at once, and that is where it is dealt with

    def read(self) -> list[Frame] | None:
        """The frames that have arrived, once the descriptor is readable; None at the end. BrokenFrame for garbage."""
        data = os.read(self.descriptor, 2**16)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > FRAME_LIMIT_BYTES:
            raise BrokenFrame("a frame without end")
        return [_frame(line) for line in lines]

    def ask_to_end(self) -> None:
        """Close the child's standard input: a sampler takes it as the sign to finish."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # it is gone, and what it was told before is still on the way to it
            self.process.stdin.close()

    def end(self, patience_s: float = 0.0, grace_s: float = GRACE_S) -> int | None:
        """Make sure the child and all it started are gone; returns its exit status.

        It has `patience_s` to end by itself, then `grace_s` after being told to. None where even SIGKILL does not end
        it, for it hangs in a driver: it is left behind, because no budget has time to wait for that.
        """
        with suppress(subprocess.TimeoutExpired):  # its patience is over: go on to the next line
            self.process.wait(patience_s)
        if self.process.poll() is None:
            _signal_group(self.process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):  # it had its chance; the next line leaves it none
                self.process.wait(grace_s)
        _signal_group(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # it is left behind: the status stays None
            self.process.wait(KILLED_S)
        os.close(self.descriptor)
        self.ask_to_end()
        return self.process.poll()


def _installed() -> bool:
    """Whether the suite is importable without the working directory: then nothing there may shadow it."""
    return Path.cwd() != Path(__file__).resolve().parents[1]


def _frame(line: bytes) -> Frame:
    try:
        frame = json.loads(line)
    except ValueError as problem:
        raise BrokenFrame(f"not a frame: {line[:80]!r}") from problem
    if not isinstance(frame, dict) or "kind" not in frame:
        raise BrokenFrame(f"not a frame: {line[:80]!r}")
    return frame


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # gone already, which is what the signal is for
        os.killpg(pid, number)


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds the process has used; 0 when it is gone and took its account along."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def open_frames() -> TextIO:
    """In a child: the stream to write frames to. The child dies with its parent from here on (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.fdopen(int(os.environ[FRAMES_VARIABLE]), "w", encoding="utf-8")


def send(stream: TextIO, kind: str, **fields: Any) -> None:
    """Write one frame and push it out."""
    stream.write(json.dumps({"kind": kind} | fields, separators=(",", ":")) + "\n")
    stream.flush()
