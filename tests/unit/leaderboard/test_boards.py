"""Who is compared with whom, and in which order."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from suite.check.single import check_file
from suite.folders import result_files
from suite.leaderboard.ranking.boards import Board, band_text, boards_of, in_order
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.record import Result

MakeRow = Callable[..., Row]


def board_of(*rows: Row) -> Board:
    (made,) = boards_of(in_order(rows))
    return made


def energy(make_row: MakeRow, result: str, middle: float, half: float, **changes: object) -> Row:
    return make_row(
        result=result, joules_per_unit=middle, joules_low=middle - half, joules_high=middle + half, **changes
    )


def bands(board: Board) -> dict[str, str | None]:
    return {placed.row.result: band_text(placed.band) for placed in board.placed}


def test_rows_that_can_be_told_apart_have_ranks_of_their_own(make_row: MakeRow) -> None:
    board = board_of(energy(make_row, "b", 2.0, 0.1), energy(make_row, "a", 1.0, 0.1), energy(make_row, "c", 3.0, 0.1))
    assert bands(board) == {"a": "1", "b": "2", "c": "3"}


def test_rows_whose_intervals_overlap_share_ranks(make_row: MakeRow) -> None:
    board = board_of(energy(make_row, "a", 1.0, 0.1), energy(make_row, "b", 2.0, 0.6), energy(make_row, "c", 2.5, 0.2))
    assert bands(board) == {"a": "1", "b": "2–3", "c": "2–3"}


def test_a_row_with_fewer_than_three_repeats_is_listed_below_without_a_rank(make_row: MakeRow) -> None:
    board = board_of(energy(make_row, "few", 0.5, 0.1, repeats=2), energy(make_row, "enough", 1.0, 0.1))
    assert bands(board) == {"enough": "1", "few": None}
    assert [placed.row.result for placed in board.placed] == ["enough", "few"]


def test_a_row_without_joules_stands_last(make_row: MakeRow) -> None:
    unknown = make_row(result="unknown", joules_per_unit=None, joules_low=None, joules_high=None)
    board = board_of(unknown, energy(make_row, "few", 9.0, 0.1, repeats=2), energy(make_row, "known", 8.0, 0.1))
    assert [placed.row.result for placed in board.placed] == ["known", "few", "unknown"]
    assert board.ranked == 1


@pytest.mark.parametrize("meter_class", ["estimated", "simulated"])
def test_joules_that_no_hardware_gave_are_never_ranked(make_row: MakeRow, meter_class: str) -> None:
    board = board_of(energy(make_row, "a", 1.0, 0.1, meter_class=meter_class, repeats=9))
    assert board.ranked == 0
    assert not board.may_rank


def test_no_board_mixes_class_boundary_version_or_unit(make_row: MakeRow) -> None:
    rows = [
        make_row(meter_class=meter_class, boundary=boundary, version=version, unit=unit, size=size)
        for meter_class, boundary, version, unit, size in product(
            ["measured", "rails", "estimated", "simulated", "none"],
            ["device", "machine", "wall"],
            [1, 2],
            ["token", "image"],
            ["s", "m"],
        )
    ]
    made = boards_of(in_order(rows))
    assert len(made) == len(rows)
    assert len({board.path for board in made}) == len(rows)


def test_boards_of_real_files_hold_one_kind_of_row_each(results: Path) -> None:
    rows = [row for path in result_files(results) for row in rows_of(_result(path))]
    for board in boards_of(in_order(rows)):
        kinds = {(one.row.meter_class, one.row.boundary, one.row.version, one.row.unit) for one in board.placed}
        assert kinds == {(board.meter_class, board.boundary, board.version, board.unit)}


def _result(path: Path) -> Result:
    checked = check_file(path)
    assert checked.result is not None, checked.findings
    return checked.result


def test_the_order_of_the_files_does_not_show(make_row: MakeRow) -> None:
    rows = [energy(make_row, f"{number:02}", 1.0, 0.1, system=f"s{number}") for number in range(20)]
    shuffled = random.Random(4).sample(rows, len(rows))
    assert boards_of(in_order(rows)) == boards_of(in_order(shuffled))
