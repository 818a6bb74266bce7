"""Attempts as lines of CodeCarbon's emissions.csv."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from suite.interchange.codecarbon import COLUMNS, Line, lines
from suite.record import Result
from suite.trace import Boundary

H100 = 0
BOTH: tuple[Boundary, ...] = ("device", "machine")
HEADER = (
    "timestamp,project_name,run_id,experiment_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,"
    "cpu_energy,gpu_energy,ram_energy,energy_consumed,water_consumed,country_name,country_iso_code,region,"
    "cloud_provider,cloud_region,os,python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,"
    "longitude,latitude,ram_total_size,tracking_mode,cpu_utilization_percent,gpu_utilization_percent,"
    "ram_utilization_percent,ram_used_gb,on_cloud,pue,wue"
)
"""What CodeCarbon 3.3.2 writes first."""


@pytest.fixture(scope="module")
def board(synthetic: ModuleType) -> Result:
    """A result of a GPU whose host is counted too."""
    made: Result = synthetic.result(H100, 1)
    return made


@pytest.fixture(scope="module")
def estimated(synthetic: ModuleType) -> Result:
    """A result of a machine without a meter."""
    found: Iterator[Result] = (synthetic.result(index, 1) for index in range(10))
    return next(one for one in found if any(meter.method == "estimate" for meter in one.meters))


def number(line: Line, column: str) -> float:
    value = line.values[column]
    assert isinstance(value, float)
    return value


def test_the_columns_are_those_of_codecarbon_in_its_order(board: Result) -> None:
    assert ",".join(COLUMNS) == HEADER
    assert all(tuple(line.values) == COLUMNS for line in lines(board, "device", None))


def test_a_line_is_an_attempt_with_the_joules_and_seconds_of_its_windows(board: Result) -> None:
    found = {line.values["run_id"]: line for line in lines(board, "device", None)}
    count = 0
    for cell_number, cell in enumerate(board.cells, start=1):
        for attempt_number, attempt in enumerate(cell.attempts, start=1):
            energies = [energy for own in attempt.energies for energy in own if energy.boundary == "device"]
            known = [
                (window, energy.joules)
                for window, energy in zip(attempt.windows, energies, strict=True)
                if energy.joules is not None
            ]
            if attempt.outcome == "ok" and known:
                count += 1
                line = found[f"{board.id}-{cell_number}-{attempt_number}"]
                joules = sum(joules for _, joules in known)
                assert number(line, "energy_consumed") * 3.6e6 == pytest.approx(joules)
                assert number(line, "duration") == pytest.approx(sum(window.duration_s for window, _ in known))
    assert len(found) == count > 0


def test_energy_is_split_by_what_the_domains_say(board: Result) -> None:
    device, machine = (list(lines(board, boundary, None)) for boundary in BOTH)
    for line in device:
        assert line.values["gpu_energy"] == pytest.approx(line.values["energy_consumed"])
        assert (line.values["cpu_energy"], line.values["ram_energy"]) == (None, None)
    for line in machine:
        parts = [number(line, f"{part}_energy") for part in ("cpu", "gpu", "ram")]
        assert sum(parts) == pytest.approx(number(line, "energy_consumed"))
        assert number(line, "cpu_power") * number(line, "duration") == pytest.approx(parts[0] * 3.6e6)


def test_what_is_unknown_is_empty_and_never_nought(board: Result) -> None:
    for line in lines(board, "device", None):
        unknown = ("emissions", "emissions_rate", "water_consumed", "longitude", "on_cloud", "cpu_utilization_percent")
        assert [line.values[column] for column in unknown] == [None] * len(unknown)
        assert 0 not in line.values.values()


def test_emissions_are_of_the_grid_that_is_given(board: Result) -> None:
    for line in lines(board, "device", 500.0):
        assert number(line, "emissions") == pytest.approx(number(line, "energy_consumed") * 0.5)
        assert number(line, "emissions_rate") * number(line, "duration") == pytest.approx(number(line, "emissions"))


def test_a_grid_without_emissions_is_nought_and_not_unknown(board: Result) -> None:
    assert {line.values["emissions"] for line in lines(board, "device", 0.0)} == {0.0}


def test_class_and_boundary_are_told_in_words_that_codecarbon_does_not_use(board: Result) -> None:
    modes = {line.values["tracking_mode"] for way in BOTH for line in lines(board, way, None)}
    assert modes == {"device:measured", "machine:measured"}
    assert not modes & {"machine", "process"}


def test_an_estimate_is_never_told_without_its_range(estimated: Result) -> None:
    found = [line for line in lines(estimated, "device", None) if line.meter_class == "estimated"]
    assert found
    for line in found:
        project = str(line.values["project_name"])
        low, _, high, *_ = project.partition("estimated, ")[2].split()
        assert float(low) < number(line, "energy_consumed") < float(high), project
        assert line.values["tracking_mode"] == "device:estimated"


def test_an_attempt_that_did_not_go_well_has_no_line(board: Result) -> None:
    before = list(lines(board, "device", None))
    number = int(str(before[0].values["run_id"]).split("-")[1])
    cell = board.cells[number - 1]
    failed = tuple(attempt.model_copy(update={"outcome": "quality"}) for attempt in cell.attempts)
    cells = (*board.cells[: number - 1], cell.model_copy(update={"attempts": failed}), *board.cells[number:])
    after = list(lines(board.model_copy(update={"cells": cells}), "device", None))
    assert after == [line for line in before if not str(line.values["run_id"]).startswith(f"{board.id}-{number}-")]
    assert len(after) < len(before)


def test_a_boundary_that_nothing_counted_has_no_lines(board: Result) -> None:
    assert not list(lines(board, "wall", None))
