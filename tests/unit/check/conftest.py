"""True files, and the tables of false ones that the scripts in bench/ hold."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from suite.identity import sealed
from suite.record import Result, dumps

H100 = 0
"""Its place among the synthetic machines."""


@pytest.fixture(scope="session")
def true_result(synthetic: ModuleType) -> Result:
    """A result of a board with counters and calibration, which breaks no rule, with two models of its cells."""
    result: Any = synthetic.result(H100, 1)
    models = [one for one in result.cells if one.cell.workload != "calib" and len(one.attempts) == 1]
    calib = [one for one in result.cells if one.cell.workload == "calib"]
    kept = [one for one in models if one.outcome == "ok"][:2] + calib
    return sealed(result.model_copy(update={"cells": tuple(kept)}))


@pytest.fixture(scope="session")
def true_file(true_result: Result) -> bytes:
    return dumps(true_result)
