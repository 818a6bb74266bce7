"""Names beside marks: inside the drawing, over no mark and no other name, each thing named once."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from suite.leaderboard import build
from suite.leaderboard.drawing.labels import LETTER, LINE, LONGEST, Field, Label, labels
from suite.leaderboard.drawing.pareto import finder
from suite.leaderboard.ranking.boards import boards_of
from suite.leaderboard.ranking.frame import Row

FIELD = Field(84.0, 32.0, 850.0, 350.0)
MakeRow = Callable[..., Row]


def box(label: Label) -> tuple[float, float, float, float]:
    width = LETTER * len(label.text)
    left = label.x if label.anchor == "start" else label.x - width
    return left, label.y - LINE + 3, left + width, label.y + 3


def meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@settings(max_examples=200, deadline=None)
@given(some.lists(some.tuples(some.floats(84, 850), some.floats(32, 350)), min_size=1, max_size=25))
def test_no_name_leaves_the_drawing_or_lies_over_another_or_a_mark(marks: list[tuple[float, float]]) -> None:
    found = labels({number: f"System number {number}" for number in range(len(marks))}, marks, FIELD)
    boxes = [box(label) for label in found.values()]
    assert all(one[0] >= 84 and one[2] <= 850 and one[1] >= 32 and one[3] <= 350 for one in boxes)
    assert not any(meet(one, other) for one, other in combinations(boxes, 2))
    assert not any(meet(one, (x - 3, y - 3, x + 3, y + 3)) for one in boxes for x, y in marks)


def test_where_there_is_room_each_has_its_name_and_a_long_one_is_cut() -> None:
    found = labels({0: "One", 1: "x" * 50}, [(200.0, 100.0), (840.0, 200.0)], FIELD)
    assert (found[0].anchor, found[1].anchor) == ("start", "end")
    assert found[0].text == "One"
    assert found[1].text == "x" * (LONGEST - 1) + "…"


def test_who_is_asked_for_first_takes_the_place() -> None:
    marks = [(400.0 + 12 * (number % 4), 100.0 + 13 * (number // 4)) for number in range(16)]
    order = {number: f"a long enough name {number}" for number in (15, *range(15))}
    found = labels(order, marks, FIELD)
    assert 15 in found
    assert len(found) < len(order)


def test_a_system_is_named_once_and_on_the_frontier(make_row: MakeRow) -> None:
    rows = [
        make_row(
            system_name=name,
            joules_per_unit=joules,
            joules_low=0.9 * joules,
            joules_high=1.1 * joules,
            units_per_s=rate,
            result=result,
        )
        for name, joules, rate, result in (("One", 3.0, 50.0, "a"), ("One", 1.0, 100.0, "b"), ("Two", 9.0, 10.0, "c"))
    ]
    (board,) = boards_of(rows)
    made = finder(board, rows)
    assert made is not None
    named = {point.row.result: point.label.text for point in made.points if point.label}
    assert named == {"b": "One", "c": "Two"}


@pytest.mark.parametrize("page", ["pareto.html", "results/*.html"])
def test_drawings_name_their_marks(results: Path, site: Path, tmp_path: Path, page: str) -> None:
    build(results, site, tmp_path / "out")
    drawn = [one.read_text(encoding="utf-8") for one in (tmp_path / "out").glob(page)]
    names = [name for one in drawn for name in re.findall(r'<text class="label"[^>]*>([^<]+)</text></g>', one)]
    assert any(name.startswith("Example" if page == "pareto.html" else "gpt ") for name in names)
