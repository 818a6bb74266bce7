"""How good the measurement behind a number is, by its own file: a grade from A to D and what limits it. Pure.

The grade is that of the weakest aspect, as the level of a Green500 measurement is (EE HPC Working Group, "Energy
Efficient High Performance Computing Power Measurement Methodology"). Who vouches for the file is not asked here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from suite.normalise import Score, idle_powers_w, idle_reasons
from suite.reasons import REASONS
from suite.record import CellResult, Result
from suite.statistics import RANKED_REPEATS, Summary
from suite.units import percent

Letter = Literal["A", "B", "C", "D"]
_LETTERS: tuple[Letter, ...] = ("A", "B", "C", "D")
Limits = tuple[float, float, float]

WIDTHS: Limits = (0.05, 0.10, 0.20)
"""Half-widths of the interval, over the number, up to which it is A, B and C."""

SPREADS: Limits = (0.03, 0.05, 0.10)
"""Spreads of the repeats likewise."""

MANY_REPEATS = 5

APART = "methods_disagree"
UNSTATED = {
    "calibration_unknown": "a counter whose accuracy nobody states",
    "power_integrated": "power that was sampled and integrated",
}
UNCOVERED = {
    "dram_missing": "memory is not counted",
    "estimate": "an estimate of the processors alone",
    "module_scope": "the whole module is counted",
    "apple_rail_missing": "a rail is not counted",
}
DRIFT = "idle_drift"
ELSEWHERE = {APART, DRIFT, *UNCOVERED}
"""Codes that warn or invalidate and that other aspects than the conditions judge."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is judged: a cell with known joules within a boundary, and the codes on its row."""

    result: Result
    cell: CellResult
    score: Score
    energy: Summary
    codes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One thing that a number is judged by. `needs` says what each letter takes, `why` where its limits come from.

    `judge` gives the letter, and in a few words what it found.
    """

    name: str
    needs: Mapping[Letter, str]
    why: str
    judge: Callable[[Measured], tuple[Letter, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a number does in one aspect, and by what."""

    aspect: str
    letter: Letter
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """The lowest of the marks, which stand in the order of `ASPECTS`. `weakest` is the first so low; None for an A."""

    letter: Letter
    weakest: Mark | None
    marks: tuple[Mark, ...]


def grade(result: Result, cell: CellResult, score: Score) -> Grade | None:
    """The grade of one cell within the boundary of its score; None where its joules are unknown."""
    if score.joules_per_unit is None:
        return None
    codes = frozenset((*score.reasons, *idle_reasons(result, score.boundary)))
    measured = Measured(result, cell, score, score.joules_per_unit, codes)
    judged = ((one.name, *one.judge(measured)) for one in ASPECTS)
    return lowest(tuple(Mark(aspect=name, letter=letter, found=found) for name, letter, found in judged))


STEADINESS: Mapping[str, Letter] = {"repeats": "D", "conditions": "C", "idle": "C"}
"""The aspects that tell how steady the machine was, each with the letter from which on it was not."""


def unsteady(graded: Grade) -> tuple[Mark, ...]:
    """The marks that say that the machine was not steady: another run might well give another number."""
    return tuple(one for one in graded.marks if one.letter >= STEADINESS.get(one.aspect, "E"))


def lowest(marks: tuple[Mark, ...]) -> Grade:
    """The grade that these marks give; there has to be one."""
    worst = max(marks, key=lambda one: one.letter)
    return Grade(letter=worst.letter, weakest=None if worst.letter == "A" else worst, marks=marks)


def _by(value: float, limits: Limits) -> Letter:
    return _LETTERS[sum(value > limit for limit in limits)]


def _meter(one: Measured) -> tuple[Letter, str]:
    kind = one.score.meter_class
    if kind in ("estimated", "simulated"):
        return "D", kind
    if kind == "rails":
        return "C", "power rails"
    if APART in one.codes:
        return "C", "two methods that disagree"
    found = [words for code, words in UNSTATED.items() if code in one.codes]
    return ("B", found[0]) if found else ("A", "a counter of stated accuracy")


def _coverage(one: Measured) -> tuple[Letter, str]:
    found = [words for code, words in UNCOVERED.items() if code in one.codes]
    return ("C", found[0]) if found else ("A", f"all of the {one.score.boundary}")


def _interval(one: Measured) -> tuple[Letter, str]:
    width = one.energy.relative_width
    return _by(width, WIDTHS), f"half-width {percent(width)}" if math.isfinite(width) else "none"


def _repeats(one: Measured) -> tuple[Letter, str]:
    count, spread = one.energy.repeats, one.energy.spread
    if count < RANKED_REPEATS or spread is None:
        return "D", f"{count}, too few for a rank"
    most: Letter = "A" if count >= MANY_REPEATS else "B"
    return max(most, _by(spread, SPREADS)), f"{count}, spread {percent(spread)}"


def _conditions(one: Measured) -> tuple[Letter, str]:
    """A window that lost its joules is not in the number; what is merely flagged is."""
    others = sorted(one.codes - ELSEWHERE)
    flagged = [code for code in others if code in REASONS and REASONS[code].policy == "warn"]
    if flagged:
        return "C", ", ".join(code.replace("_", " ") for code in flagged)
    lost = [code for code in others if code in REASONS and REASONS[code].policy == "invalidate"]
    return ("B", f"windows left out: {', '.join(code.replace('_', ' ') for code in lost)}") if lost else ("A", "clean")


def _proof(one: Measured) -> tuple[Letter, str]:
    counted = [attempt for attempt in one.cell.attempts if attempt.outcome == "ok"]
    audited = sum(bool(attempt.audits) for attempt in counted)
    if audited == len(counted):
        return "A", "audited within its windows"
    return ("C", f"{audited} of {len(counted)} attempts audited") if audited else ("D", "no step was audited")


def _provenance(one: Measured) -> tuple[Letter, str]:
    software = one.result.software
    if software.commit is None or software.modified is None:
        return "C", "the suite's commit is unknown"
    if software.modified:
        return "C", "the suite had local changes"
    code = "" if software.code_sha256 is None else f", code {software.code_sha256[:12]}"
    return ("A", f"a whole run of a known commit{code}") if one.result.complete else ("B", "the run was interrupted")


def _idle(one: Measured) -> tuple[Letter, str]:
    known = len(idle_powers_w(one.result, one.score.boundary))
    if known < 2:
        return ("B", "known once") if known else ("C", "unknown")
    return ("C", "it changed in the course of the run") if DRIFT in one.codes else ("A", "the same before and after")


def _up_to(limits: Limits, words: str) -> dict[Letter, str]:
    return {letter: f"{words} up to {100 * limit:.0f} %" for letter, limit in zip(_LETTERS[:3], limits, strict=True)}


ASPECTS = (
    Aspect(
        name="meter",
        needs={
            "A": "energy counters, or a meter at the wall, of stated accuracy",
            "B": "a counter without a stated accuracy, or sampled power that was integrated",
            "C": "power rails by a profiler, or two methods that differ by over 5 %",
            "D": "an estimate, or a simulated machine",
        },
        why="The order of the classes. Published comparisons of chips' own meters with shunts differ by 3 to 6 %.",
        judge=_meter,
    ),
    Aspect(
        name="coverage",
        needs={
            "A": "all parts within the boundary are counted, and no others",
            "C": "memory or a rail is not counted, or the counter covers a whole module",
        },
        why="What is not counted is not in the interval either.",
        judge=_coverage,
    ),
    Aspect(
        name="interval",
        needs={**_up_to(WIDTHS, "half-width"), "D": "wider, or a single repeat, which has none"},
        why="A wider interval than 10 % could not tell whether a second run reproduces a number; half of that is good, "
        "twice of that is poor.",
        judge=_interval,
    ),
    Aspect(
        name="repeats",
        needs={
            "A": f"at least {MANY_REPEATS}, spread up to {100 * SPREADS[0]:.0f} %",
            "B": f"at least {RANKED_REPEATS}, spread up to {100 * SPREADS[1]:.0f} %",
            "C": f"at least {RANKED_REPEATS}, spread up to {100 * SPREADS[2]:.0f} %",
            "D": f"a greater spread, or fewer than {RANKED_REPEATS}, which are not ranked",
        },
        why="Three windows are the least that is ranked. The spread is the standard deviation over the mean; its "
        "limits are this project's own.",
        judge=_repeats,
    ),
    Aspect(
        name="conditions",
        needs={
            "A": "nothing disturbed the windows that count",
            "B": "some windows lost their joules and were left out",
            "C": "the row is flagged: something that bears on the joules is in the number",
        },
        why="The policies of the reason codes.",
        judge=_conditions,
    ),
    Aspect(
        name="proof",
        needs={
            "A": "every attempt has an audited step, and its quality lies in its band",
            "C": "some attempts have none",
            "D": "no step was audited",
        },
        why="Without the audit nothing shows that the steps within the windows were the work. Outside its band "
        "there is no row at all.",
        judge=_proof,
    ),
    Aspect(
        name="provenance",
        needs={
            "A": "the suite at a known commit without local changes, its plan finished",
            "B": "the run was interrupted",
            "C": "the commit is unknown, or the suite was changed",
        },
        why="Who wants to run it again needs the same programs.",
        judge=_provenance,
    ),
    Aspect(
        name="idle",
        needs={
            "A": "idle power known before and after, within 10 % of each other",
            "B": "known once",
            "C": "unknown, or changed by more than that",
        },
        why="The ranked joules are gross, so this bears on the net ones only: never a D.",
        judge=_idle,
    ),
)
"""What a number is judged by; of aspects that are equally weak the first one is named."""
