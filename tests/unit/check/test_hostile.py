"""What people who mean harm may submit is refused by the rule that names it, whatever it is, and costs nobody else."""

from __future__ import annotations

import json
import os
import random
from contextlib import suppress
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.check.document import Refused
from suite.check.single import check_data, check_file

ROOT = Path(__file__).resolve().parents[3]


def load(name: str) -> ModuleType:
    spec = spec_from_file_location(f"{name}_for_check", ROOT / "bench" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOSTILE, MUTATE, SEALING = load("hostile"), load("mutations"), load("sealing")
TODAY = date(2026, 12, 1)


def errors_of(path: Path) -> set[str]:
    checked = check_file(path)
    assert not checked.acceptable
    return {found.rule for found in checked.findings if found.severity == "error"}


def test_the_true_file_is_accepted_as_it_is(tmp_path: Path, true_file: bytes) -> None:
    (tmp_path / "a.json").write_bytes(true_file)
    assert check_file(tmp_path / "a.json").findings == ()


def test_there_are_as_many_hostile_files_as_were_promised() -> None:
    assert len(HOSTILE.CASES) + len(HOSTILE.ON_DISK) >= 150


@pytest.mark.parametrize("name", HOSTILE.CASES)
def test_a_hostile_file_is_refused_by_the_right_rule(tmp_path: Path, true_file: bytes, name: str) -> None:
    make, rule = HOSTILE.CASES[name]
    made = make(true_file)
    assert made != true_file
    (tmp_path / "a.json").write_bytes(made)
    assert rule in errors_of(tmp_path / "a.json")


@pytest.mark.parametrize("name", HOSTILE.ON_DISK)
def test_what_is_no_plain_file_of_its_own_name_is_never_opened(tmp_path: Path, true_file: bytes, name: str) -> None:
    place, rule = HOSTILE.ON_DISK[name]
    assert errors_of(place(tmp_path, true_file)) == {rule}


def test_a_file_that_may_not_be_read_is_said_to_be_one(tmp_path: Path, true_file: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(true_file)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert errors_of(path) == {"file-unreadable"}


@given(seed=st.integers(0, 10**9))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_a_mutated_result_makes_findings_and_no_traceback(true_file: bytes, seed: int) -> None:
    document = json.loads(true_file)
    mutated = MUTATE.mutated(document, random.Random(seed))
    with suppress(Refused):
        _, found = check_data(SEALING.packed(mutated), TODAY)
        assert "id-not-content" in {one.rule for one in found}
    with suppress(Refused):
        check_data(SEALING.packed(SEALING.resealed(mutated, document["id"])), TODAY)
