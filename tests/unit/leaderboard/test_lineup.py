"""One row of each system, ranked among these; and machines side by side on the front page."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import workloads
from suite.leaderboard import build
from suite.leaderboard.content import Entry, Failure
from suite.leaderboard.pages.lineup import COLUMNS, SYSTEMS, lineup
from suite.leaderboard.pages.varied import OF_ONE_WORKLOAD
from suite.leaderboard.ranking.boards import Board, boards_of, in_order
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.leaders import leaders
from suite.leaderboard.ranking.versions import newest
from suite.record import Cell, Outcome, Software, System
from suite.roofline import CALIB

MakeRow = Callable[..., Row]

VERSION = workloads.specs("gpt")["train"].version  # of the rows that `make_row` makes


def at(make_row: MakeRow, joules: float, **changes: object) -> Row:
    return make_row(joules_per_unit=joules, joules_low=0.95 * joules, joules_high=1.05 * joules, **changes)


def many(make_row: MakeRow, works: Sequence[str], systems: Sequence[str]) -> tuple[Board, ...]:
    rows = [
        at(make_row, 1.0 + index, workload=work, system=system, system_name=system.title(), result=f"{work}{system}")
        for work in works
        for index, system in enumerate(systems)
    ]
    return boards_of(rows)


def test_each_system_leads_with_its_best_row_and_is_ranked_among_these(make_row: MakeRow) -> None:
    batches = (8, 16, 32)
    rows = [
        at(make_row, 1 + 0.5 * index, system="ab"[index // 3], batch=batches[index % 3], result=str(index))
        for index in range(6)
    ]
    (board,) = boards_of(rows)
    assert [(one.row.result, one.band) for one in leaders(board)] == [("0", (1, 1)), ("3", (2, 2))]
    assert board.placed[3].band == (4, 4)


def test_a_system_that_is_submitted_often_does_not_lead_by_its_luckiest_run(make_row: MakeRow) -> None:
    often = [at(make_row, joules, result=f"{joules}", date=f"2026-11-0{day}") for day, joules in ((1, 1.0), (2, 1.4))]
    (board,) = boards_of([*often, at(make_row, 1.2, system="other", result="once")])
    assert [one.row.result for one in leaders(board)] == ["once", "1.4"]


def test_a_row_without_a_rank_never_stands_for_a_system_that_has_one(make_row: MakeRow) -> None:
    rows = [at(make_row, 1.0, repeats=2, result="few"), at(make_row, 2.0, result="enough")]
    (board,) = boards_of(rows)
    assert [(one.row.result, one.band) for one in leaders(board)] == [("enough", (1, 1))]
    (alone,) = boards_of(rows[:1])
    assert [one.band for one in leaders(alone)] == [None]


def test_side_by_side_stand_boards_of_one_kind_and_of_many_models(make_row: MakeRow) -> None:
    made = many(make_row, "abcdefgh", ("one", "two"))
    others = [
        at(make_row, 1.0, workload="i", **{name: value}, system=system)
        for name, value in (("meter_class", "estimated"), ("boundary", "machine"), ("size", "m"))
        for system in ("one", "two", "three")
    ]
    modes = [at(make_row, 1.0, workload="a", mode=f"{index}", system=each) for index in range(4) for each in "xyz"]
    found = lineup([*made, *boards_of([*others, *modes, at(make_row, 1.0, workload=CALIB)])], made[0], ())
    assert found is not None
    titles = [table.board.workload for table in found.tables]
    assert titles == ["a"] * OF_ONE_WORKLOAD + ["b", "c", "d", "e"][: COLUMNS - OF_ONE_WORKLOAD]


def test_a_machine_that_did_not_run_a_piece_of_work_has_a_gap_there(make_row: MakeRow) -> None:
    made = boards_of([*_rows(many(make_row, "a", ("one", "two"))), *_rows(many(make_row, "b", ("two", "three")))])
    found = lineup(made, made[0], ())
    assert found is not None
    gaps = {side.name: [line is None for line in side.lines] for side in found.sides}
    assert gaps == {"One": [False, True], "Two": [False, False], "Three": [True, False]}


def test_a_gap_says_why_it_is_there(make_row: MakeRow) -> None:
    alone = ("failed", "older", "guessed", "idle", "walled")
    rows = _rows(many(make_row, "ab", ("one", "two")))
    rows += [at(make_row, 5.0, workload="a", system=name, result=f"a{name}") for name in alone]
    rows += [at(make_row, 5.0, workload="b", system=name, result=f"b{name}", **changes) for name, changes in (
        ("guessed", {"meter_class": "estimated"}), ("walled", {"boundary": "wall"}), ("older", {"version": 1}),
        ("failed", {"version": 1}),
    )]  # fmt: skip
    made = boards_of(in_order(rows))
    (headline,) = [board for board in made if board.workload == "a"]
    found = lineup(newest(made), headline, [failure("failed", "b", "deadline")], made)
    assert found is not None
    told = {side.slug: [gap and (gap.words, gap.path) for gap in side.gaps] for side in found.sides}
    assert told["one"] == [None, None]
    paths = {(board.version, board.meter_class, board.boundary): board.path for board in made if board.workload == "b"}
    assert {name: told[name][1] for name in alone} == {
        "failed": ("failed: out of time", "results/abc/3.html"),
        "older": ("older version only", paths[1, "measured", "device"]),
        "guessed": ("estimated only", paths[VERSION, "estimated", "device"]),
        "walled": ("wall boundary only", paths[VERSION, "measured", "wall"]),
        "idle": ("not run", None),
    }


def failure(system: str, workload: str, outcome: Outcome) -> tuple[Entry, Failure]:
    machine = System.model_construct(slug=system)
    entry = Entry(id="abc", date="2026-01-01", system=machine, software=Software.model_construct(), backend="cuda",
                  complete=True, cells=3, failures=(), raw_path="")  # fmt: skip
    cell = Cell.model_construct(workload=workload, mode="train", size="s", version=VERSION)
    return entry, Failure(number=3, cell=cell, outcome=outcome, detail=None)


def _rows(boards: Sequence[Board]) -> list[Row]:
    return [placed.row for board in boards for placed in board.placed]


def test_one_machine_alone_stands_beside_nobody_and_too_many_are_counted(make_row: MakeRow) -> None:
    (alone,) = many(make_row, "a", ("one",))
    assert lineup([alone], alone, ()) is None
    assert lineup([], None, ()) is None
    (crowd,) = many(make_row, "a", [f"s{number:02}" for number in range(SYSTEMS + 3)])
    found = lineup([crowd], crowd, ())
    assert found is not None
    assert (len(found.sides), found.hidden) == (SYSTEMS, 3)


@pytest.fixture(scope="module")
def index(results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("lineup") / "out"
    build(results, site, folder)
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_front_page_names_each_system_once_in_its_first_table(index: str) -> None:
    body = index.partition("<tbody>")[2].partition("</tbody>")[0]
    systems = re.findall(r'<th scope="row" class="system">.*?<bdi>(.*?)</bdi>', body)
    assert len(systems) == len(set(systems)) >= 5
    assert "The best row of each system, ranked among these." in index


def test_the_front_page_says_why_each_row_costs_what_it_does(index: str) -> None:
    body = index.partition("<tbody>")[2].partition("</tbody>")[0]
    assert len(re.findall(r'title="[^"]*its energy floor[^"]*">[0-9.]+x<span class="sub">', body)) >= 4


def test_the_front_page_sets_machines_side_by_side(index: str) -> None:
    table = index.partition('<table class="lineup">')[2].partition("</table>")[0]
    assert len(re.findall(r'<th scope="col" class="num"><a href="boards/', table)) >= 4
    assert re.search(r'<td class="num first"><a class="plain" href="results/\w+/\d+\.html">[0-9.,]+</a>', table)
    assert "bert" not in table  # which no machine here ran
