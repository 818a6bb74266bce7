"""The rows of a board that goes over several pages, as classic scripts: sorting and filtering have to see all of them.

Whatever a page prints of a row is here as it is printed there, so that the script of a page computes no text anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.leaderboard.pages.tables import Line, Table
from suite.leaderboard.pages.tool_data import Words, as_json
from suite.leaderboard.ranking.boards import BOARD_ROWS, Board, Placed
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.words import reason

SCRIPT_ROWS = 4000
"""Rows in one script: some 330 bytes each, and no file a page loads is over 2 MB."""

COLUMNS = (
    "result", "cell", "system", "configuration", "date", "rank", "joules", "low", "high", "energy", "interval", "mark",
    "excess", "floor", "limit", "speed", "rate", "watts", "power", "repeats", "grade", "weakest", "reasons", "step",
    "asks",
)  # fmt: skip
"""What a row holds: numbers to sort by, and the texts that are printed for them. None is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One script: the rows from `first`, counted from 1."""

    path: str
    first: int
    placed: tuple[Placed, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.placed) - 1


def parts_of(board: Board) -> tuple[Part, ...]:
    """The board's rows script by script; none where one page holds all of them."""
    if len(board.placed) <= BOARD_ROWS:
        return ()
    base = board.path.removesuffix(".html")
    return tuple(
        Part(path=f"{base}_rows_{number}.js", first=start + 1, placed=board.placed[start : start + SCRIPT_ROWS])
        for number, start in enumerate(range(0, len(board.placed), SCRIPT_ROWS), start=1)
    )


def board_script(table: Table, first: int) -> str:
    """A classic script that adds the table's lines, each as an array of `COLUMNS`, to those of the board by number."""
    systems, configurations, reasons = Words(), Words(), Words()
    rows = [_cells(line, systems, configurations, reasons) for line in table.lines]
    board = table.board
    data = {
        "boundary": board.boundary, "class": board.meter_class, "columns": COLUMNS,
        "systems": list(systems.all), "configurations": list(configurations.all),
        "reasons": [_told(str(code)) for code in reasons.all], "rows": rows,
    }  # fmt: skip
    return f'"use strict";\n(globalThis.joulemarkBoard ??= {{}})["{first}"] = Object.freeze({as_json(data)});\n'


def _cells(line: Line, systems: Words, configurations: Words, reasons: Words) -> Sequence[object]:
    row, mark, claim = line.row, line.mark, line.claim
    return [
        row.result, row.cell, systems.number((row.system, row.system_name)), configurations.number(_configuration(row)),
        row.date, line.rank, row.joules_per_unit, row.joules_low, row.joules_high, line.energy, line.interval,
        mark and [mark.at, mark.low, mark.high, mark.is_bar],
        row.floor_excess, line.over_floor, line.limited_by, row.units_per_s, line.rate, row.mean_power_w, line.power,
        row.repeats, row.grade, row.weakest, [reasons.number(one.code) for one in line.reasons],
        claim and claim.step, [claim.z, claim.rows] if claim and claim.asks else None,
    ]  # fmt: skip


def _configuration(row: Row) -> tuple[object, ...]:
    return row.framework, row.framework_version, row.technique, row.precision, row.batch, row.backend


def _told(code: str) -> list[str]:
    known = reason(code)
    return [known.code, known.policy, known.cause]
