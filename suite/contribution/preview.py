"""What a pull request is told in Markdown: where its results would stand, or why they do not. Pure.

Every word from a file stands in a code span and is made of few characters: there it is no mention, link, reference or
markup, and it cannot leave it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from suite.check.findings import Severity
from suite.check.report import text_line
from suite.check.verdict import Row as Checked
from suite.leaderboard.pages.tables import Line, Table, table
from suite.leaderboard.ranking.boards import Board, boards_of, in_order
from suite.leaderboard.ranking.frame import Row

MOST_LINES = 100
"""Of the preview; a comment holds 65,536 characters."""

MOST_FINDINGS = 30

MOST_CHARACTERS = 300
"""Of one code span."""

_STRANGE = re.compile(r"//|[^A-Za-z0-9 .,:;()%/+=_'\"µ–-]")

_HEAD = """| board | row | rank | energy | next better | next worse | grade, limited by |
|---|---|---|---|---|---|---|
"""
_NOTE = """
A preview, made as the site makes its boards; ranks are bands of overlapping 95 % intervals. What is estimated,
simulated or rests on fewer than three windows stands there without a rank. A result far from others of its kind may be
asked for a second run.
"""


def code(text: str) -> str:
    """A code span of this text; of what could end it, or be more than text outside it, only a question mark stays."""
    return f"`{_STRANGE.sub('?', text)[:MOST_CHARACTERS].strip() or '?'}`"


def decided(count: int) -> str:
    return (
        f"Lines added to the log of decisions: {count}. They hold once they are merged, which a maintainer decides.\n"
    )


def refused(rows: Sequence[Checked]) -> str:
    """The findings of refused files, one line each."""
    return "\n".join(["**Refused**, by the base branch's own check:", "", *_findings(rows, "error"), ""])


def warned(rows: Sequence[Checked]) -> str:
    """What accepted files are warned of, one line each; nothing where there is nothing."""
    lines = [*_findings(rows, "warning")]
    return "\n".join(["", "Warnings, for which nothing is refused:", "", *lines, ""]) if lines else ""


def _findings(rows: Sequence[Checked], severity: Severity) -> Iterator[str]:
    found = [(row, one) for row in rows for one in row.findings if one.severity == severity]
    yield from (f"- {code(text_line(row, one).strip())}" for row, one in found[:MOST_FINDINGS])
    if len(found) > MOST_FINDINGS:
        yield f"- and {len(found) - MOST_FINDINGS} more"


def standing(rows: Iterable[Row], new: Collection[str]) -> str:
    """Where the results of the ids `new` would stand among `rows`, which are all results' rows and theirs."""
    lines = [line for board in boards_of(in_order(rows)) for line in _lines(board, new)]
    more = f"\nAnd {len(lines) - MOST_LINES} rows more.\n" if len(lines) > MOST_LINES else ""
    counted = f"{len(new)} new result{'' if len(new) == 1 else 's'}, {len(lines)} rows on boards."
    return f"**Acceptable.** {counted}\n\n{_HEAD}{''.join(lines[:MOST_LINES])}{more}{_NOTE}"


def _lines(board: Board, new: Collection[str]) -> Iterator[str]:
    if not any(placed.row.result in new for placed in board.placed):
        return
    shown = table(board)
    for index, line in enumerate(shown.lines):
        if line.row.result in new:
            yield _line(shown, index)


def _line(shown: Table, index: int) -> str:
    board, line = shown.board, shown.lines[index]
    title = f"{board.title}, v{board.version}, {board.boundary}, {board.meter_class}"
    cells = [
        code(title),
        code(_name(line.row)),
        f"{line.rank} of {board.ranked}" if line.rank else "not ranked",
        _energy(shown, line),
        _neighbour(shown, index - 1) if line.rank else "–",
        _neighbour(shown, index + 1) if line.rank else "–",
        ", ".join(filter(None, (line.row.grade, line.row.weakest))) or "–",
    ]
    return f"| {' | '.join(cells)} |\n"


def _neighbour(shown: Table, index: int) -> str:
    """The ranked row of this number on the board; a dash where there is none."""
    if not 0 <= index < shown.board.ranked:
        return "–"
    line = shown.lines[index]
    return f"{code(_name(line.row))} {_energy(shown, line)}"


def _name(row: Row) -> str:
    return f"{row.system} {row.framework} {row.precision} batch {row.batch}"


def _energy(shown: Table, line: Line) -> str:
    if line.energy is None:
        return "unknown"
    return code(f"{line.energy} {shown.energy_unit}" + (f" ({line.interval})" if line.interval else ""))
