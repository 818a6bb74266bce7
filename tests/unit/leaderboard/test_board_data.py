"""The rows of a long board as scripts beside its pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.leaderboard.pages.board_data import COLUMNS, SCRIPT_ROWS, board_script, parts_of
from suite.leaderboard.pages.boards import ranked_of, write_boards
from suite.leaderboard.pages.tables import table
from suite.leaderboard.ranking.boards import BOARD_ROWS, Board, boards_of
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.render import Pages

MakeRow = Callable[..., Row]
MOST_BYTES = 2_000_000


def board(make_row: MakeRow, count: int, **fields: Any) -> Board:
    joules = [1 + number / 7 for number in range(count)]
    rows = [
        make_row(result=f"{index:012x}", joules_per_unit=one, joules_low=one - 0.1, joules_high=one + 0.1, **fields)
        for index, one in enumerate(joules)
    ]
    (made,) = boards_of(rows)
    return made


def data_of(text: str) -> tuple[str, Any]:
    """By what name a script keeps its rows, and what it keeps."""
    found = re.fullmatch(
        r'"use strict";\n\(globalThis\.joulemarkBoard \?\?= \{\}\)\["(\d+)"\] = Object\.freeze\((.*)\);\n', text
    )
    assert found is not None
    return found[1], json.loads(found[2])


def written(one: Board, site: Path, folder: Path) -> list[Path]:
    digests = {placed.row.result: placed.row.result for placed in one.placed}
    write_boards([ranked_of(one, digests)], Pages(site / "templates", folder))
    return sorted((folder / "boards").rglob("*.js"))


@pytest.mark.parametrize(("count", "scripts"), [(1, 0), (BOARD_ROWS, 0), (BOARD_ROWS + 1, 1), (SCRIPT_ROWS + 1, 2)])
def test_a_board_of_several_pages_has_all_its_rows_in_scripts(
    make_row: MakeRow, site: Path, tmp_path: Path, count: int, scripts: int
) -> None:
    one = board(make_row, count)
    files = written(one, site, tmp_path)
    assert len(files) == scripts
    parts = sorted((data_of(path.read_text(encoding="ascii")) for path in files), key=lambda part: int(part[0]))
    rows = [row for _, data in parts for row in data["rows"]]
    own = [[placed.row.result, placed.row.joules_per_unit] for placed in one.placed]
    assert [[row[COLUMNS.index("result")], row[COLUMNS.index("joules")]] for row in rows] == (own if scripts else [])
    for page in (tmp_path / "boards").rglob("*.html"):
        named = re.findall(r"[\w.-]+_rows_\d+\.js", page.read_text(encoding="utf-8"))
        assert named == [path.name for path in files]


def test_no_script_is_too_large_even_of_rows_with_long_names(make_row: MakeRow) -> None:
    words = {"system_name": "W" * 120, "floor_excess": 1.25, "mfu": 0.5, "grade": "C", "weakest": "interval"}
    one = board(make_row, SCRIPT_ROWS, reasons=("methods_disagree", "trace_gap", "throttled_thermal"), **words)
    (part,) = parts_of(one)
    assert len(board_script(table(one, part.placed), part.first)) < MOST_BYTES


def test_what_was_submitted_cannot_end_the_script(make_row: MakeRow) -> None:
    one = board(make_row, BOARD_ROWS + 1, system_name='</script>"\u2028\U0001f642')
    (part,) = parts_of(one)
    text = board_script(table(one, part.placed), part.first)
    assert text.isascii()
    assert "</" not in text
    assert data_of(text)[1]["systems"][0][1] == '</script>"\u2028\U0001f642'


def test_a_row_that_came_changes_the_script_and_one_that_did_not_keeps_it(
    make_row: MakeRow, site: Path, tmp_path: Path
) -> None:
    first, again, other = (
        written(board(make_row, count), site, tmp_path / name)[0].read_bytes()
        for name, count in (("a", 90), ("b", 90), ("c", 91))
    )
    assert first == again != other
