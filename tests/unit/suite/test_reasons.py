"""Whatever code a backend or the accounting gives, a person can have it explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import backends
import suite
from suite.reasons import REASONS

GIVEN = {
    code
    for package in (backends, suite)
    for path in Path(str(package.__file__)).parent.rglob("*.py")
    for code in re.findall(r'(?:code=|reasons=\(|_because\(\w+, )"([a-z_]+)"', path.read_text(encoding="utf-8"))
}


def test_the_codes_are_found() -> None:
    assert {"no_meter", "window_short", "rapl_absent", "tpu_no_meter"} <= GIVEN


@pytest.mark.parametrize("code", sorted(GIVEN))
def test_every_code_given_has_a_cause_and_a_cure(code: str) -> None:
    assert REASONS[code].cause
    assert REASONS[code].cure


def test_every_explained_code_is_given_somewhere() -> None:
    assert set(REASONS) == GIVEN
