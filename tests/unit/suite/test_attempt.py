"""However an attempt ends, what it is called does not contradict what was found of its work."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suite import attempt
from suite.attempt import run_attempt
from suite.processes import Child
from suite.record import Attempt
from suite.tape import Tape

WORKER = """
import json, os, signal, sys, time
frames = os.fdopen(int(os.environ["JOULEMARK_FRAMES_FD"]), "w")
def send(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), file=frames, flush=True)
send("origin", at_ns=time.monotonic_ns())
send("quality", name="loss", value=QUALITY, low=1.0, high=2.0)
for second in range(2):
    send("window", start_ns=second * 10**9, end_ns=second * 10**9 + 10**8, units=1)
send("audit", name="distance", value=AUDIT, low=0.0, high=1e-3)
"""

ENDS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "crashed": "sys.exit(1)",
    "out of memory": "send('failed', outcome='oom', detail='no memory'); sys.exit(1)",
    "cut short": "time.sleep(60)",
    "done": "send('done', peak_memory_bytes=None)",
}


class Silent:
    """Nobody is told, and nothing is metered."""

    descriptors: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.tape = Tape()

    def cpu_s(self) -> float:
        return 0.0

    def pump(self, _: object) -> None: ...

    def record_until(self, _: object) -> None: ...

    def stage(self, _: object) -> None: ...

    def window(self, *_: object) -> None: ...


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """ended(how, quality, audit) -> the attempt of a worker that tells these and ends so."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(attempt, "Child", lambda _, job, log: Child("worker_of_a_test", job, log))

    def run(how: str, quality: float, audit: float) -> Attempt:
        told = WORKER.replace("QUALITY", str(quality)).replace("AUDIT", str(audit))
        (tmp_path / "worker_of_a_test.py").write_text(told + ENDS[how])
        cell: Any = SimpleNamespace(model_dump=lambda **_: {})
        recorder: Any = Silent()
        end_s = time.monotonic() + (2.5 if how == "cut short" else 60)
        found = run_attempt(
            cell, 3, 0.1, end_s=end_s, meters=(), recorder=recorder, listener=recorder, log=tmp_path / "log"
        )
        return found.attempt

    return run


@pytest.mark.parametrize("how", ENDS)
def test_a_failed_audit_is_the_outcome_however_the_attempt_ends(ended: Any, how: str) -> None:
    found = ended(how, 1.5, 0.5)
    assert (found.outcome, found.detail) == ("quality", "not the work: distance is 0.5")


def test_a_quality_outside_its_band_is_the_outcome_of_a_worker_killed_before_it_said_so(ended: Any) -> None:
    assert ended("killed", 3.0, 0.0).outcome == "quality"


@pytest.mark.parametrize(("how", "outcome"), [("killed", "oom"), ("crashed", "crash"), ("cut short", "ok")])
def test_an_attempt_whose_work_holds_is_called_by_its_end(ended: Any, how: str, outcome: str) -> None:
    assert ended(how, 1.5, 0.0).outcome == outcome
