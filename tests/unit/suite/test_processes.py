"""A child that is gone, or that cannot be made to go, costs its parent a few seconds and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite import link, processes
from suite.link import Link
from suite.processes import Child
from suite.tape import Tape

Start = Callable[[str], Child]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """start(program) -> a child that runs it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    def run(program: str) -> Child:
        (tmp_path / "child_of_a_test.py").write_text(program)
        return Child("child_of_a_test", {}, tmp_path / "log")

    return run


def test_what_a_dead_child_was_told_does_not_come_back_when_it_is_ended(start: Start) -> None:
    child = start("")
    child.process.wait()
    child.tell("pause")
    assert child.end() == 0


def test_a_dead_child_can_be_asked_to_end(start: Start) -> None:
    child = start("")
    child.process.wait()
    child.tell("pause")
    child.ask_to_end()
    assert child.end() == 0


def test_a_child_that_cannot_be_killed_is_left_behind(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals that do not arrive stand for a process in a driver, which the kernel does not interrupt."""
    child = start("import time; time.sleep(15)")
    with monkeypatch.context() as patch:
        patch.setattr(processes, "_signal_group", lambda *_: None)
        patch.setattr(processes, "KILLED_S", 0.1, raising=False)
        assert child.end(grace_s=0.1) is None
    child.process.kill()
    child.process.wait()


def test_a_sampler_that_cannot_be_killed_is_not_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Stuck:
        """It has closed its frames and does not go."""

        def __init__(self, *_: Any) -> None:
            started.append(self)
            self.process = self
            self.pid = os.getpid()

        def read(self) -> None: ...

        def end(self) -> None: ...

    monkeypatch.setattr(link, "Child", Stuck)
    sampler = Link({}, Tape(), tmp_path / "log")
    sampler.meters = ()
    sampler.pump()
    assert (sampler.alive, len(started)) == (False, 1)
    assert any("cannot be killed" in note for note in sampler.notes)
