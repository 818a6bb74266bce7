"""What a worker tells of its windows: none holds a compilation, and none of what it took is lost."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.check.scan import scan
from suite.processes import Frame
from suite.worker import MOST_RECOMPILED, MOST_SHORT, Worker
from workloads import specs
from workloads.base import Arrays

SPEC = specs("gpt")["decode"]
CELL = {"workload": "gpt", "mode": "decode", "size": "xs", "precision": "fp32", "batch": 4}
STEPS_IN_A_WINDOW = 3


class Machine:
    """A program and its runtime in one; it compiles when it is told to."""

    device: Any = None

    def __init__(self, compiles_at: Sequence[int]) -> None:
        self.compiles_at, self.steps, self.compiled = compiles_at, 0, 0

    def prepare(self, steps: int, *, constant: bool = False) -> None: ...

    def step(self, *, witnessed: bool = False) -> None:
        self.compiled += self.steps in self.compiles_at
        self.steps += 1

    def compilations(self) -> int:
        return self.compiled

    def synchronize(self) -> None: ...

    def measure_rails(self, run: Callable[[], None]) -> tuple[()]:
        return ()

    def peak_memory_bytes(self) -> int | None:
        return None

    def forget_peak_memory(self) -> None: ...

    def release_memory(self) -> None: ...

    def proof(self) -> float:
        return 0.0

    def quality(self) -> float:
        return 0.0

    def loss(self) -> float:
        return 0.0

    def outputs(self) -> Arrays:
        return {"logits": np.zeros(1)}

    def weights(self) -> Arrays:
        return {}


def measure(machine: Machine, windows: int = 3) -> list[Frame]:
    frames = io.StringIO()
    worker = Worker({"cell": CELL, "batches": [], "windows": windows, "window_s": 1e-9}, frames)
    # So long a step makes a first window of STEPS_IN_A_WINDOW steps.
    worker._measure(machine, machine, SPEC, 1.1e-9 / (STEPS_IN_A_WINDOW - 0.5))
    return [json.loads(line) for line in frames.getvalue().splitlines()]


def kinds(frames: Sequence[Frame]) -> list[str]:
    return [frame["kind"] for frame in frames if frame["kind"] in ("window", "stage")]


def test_a_window_that_compiles_is_done_again_and_its_time_goes_down_as_compilation() -> None:
    frames = measure(Machine(compiles_at=[1]))
    assert kinds(frames) == ["stage", "window", "window", "window"]
    stage = next(frame for frame in frames if frame["kind"] == "stage")
    assert stage["name"] == "recompile"
    assert stage["end_ns"] > stage["start_ns"]


def test_what_was_compiled_before_the_windows_disturbs_none() -> None:
    assert kinds(measure(Machine(compiles_at=[]))) == ["window"] * 3


def test_a_cell_that_goes_on_compiling_fails() -> None:
    with pytest.raises(RuntimeError, match="compiles something anew"):
        measure(Machine(compiles_at=range(1000)), windows=MOST_RECOMPILED + 5)


class Clocked(Machine):
    """A machine with a clock of its own, whose steps may become faster from one window to the next."""

    def __init__(self, step_ns: int, faster_by: int) -> None:
        super().__init__(compiles_at=[])
        self.step_ns, self.faster_by, self.time_ns = step_ns, faster_by, 0

    def step(self, *, witnessed: bool = False) -> None:
        super().step(witnessed=witnessed)
        self.time_ns += self.step_ns

    def compilations(self) -> int:
        """Read at both ends of a window: at the second the next one's steps become faster."""
        self.compiled += 1
        if self.compiled % 2 == 0:
            self.step_ns //= self.faster_by
        return 0


class ByItsClock(Worker):
    clock: Clocked

    def now_ns(self) -> int:
        return self.clock.time_ns


def measure_by_its_clock(machine: Clocked, window_s: float, foretold_s: float) -> list[Frame]:
    frames = io.StringIO()
    worker = ByItsClock({"cell": CELL, "batches": [], "windows": 2, "window_s": window_s}, frames)
    worker.clock = machine
    worker._measure(machine, machine, SPEC, foretold_s)
    return [json.loads(line) for line in frames.getvalue().splitlines()]


def test_a_window_that_ends_too_soon_is_done_again_with_as_many_steps_as_it_takes() -> None:
    frames = measure_by_its_clock(Clocked(step_ns=1000, faster_by=1), window_s=1e-5, foretold_s=1e-5)
    assert kinds(frames) == ["stage", "window", "window"]
    short, *windows = (frame for frame in frames if frame["kind"] in ("window", "stage"))
    assert (short["name"], short["end_ns"] - short["start_ns"]) == ("short", 2000)
    assert all(window["end_ns"] - window["start_ns"] >= 10_000 for window in windows)


def test_a_machine_that_keeps_getting_faster_still_ends() -> None:
    frames = measure_by_its_clock(Clocked(step_ns=10**5, faster_by=10), window_s=1e-3, foretold_s=1e-2)
    assert kinds(frames) == ["stage"] * MOST_SHORT + ["window"] * 2


def test_the_watched_step_is_proven_even_if_its_window_was_done_again() -> None:
    frames = measure(Machine(compiles_at=[1]), windows=1)
    assert [frame["kind"] for frame in frames].count("audit") == 1


class Remembering(Machine):
    """What a window and a proof find of memory that was released."""

    def __init__(self) -> None:
        super().__init__(compiles_at=[])
        self.happened: list[str] = []

    def step(self, *, witnessed: bool = False) -> None:
        super().step(witnessed=witnessed)
        self.happened.append("step")

    def release_memory(self) -> None:
        self.happened.append("release")

    def proof(self) -> float:
        self.happened.append("proof")
        return 0.0


def test_a_proof_finds_memory_released_and_the_next_window_finds_it_in_use_again() -> None:
    machine = Remembering()
    frames = measure(machine)
    at = machine.happened.index("proof")
    assert machine.happened[at - 1 : at + 3] == ["release", "proof", "release", "step"]
    in_windows = sum(frame["units"] for frame in frames if frame["kind"] == "window")
    assert machine.happened.count("step") == in_windows / SPEC.units_per_step(SPEC.sizes["xs"]) + 1


class Diverging(Machine):
    """Its quality holds before the windows, and within them its loss is lost."""

    value: float

    def quality(self) -> float:
        return self.value

    def loss(self) -> float:
        return math.nan


def run_whole(machine: Machine, cell: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[Frame]:
    monkeypatch.setattr("suite.worker.backends.load", lambda _: SimpleNamespace(attach=lambda *_: machine))
    monkeypatch.setattr("suite.worker.workloads.build", lambda *_, **__: machine)
    monkeypatch.setattr("suite.worker.CALIBRATE_S", 0.0)
    frames = io.StringIO()
    Worker({"cell": cell, "batches": [], "windows": 1, "window_s": 1e-9}, frames).run()
    return [json.loads(line) for line in frames.getvalue().splitlines()]


TRAIN = CELL | {"mode": "train", "backend": "none", "framework": "torch", "device": 0, "technique": "eager"}


def test_a_loss_that_is_lost_within_the_windows_leaves_a_quality_outside_its_band(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Diverging(compiles_at=[])
    band = specs("gpt")["train"].band("xs", "fp32")
    machine.value = (band.low + band.high) / 2
    frames = run_whole(machine, TRAIN, monkeypatch)
    assert frames[-1]["outcome"] == "quality"
    last = [frame for frame in frames if frame["kind"] == "quality"][-1]
    assert not last["low"] <= last["value"] <= last["high"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38])
def test_a_quality_far_outside_its_band_is_a_number_that_a_check_reads(
    monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    machine = Diverging(compiles_at=[])
    machine.value = value
    frames = run_whole(machine, TRAIN, monkeypatch)
    assert frames[-1]["outcome"] == "quality"
    scan(json.dumps(frames).encode())
