"""A true result made false is refused by the rule that its lie breaks, and a plain lie by two."""

from __future__ import annotations

import random
import sys
from datetime import date
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from suite.check.document import Refused
from suite.check.single import check_data
from suite.record import Result, dumps

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 12, 1)

NAIVE = (
    "units off by 1000", "joules edited", "trace scaled", "every second sample dropped",
    "samples dropped around a window's end", "device swapped", "window shortened", "window stretched",
    "attempt doubled", "cell doubled", "a failed quality called good",
)  # fmt: skip


def load(name: str) -> ModuleType:
    spec = spec_from_file_location(f"{name}_for_corruptions", ROOT / "bench" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


CORRUPTIONS = load("corruptions")
FAMILIES = {family.name: family for family in CORRUPTIONS.FAMILIES}


@cache
def true(index: int) -> Result:
    result: Result = load("synthetic").result(index, 1)
    return result


def rules(result_file: bytes, severity: str | None) -> set[str]:
    try:
        findings = check_data(result_file, TODAY)[1]
    except Refused as refused:
        findings = refused.findings
    return {finding.rule for finding in findings if severity in (None, finding.severity)}


ORDER = (3, 1, 5, 8, 0, 4)
"""Places of synthetic machines: the first to which a family applies is taken."""


def corrupted(name: str, *, named_anew: bool = True) -> tuple[Result, bytes]:
    for index in ORDER:
        made = CORRUPTIONS.corrupted(true(index), FAMILIES[name], random.Random(name), named_anew=named_anew)
        if made is not None:
            return true(index), made
    raise LookupError(name)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_corrupted_result_is_refused_by_the_right_rule(name: str) -> None:
    result, made = corrupted(name)
    assert made != dumps(result)
    assert rules(made, "error") & FAMILIES[name].rules


@pytest.mark.parametrize("name", NAIVE)
def test_a_naive_cheat_is_told_by_two_rules_at_least(name: str) -> None:
    result, made = corrupted(name)
    assert len(rules(made, None) - rules(dumps(result), None)) >= 2


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if not family.careful])
def test_what_was_changed_under_its_name_is_told_beside_what_is_false_about_it(name: str) -> None:
    renamed, plain = corrupted(name)[1], corrupted(name, named_anew=False)[1]
    assert rules(plain, "error") == rules(renamed, "error") | {"id-not-content"}
    assert "id-not-content" not in rules(renamed, "error")


def test_a_careful_cheat_holds_together_and_is_caught_by_physics_alone() -> None:
    careful = [name for name, family in FAMILIES.items() if family.careful]
    assert careful
    for name in careful:
        assert not rules(corrupted(name)[1], "error") & CORRUPTIONS.JOULES
