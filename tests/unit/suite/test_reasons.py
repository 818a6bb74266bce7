"""Whatever code a backend, a meter or the accounting gives, a person can have it explained."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import backends
import suite
from suite.conditions import _RULES
from suite.reasons import POLICIES, REASONS, markdown

ROOT = Path(__file__).resolve().parents[3]
EXPLAINED_IN = Path(str(suite.__file__)).parent / "reasons"

# How a code is given: by keyword, among reasons, by a helper that adds one, or at the end of a rule of its own.
GIVING = re.compile(
    r"(?:code=|reasons=\(|_because\(\w+, |_unknown\(\w+, |_event\(|return \(|codes\.append\(\(|codes\.add\(|yield |"
    r'reason = |"compute_processes", )"([a-z0-9_]+)"'
)


def given_in(source: str) -> set[str]:
    return set(GIVING.findall(source))


SOURCES = [path for package in (backends, suite) for path in Path(str(package.__file__)).parent.rglob("*.py")]
GIVEN = {code for _, code, _ in _RULES}.union(
    *(given_in(path.read_text(encoding="utf-8")) for path in SOURCES if not path.is_relative_to(EXPLAINED_IN))
)


def test_the_codes_are_found() -> None:
    from_meters, from_windows = {"rapl_absent", "tpu_no_meter"}, {"no_meter", "window_short", "trace_gap"}
    from_events, from_tables = {"meter_lost", "counter_fell", "counter_stuck"}, {"suspended", "hw_slowdown"}
    assert from_meters | from_windows | from_events | from_tables | {"foreign_compute", "cpu_stolen"} <= GIVEN


def test_a_code_that_nobody_explains_would_be_found() -> None:
    assert given_in('Missing(code="new_code", reason="x")') == {"new_code"}
    assert given_in('yield self._event("new_code", 1, 2, "x")') == {"new_code"}
    assert "new_code" not in REASONS


@pytest.mark.parametrize("code", sorted(GIVEN))
def test_every_code_given_has_a_cause_a_cure_and_a_policy(code: str) -> None:
    assert REASONS[code].cause.endswith((".", ")"))
    assert REASONS[code].cure
    assert REASONS[code].policy in POLICIES


def test_every_explained_code_is_given_somewhere() -> None:
    assert set(REASONS) - GIVEN == set()


def test_every_code_is_explained_once() -> None:
    listed = re.findall(r'code="([a-z0-9_]+)"', "".join(path.read_text() for path in EXPLAINED_IN.glob("*.py")))
    assert sorted(listed) == sorted(REASONS)


def test_the_published_table_is_current() -> None:
    published = (ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")
    assert published == markdown(), "run: python -m suite explain --markdown > docs/reasons.md"


def test_the_command_prints_the_table_and_explains_a_code() -> None:
    def explain(*arguments: str) -> str:
        command = [sys.executable, "-m", "suite", "explain", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    assert explain("--markdown") == markdown()
    assert REASONS["suspended"].cause in explain("suspended")


def test_every_row_of_the_table_has_four_cells() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]
    assert len(rows) == len(REASONS)
    assert all(len(re.split(r"(?<!\\)\|", row)) == 6 for row in rows)
