"""The lines of a run as it goes: counts with the right noun, units by their symbols."""

from __future__ import annotations

from io import StringIO
from types import ModuleType

import pytest
from rich.console import Console

from suite.energy import Energy
from suite.progress import Live
from suite.record import Attempt, BatchRate, Cell, PlannedCell, Result
from suite.trace import Window


@pytest.fixture(scope="module")
def result(synthetic: ModuleType) -> Result:
    made: Result = synthetic.result(6, 1)
    return made


def said(result: Result, workload: str, attempt: Attempt, windows: int = 3) -> str:
    text = StringIO()
    cell: Cell = next(one.cell for one in result.cells if one.cell.workload == workload)
    planned = PlannedCell(cell=cell, setup_s=1.0, window_s=1.0, repeats=windows)
    live = Live(Console(file=text, width=200), started_s=0.0)
    live.cell(planned, windows, 10.0)
    live.window(1, Window(start_ns=0, end_ns=10**9, units=5_000_000_000))
    live.tried(cell, attempt)
    return text.getvalue()


@pytest.fixture(scope="module")
def attempt(result: Result) -> Attempt:
    return next(one.attempts[-1] for one in result.cells if one.outcome == "ok")


def test_one_of_a_thing_is_not_many(result: Result, attempt: Attempt) -> None:
    joules = Energy(boundary="device", meter_class="measured", joules=5.0)
    single = {"energies": ((joules,),), "sweep": (BatchRate(batch=8, units_per_s=1),)}
    told = said(result, "gpt", attempt.model_copy(update=single), windows=1)
    assert ": 1 window, at most" in told
    assert "5.00 J measured in 1 window," in told
    assert "batch 8 (1 batch tried)" in told


def test_a_sweep_says_what_it_chose_and_of_how_many(result: Result, attempt: Attempt) -> None:
    sweep = tuple(BatchRate(batch=batch, units_per_s=batch) for batch in (8, 16))
    assert "batch 16 (2 batches tried)" in said(result, "gpt", attempt.model_copy(update={"sweep": sweep}))


def test_speeds_have_the_symbols_of_the_tables(result: Result, attempt: Attempt) -> None:
    assert "5.00 GFLOP/s" in said(result, "calib", attempt)
    assert "5,000,000,000 tokens/s" in said(result, "gpt", attempt)


def test_how_an_attempt_ended_is_told_without_brackets_in_brackets(result: Result, attempt: Attempt) -> None:
    late = attempt.model_copy(update={"outcome": "deadline", "detail": "its time was over (compile done)"})
    assert "deadline, its time was over (compile done)" in said(result, "gpt", late)
