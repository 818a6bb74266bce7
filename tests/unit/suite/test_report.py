"""What a run and `show` say of a result's cells: the figures, and why they are what they are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from suite.normalise import boundaries_of
from suite.record import Result
from suite.report import interval, summary_table, why_table, why_values
from suite.roofline import CALIB
from suite.statistics import Summary

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def laptop(synthetic: ModuleType) -> Result:
    """A result with calibration, whose cells ended well in at least one framework."""
    return result_of(synthetic, "laptop")


def result_of(synthetic: ModuleType, word: str) -> Result:
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if word in machine.name)
    made: Result = synthetic.result(index, 1)
    return made


def text_of(table: Table | str, width: int) -> str:
    text = StringIO()
    Console(width=width, file=text).print(table)
    return text.getvalue()


def test_every_scored_cell_but_calibs_own_has_a_line_that_says_why(laptop: Result) -> None:
    shown = text_of(why_table(laptop), 160)
    for cell in laptop.cells:
        scored = bool(boundaries_of(cell)) and cell.cell.workload != CALIB
        assert (cell.cell.key in shown) == scored
    assert shown.count("-bound:") + shown.count("limited by neither:") == len(why_values(laptop, "device"))


@pytest.mark.parametrize("width", [100, 130])
def test_no_word_is_cut_in_a_narrow_window(laptop: Result, width: int) -> None:
    shown = text_of(why_table(laptop), width)
    assert max(map(len, shown.splitlines())) <= width
    words = Counter(word for one in why_values(laptop, "device") for word in [one["cell"], *one["sentence"].split()])
    assert not words - Counter(shown.replace("│", " ").split())


def test_without_calibration_one_line_says_what_to_run(synthetic: ModuleType) -> None:
    shown = why_table(result_of(synthetic, "desktop"))
    assert isinstance(shown, str)
    assert "a run of five minutes or more" in shown


def test_a_run_of_calibration_alone_is_not_told_to_calibrate(laptop: Result) -> None:
    own = tuple(cell for cell in laptop.cells if cell.cell.workload == CALIB)
    assert why_table(laptop.model_copy(update={"cells": own})) == ""


def test_calibration_is_written_in_the_symbols_of_its_units(laptop: Result) -> None:
    shown = text_of(summary_table(laptop), 160)
    for symbol in ("pJ/FLOP", "GFLOP/s", "GB/s", "J/launch"):
        assert symbol in shown


def test_show_as_json_holds_the_file_and_why_each_cell_costs_what_it_does(
    synthetic: ModuleType, tmp_path: Path
) -> None:
    (file,) = synthetic.write(tmp_path, 1)
    command = [sys.executable, "-m", "suite", "show", "--json", str(file)]
    shown: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=tmp_path).stdout)
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert {name: shown[name] for name in stored} == stored
    assert shown["why"]
    for one in shown["why"]:
        assert {"cell", "boundary", "mfu", "mbu", "bound", "floor_joules_per_unit", "excess", "sentence"} <= set(one)
    assert {one["boundary"] for one in shown["why"]} == {"device", "machine"}


def summary(median: float, half: float) -> Summary:
    return Summary(median=median, low=median - half, high=median + half, repeats=3, spread=None, parts=None)


def test_an_interval_wider_than_its_number_is_no_share_of_it() -> None:
    assert interval(summary(25e-3, 5e-3), "J/token") == "25 mJ/token ± 20 %"
    assert interval(summary(13e-6, 14e-3), "J/token") == "13 µJ/token ± 14 mJ/token"
    assert interval(summary(-13e-6, 14e-3), "J/token").endswith("± 14 mJ/token")


def test_a_result_without_cells_says_so_in_a_line(laptop: Result) -> None:
    shown = text_of(summary_table(laptop.model_copy(update={"cells": ()})), 100)
    assert shown.strip() == "No cell was finished, so there is no number yet."


def test_no_name_of_a_cell_is_broken_by_a_long_outcome(laptop: Result) -> None:
    first, *others = laptop.cells
    attempt = first.attempts[-1].model_copy(update={"outcome": "crash", "detail": "a long story " * 12})
    cells = (first.model_copy(update={"attempts": (attempt,), "outcome": "crash"}), *others)
    shown = text_of(summary_table(laptop.model_copy(update={"cells": cells})), 120)
    assert all(cell.cell.key in shown for cell in cells)
