"""The audits judge what steps gave and how long they took, and nothing else."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.audit import LEAST_CONSTANT, constant, draw, holds, witnessed


class Sleeper:
    """A program whose steps take `step_s`, or no time where it `remembers` an input."""

    def __init__(self, step_s: float, *, remembers: bool, distance: float = 0.0) -> None:
        self._step_s, self._remembers, self._distance = step_s, remembers, distance
        self._seen: set[int] = set()
        self._queue: list[int] = []
        self._next = 0

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        self._queue = [self._next] * steps if constant else list(range(self._next, self._next + steps))
        self._next += steps

    def step(self, *, witnessed: bool = False) -> None:
        number = self._queue.pop(0)
        if not (self._remembers and number in self._seen):
            time.sleep(self._step_s)
        self._seen.add(number)

    def proof(self) -> float:
        return self._distance


def audited(program: Any) -> Any:
    return constant(program, lambda: None, 0.01)


@pytest.mark.fault("program that remembers an input it has seen", "audit fails")
def test_a_program_that_remembers_its_input_is_caught() -> None:
    assert not holds(audited(Sleeper(0.01, remembers=True)))


def test_a_program_that_does_its_work_each_time_is_not_accused() -> None:
    found = audited(Sleeper(0.01, remembers=False))
    assert holds(found)
    assert LEAST_CONSTANT <= found["value"] <= 1.0


@pytest.mark.parametrize(("distance", "good"), [(0.0, True), (1e-3, True), (1.1e-3, False), (0.5, False)])
def test_a_witnessed_step_must_lie_within_its_limit(distance: float, good: bool) -> None:
    assert holds(witnessed(Sleeper(0, remembers=False, distance=distance), 1e-3)) is good  # type: ignore[arg-type]


@pytest.mark.parametrize("distance", [math.nan, math.inf])
def test_what_is_not_finite_is_far_outside_and_still_a_number(distance: float) -> None:
    found = witnessed(Sleeper(0, remembers=False, distance=distance), 1e-3)  # type: ignore[arg-type]
    assert math.isfinite(found["value"])
    assert not holds(found)


@given(windows=st.integers(1, 50), steps=st.integers(1, 10_000), seed=st.integers(0, 2**63))
def test_the_watched_step_lies_inside_the_run_and_follows_from_the_seed(windows: int, steps: int, seed: int) -> None:
    drawn = draw(windows, seed)
    assert 0 <= drawn.window < windows
    assert 0 <= drawn.step(steps) < steps
    assert draw(windows, seed) == drawn


def test_every_step_can_be_the_watched_one() -> None:
    assert {draw(2, seed).step(5) for seed in range(200)} == set(range(5))
