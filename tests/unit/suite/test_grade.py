"""A grade is that of the weakest aspect, and says which one that is."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.grade import ASPECTS, Letter, Mark, grade, lowest, unsteady
from suite.normalise import Score, score
from suite.reasons import REASONS
from suite.record import CellResult, Result
from suite.report import summary_table, unsteady_lines

CLEAN: Any = {"reasons": (), "meter_class": "measured"}


@pytest.fixture(scope="module")
def found(synthetic: ModuleType) -> tuple[Result, CellResult, Score]:
    """A whole result of a laptop, one of its cells, and a score without a flaw."""
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if "laptop" in machine.name)
    result: Result = synthetic.result(index, 1)
    cell = next(one for one in result.cells if one.outcome == "ok" and len(one.attempts) == 1)
    scored = score(cell, "device")
    assert scored is not None
    assert scored.joules_per_unit is not None
    energy = replace(scored.joules_per_unit, median=1.0, low=0.99, high=1.01, repeats=5, spread=0.01)
    return result.model_copy(update={"complete": True}), cell, replace(scored, joules_per_unit=energy, **CLEAN)


def marks(result: Result, cell: CellResult, scored: Score) -> dict[str, Letter]:
    graded = grade(result, cell, scored)
    assert graded is not None
    return {one.aspect: one.letter for one in graded.marks}


def with_score(
    found: tuple[Result, CellResult, Score], energy: dict[str, Any] | None = None, **changes: Any
) -> tuple[Result, CellResult, Score]:
    result, cell, scored = found
    summary = replace(scored.joules_per_unit, **(energy or {}))  # type: ignore[type-var]
    return result, cell, replace(scored, joules_per_unit=summary, **changes)


def test_a_number_without_a_flaw_is_an_a_that_nothing_limits(found: tuple[Result, CellResult, Score]) -> None:
    graded = grade(*found)
    assert graded is not None
    assert (graded.letter, graded.weakest) == ("A", None)
    assert [one.aspect for one in graded.marks] == [one.name for one in ASPECTS]


def test_unknown_joules_have_no_grade(found: tuple[Result, CellResult, Score]) -> None:
    result, cell, scored = found
    assert grade(result, cell, replace(scored, joules_per_unit=None)) is None


def half(width: float) -> dict[str, Any]:
    return {"low": 1.0 - width, "high": 1.0 + width}


SCORES: list[tuple[str, Letter, dict[str, Any]]] = [
    ("meter", "A", {}),
    ("meter", "B", {"reasons": ("calibration_unknown",)}),
    ("meter", "B", {"reasons": ("power_integrated",)}),
    ("meter", "C", {"reasons": ("methods_disagree", "power_integrated")}),
    ("meter", "C", {"meter_class": "rails"}),
    ("meter", "D", {"meter_class": "estimated", "reasons": ("estimate",)}),
    ("meter", "D", {"meter_class": "simulated"}),
    ("coverage", "A", {"reasons": ("foreign_cpu",)}),
    ("coverage", "C", {"reasons": ("dram_missing",)}),
    ("coverage", "C", {"reasons": ("module_scope",)}),
    ("interval", "A", {"energy": half(0.0499)}),
    ("interval", "B", {"energy": half(0.0501)}),
    ("interval", "B", {"energy": half(0.0999)}),
    ("interval", "C", {"energy": half(0.1001)}),
    ("interval", "D", {"energy": half(0.2001)}),
    ("interval", "D", {"energy": {"low": None, "high": None}}),
    ("interval", "D", {"energy": {"median": 0.0}}),
    ("repeats", "A", {"energy": {"repeats": 5, "spread": 0.03}}),
    ("repeats", "B", {"energy": {"repeats": 4, "spread": 0.0}}),
    ("repeats", "B", {"energy": {"repeats": 9, "spread": 0.05}}),
    ("repeats", "C", {"energy": {"repeats": 3, "spread": 0.051}}),
    ("repeats", "D", {"energy": {"repeats": 9, "spread": 0.11}}),
    ("repeats", "D", {"energy": {"repeats": 2, "spread": 0.0}}),
    ("repeats", "D", {"energy": {"repeats": 1, "spread": None}}),
    ("conditions", "A", {"reasons": ("calibration_unknown", "sw_power_cap", "idle_drift", "dram_missing", "estimate")}),
    ("conditions", "A", {"reasons": ("a_code_of_a_later_suite",)}),
    ("conditions", "B", {"reasons": ("trace_gap",)}),
    ("conditions", "C", {"reasons": ("trace_gap", "foreign_cpu")}),
    ("idle", "A", {}),
    ("idle", "C", {"reasons": ("idle_drift",)}),
]


@pytest.mark.parametrize(("aspect", "letter", "change"), SCORES)
def test_an_aspect_of_the_number_has_the_letter_of_its_table(
    found: tuple[Result, CellResult, Score], aspect: str, letter: Letter, change: dict[str, Any]
) -> None:
    assert marks(*with_score(found, **change))[aspect] == letter


SOFTWARE: list[tuple[Letter, dict[str, Any]]] = [
    ("A", {}),
    ("C", {"commit": None, "modified": None}),
    ("C", {"modified": None}),
    ("C", {"modified": True}),
]


@pytest.mark.parametrize(("letter", "change"), SOFTWARE)
def test_a_run_of_a_suite_that_nobody_can_look_up_is_a_c(
    found: tuple[Result, CellResult, Score], letter: Letter, change: dict[str, Any]
) -> None:
    result, cell, scored = found
    other = result.model_copy(update={"software": result.software.model_copy(update=change)})
    assert marks(other, cell, scored)["provenance"] == letter
    cut = other.model_copy(update={"complete": False})
    assert marks(cut, cell, scored)["provenance"] == max(letter, "B")


def test_the_aspect_of_provenance_names_the_code_where_the_file_does(found: tuple[Result, CellResult, Score]) -> None:
    result, cell, scored = found
    named = result.software.model_copy(update={"code_sha256": "0123456789abcdef" * 4})
    graded = [grade(one, cell, scored) for one in (result, result.model_copy(update={"software": named}))]
    told = [mark.found for one in graded if one for mark in one.marks if mark.aspect == "provenance"]
    assert told == ["a whole run of a known commit", "a whole run of a known commit, code 0123456789ab"]


def test_idle_power_that_is_known_once_is_a_b_and_never_known_a_c(found: tuple[Result, CellResult, Score]) -> None:
    result, cell, scored = found
    for count, letter in ((2, "A"), (1, "B"), (0, "C")):
        kept = result.model_copy(update={"idle": result.idle[:count]})
        assert marks(kept, cell, scored)["idle"] == letter


def test_proof_that_some_attempts_lack_is_a_c_and_that_all_lack_a_d(found: tuple[Result, CellResult, Score]) -> None:
    result, cell, scored = found
    (one,) = cell.attempts
    bare = one.model_copy(update={"audits": ()})
    failed = bare.model_copy(update={"outcome": "oom"})
    for attempts, letter in (((one, failed), "A"), ((one, bare), "C"), ((bare,), "D")):
        assert marks(result, cell.model_copy(update={"attempts": attempts}), scored)["proof"] == letter


def test_the_table_for_readers_has_the_letters_that_are_given_and_no_others() -> None:
    given_letters = {(aspect, letter) for aspect, letter, _ in SCORES}
    given_letters |= {("provenance", "A"), ("provenance", "B"), ("provenance", "C"), ("idle", "B")}
    given_letters |= {("proof", "A"), ("proof", "C"), ("proof", "D")}
    assert given_letters == {(one.name, letter) for one in ASPECTS for letter in one.needs}
    assert all(one.why for one in ASPECTS)


def test_every_code_that_warns_or_invalidates_lowers_some_aspect(found: tuple[Result, CellResult, Score]) -> None:
    judged = {code for code, one in REASONS.items() if one.policy != "record" and code != "estimate"}
    for code in judged:
        graded = grade(*with_score(found, reasons=(code,)))
        assert graded is not None
        assert graded.letter != "A", code


@given(st.lists(st.sampled_from("ABCD"), min_size=1, max_size=9))
def test_the_weakest_aspect_decides_and_the_first_of_equals_is_named(letters: list[Letter]) -> None:
    given_marks = tuple(Mark(aspect=str(n), letter=letter, found="") for n, letter in enumerate(letters))
    graded = lowest(given_marks)
    assert graded.letter == sorted(letters)[-1]
    if graded.letter == "A":
        assert graded.weakest is None
    else:
        assert graded.weakest == given_marks[letters.index(graded.letter)]


def test_the_summary_of_a_run_says_each_grade_and_what_limits_it(found: tuple[Result, CellResult, Score]) -> None:
    result, cell, _ = found
    empty = cell.attempts[0].model_copy(update={"windows": (), "energies": ()})
    failed = cell.model_copy(update={"attempts": (empty,)})
    for complete, told in ((True, "A"), (False, "B provenance")):
        table = summary_table(result.model_copy(update={"cells": (cell, failed), "complete": complete}))
        (column,) = [one for one in table.columns if one.header == "grade"]
        assert list(column.cells) == [told, "—"]


def test_what_was_found_is_told_in_words(found: tuple[Result, CellResult, Score]) -> None:
    single = {"low": None, "high": None, "repeats": 1, "spread": None}
    graded = grade(*with_score(found, single, reasons=("trace_gap",)))
    assert graded is not None
    told = {one.aspect: one.found for one in graded.marks}
    assert told["interval"] == "none"
    assert told["conditions"] == "windows left out: trace gap"
    assert told["repeats"] == "1, too few for a rank"


@pytest.mark.parametrize(
    ("energy", "changes", "aspects"),
    [
        ({}, {}, []),
        ({"spread": 0.12}, {}, ["repeats"]),
        ({"repeats": 2}, {}, ["repeats"]),
        ({"low": 0.5, "high": 1.5}, {"meter_class": "estimated"}, []),
        ({}, {"reasons": ("foreign_cpu",)}, ["conditions"]),
    ],
)
def test_unsteady_is_what_another_run_might_not_repeat_not_what_the_meter_cannot_tell(
    found: tuple[Result, CellResult, Score], energy: dict[str, Any], changes: dict[str, Any], aspects: list[str]
) -> None:
    graded = grade(*with_score(found, energy, **changes))
    assert graded is not None
    assert [one.aspect for one in unsteady(graded)] == aspects


def test_each_unsteady_cell_has_a_line_that_names_it_and_says_why(synthetic: ModuleType) -> None:
    result: Result = synthetic.result(0, 1)
    cell = next(one for one in result.cells if one.outcome == "ok")
    attempt = cell.attempts[-1]
    few = attempt.model_copy(update={"windows": attempt.windows[:2], "energies": attempt.energies[:2]})
    one = result.model_copy(update={"cells": (cell.model_copy(update={"attempts": (few,)}),)})
    (line,) = unsteady_lines(one)
    assert line.startswith(f"{cell.cell.key}: ")
    assert "repeats: 2, too few for a rank" in line
