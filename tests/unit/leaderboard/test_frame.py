"""What of a result becomes a row."""

from __future__ import annotations

from types import ModuleType

import pytest

from suite.leaderboard.ranking.frame import rows_of


def named(synthetic: ModuleType, word: str) -> int:
    return next(index for index, machine in enumerate(synthetic.MACHINES) if word in machine.name)


def test_a_cell_that_failed_has_no_row(synthetic: ModuleType) -> None:
    result = synthetic.result(named(synthetic, "A100"), 1)
    failed = {number for number, cell in enumerate(result.cells, 1) if cell.outcome != "ok"}
    rows = list(rows_of(result))
    assert failed
    assert {row.cell for row in rows} == set(range(1, len(result.cells) + 1)) - failed


def test_a_cell_has_a_row_for_each_boundary_its_meters_speak_for(synthetic: ModuleType) -> None:
    rows = list(rows_of(synthetic.result(named(synthetic, "H100"), 1)))
    device = {row.cell: row.joules_per_unit for row in rows if row.boundary == "device"}
    machine = {row.cell: row.joules_per_unit for row in rows if row.boundary == "machine"}
    assert device.keys() == machine.keys()
    pairs = [(joules, machine[cell]) for cell, joules in device.items()]
    known = [(less, more) for less, more in pairs if less is not None and more is not None]
    assert known
    assert all(more > less for less, more in known)


def test_a_machine_without_a_meter_has_speed_and_unknown_joules(synthetic: ModuleType) -> None:
    for row in rows_of(synthetic.result(named(synthetic, "TPU"), 1)):
        assert row.meter_class == "none"
        assert row.joules_per_unit is None
        assert row.mean_power_w is None
        assert row.joules_per_flop is None
        assert row.units_per_s > 0
        assert "no_meter" in row.reasons


def test_joules_are_watts_over_units_per_second(synthetic: ModuleType) -> None:
    rows = list(rows_of(synthetic.result(named(synthetic, "Xeon"), 1)))
    assert rows
    for row in rows:
        assert row.joules_per_unit is not None
        assert row.joules_per_unit * row.units_per_s == pytest.approx(row.mean_power_w, rel=0.02)
