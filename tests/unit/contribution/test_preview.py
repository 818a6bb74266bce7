"""Where results would stand, in words nobody else chose."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from suite.check.findings import error, warning
from suite.check.verdict import Row as Checked
from suite.contribution.preview import MOST_FINDINGS, MOST_LINES, code, decided, refused, standing, warned
from suite.leaderboard.ranking.boards import band_text, boards_of, in_order
from suite.leaderboard.ranking.frame import Row, rows_of


@pytest.fixture(scope="module")
def rows(synthetic: ModuleType) -> list[Row]:
    """Of a dozen results of ten machines."""
    return [row for index in range(12) for row in rows_of(synthetic.result(index, 1))]


def table(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_each_row_of_a_new_result_is_told_with_the_rank_that_the_site_gives_it(rows: list[Row]) -> None:
    new = rows[0].result
    placed = [(board, one) for board in boards_of(in_order(rows)) for one in board.placed if one.row.result == new]
    told = table(standing(rows, {new}))
    assert len(told) == len(placed) > 10
    for (board, one), cells in zip(placed, told, strict=True):
        assert cells[0].startswith(f"`{board.title}, v{board.version}, {board.boundary}, ")
        assert one.row.system in cells[1]
        assert cells[6].partition(",")[0] == (one.row.grade or "–")
        assert (one.row.weakest or "") in cells[6]
        assert cells[2] == (f"{band_text(one.band)} of {board.ranked}" if one.band else "not ranked")
    assert any(one.band for _, one in placed)


def test_the_neighbours_are_those_of_the_board(rows: list[Row]) -> None:
    new = rows[0].result
    seen = 0
    told = iter(table(standing(rows, {new})))
    for board in boards_of(in_order(rows)):
        for index, one in enumerate(board.placed):
            if one.row.result == new:
                cells = next(told)
                better = board.placed[index - 1].row.system if one.band and index else "–"
                worse = board.placed[index + 1].row.system if one.band and index + 1 < board.ranked else "–"
                assert better in cells[4]
                assert worse in cells[5]
                seen += better != "–"
    assert seen


def test_what_has_no_rank_is_nobody_s_neighbour(rows: list[Row]) -> None:
    first = next(row for row in rows if row.meter_class == "measured" and row.energy is not None and row.repeats > 2)
    unranked = replace(first, result="0" * 12, repeats=2)
    ((*_, better, worse, _),) = table(standing([first, unranked], {first.result}))
    assert (better, worse) == ("–", "–")
    ((_, _, rank, _, better, worse, _),) = table(standing([first, unranked], {unranked.result}))
    assert (rank, better, worse) == ("not ranked", "–", "–")


def test_results_that_are_there_already_have_no_row(rows: list[Row]) -> None:
    new = rows[0].result
    slugs = {row.system for row in rows if row.result == new}
    assert all(any(slug in cells[1] for slug in slugs) for cells in table(standing(rows, {new})))
    assert table(standing(rows, set())) == []


def test_a_long_preview_ends_with_how_much_is_left_out(rows: list[Row]) -> None:
    told = standing(rows, {row.result for row in rows})
    assert len(table(told)) == MOST_LINES
    assert re.search(r"And \d+ rows more", told)
    assert len(told) < 65_536


HOSTILE = [
    "@somebody", "[a](https://example.org)", "<img src=x onerror=alert(1)>", "`` ` ``", "a|b", "a\nb", "\x1b[31m", "#1",
    "https://example.org", "www.example.org\u202e", "&#64;somebody", "\\`", "![](x)", "::error::x", "$(id)", "", " ",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_code_span_or_brings_a_mention_a_link_or_markup(text: str) -> None:
    found = code(text)
    assert re.fullmatch(r"`[A-Za-z0-9 .,:;()%/+=_'\"µ–?-]+`", found)
    assert "//" not in found


def test_a_code_span_has_an_end() -> None:
    assert len(code("x" * 10_000)) < 1_000


def test_what_a_row_calls_itself_stays_within_its_cells(rows: list[Row]) -> None:
    odd = [replace(row, system="|x|`@somebody` <b>\n# y", unit="//|`") for row in rows if row.result == rows[0].result]
    told = standing(odd, {rows[0].result})
    assert all(len(cells) == 7 for cells in table(told))
    assert len(table(told)) == len(table(standing(rows, {rows[0].result})))
    assert not re.search(r"[@<#]|//", told)


def test_refusals_and_warnings_are_one_line_each_and_hold_no_markup() -> None:
    bad = Checked(
        path=Path("results/a/`@x`.json"),
        id=None,
        findings=(error("text", "/<b>", "holds '<', which\nis markup", "Do."), warning("date", "", "late", "Wait.")),
    )
    told = refused([bad])
    assert told.startswith("**Refused**")
    assert told.count("\n- `") == 1
    assert not re.search(r"[<@]|date", told)
    assert warned([bad]).count("\n- `") == 1
    assert "date" in warned([bad])
    assert warned([Checked(path=Path("a"), id=None, findings=())]) == ""


def test_many_findings_are_counted() -> None:
    many = Checked(path=Path("a"), id=None, findings=(error("energy", "", "wrong", "Mend."),) * (MOST_FINDINGS + 5))
    assert refused([many]).count("\n- `") == MOST_FINDINGS
    assert refused([many]).rstrip().endswith("- and 5 more")


def test_decisions_are_counted() -> None:
    assert "decisions: 2." in decided(2)
