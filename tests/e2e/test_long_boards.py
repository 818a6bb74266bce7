"""A board that goes over several pages: sorting and filtering see the rows of all of them."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard.pages.boards import ranked_of, write_boards
from suite.leaderboard.ranking.boards import BOARD_ROWS, Board, band_text, boards_of
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.leaderboard.ranking.trust import Claim
from suite.leaderboard.render import Pages
from suite.statistics import Summary, rank_bands

ROOT = Path(__file__).parents[2]
COUNT = 130
IDS = "() => Array.from(document.querySelectorAll('tbody tr'), (row) => row.dataset.row)"


def invented(synthetic: ModuleType) -> list[Row]:
    """Rows of one board with all that a row can have or lack."""
    source = random.Random(3)
    plain = next(row for row in rows_of(synthetic.result(0, 1)) if row.mode == "train" and row.boundary == "device")
    made = []
    for number in range(COUNT):
        joules = source.uniform(1, 9)
        made.append(
            replace(
                plain,
                result=f"{number:012x}",
                date=f"2026-0{1 + number % 9}-11",
                system=f"machine-{number // 3}",
                system_name=f"Machine{number // 3:03d} <b>&",
                framework=source.choice(["torch", "jax"]),
                framework_version=source.choice(["2.13.0", None]),
                precision=source.choice(["bf16", "fp32"]),
                joules_per_unit=joules,
                joules_low=joules * 0.98,
                joules_high=joules * 1.03,
                units_per_s=1000 / joules,
                floor_excess=source.choice([None, 1.5 + number / 100]),
            )
        )
    made[5] = replace(made[5], joules_per_unit=None, joules_low=None, joules_high=None, mean_power_w=None,
                      grade=None, weakest=None, floor_excess=None, reasons=("trace_gap",))  # fmt: skip
    made[6] = replace(made[6], joules_low=None, joules_high=None, repeats=1, reasons=("throttled_thermal",))
    made[7] = replace(made[7], joules_per_unit=None, joules_low=None, joules_high=None, mean_power_w=None, reasons=())
    made[8] = replace(made[8], grade="A", weakest=None)
    return made


@pytest.fixture(scope="module")
def written(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Board, Path]:
    folder = tmp_path_factory.mktemp("long")
    (board,) = boards_of(invented(synthetic))
    far = Claim(step="validated", z=-5.126, rows=12)
    claims = [Claim(step="validated"), Claim(step="reproduced", by="0" * 12), far, None]
    placed = tuple(replace(one, claim=claims[index % 4]) for index, one in enumerate(board.placed))
    board = replace(board, placed=placed)
    shutil.copytree(ROOT / "site" / "static", folder / "static")
    digests = {one.row.result: one.row.result for one in placed}
    write_boards([ranked_of(board, digests)], Pages(ROOT / "site" / "templates", folder))
    return board, folder / board.path


def visit(page: Any, address: str) -> Any:
    """The page with that address, loaded anew, with all rows where the address asks for them."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_function("() => !document.querySelector('[role=status]').textContent.startsWith('Reading')")
    return page


def status(page: Any) -> str:
    return str(page.get_by_role("status").inner_text())


def ids(board: Board, key: Callable[[Row], Any] | None = None, *, descending: bool = False) -> list[str]:
    rows = [placed.row for placed in board.placed]
    if key:
        known = [row for row in rows if key(row) is not None]
        rows = sorted(known, key=key, reverse=descending) + [row for row in rows if key(row) is None]
    return [f"{row.result}:{row.cell}" for row in rows]


def second(path: Path) -> Path:
    return path.with_name(path.name.replace(".html", "_2.html"))


PLAIN = """(rows) => Array.from(rows, (row) => {
  const copy = row.cloneNode(true);
  copy.querySelectorAll(".pick").forEach((cell) => cell.remove());
  copy.querySelectorAll("[data-value]").forEach((cell) => cell.removeAttribute("data-value"));
  copy.querySelectorAll("td > a.plain").forEach((link) => link.removeAttribute("title"));
  for (const end of ["low", "high"]) if (end in copy.dataset) copy.dataset[end] = Number(copy.dataset[end]);
  return copy.outerHTML.replace(/\\s*\\n\\s*/g, "").replaceAll("> <span", "><span").replaceAll(' class=""', "")
    .replace(/(\\d)\\.0(?=[" HMv])/g, "$1");
})"""


def test_a_row_that_the_script_makes_is_the_one_that_the_page_holds(page: Any, written: tuple[Board, Path]) -> None:
    _, path = written
    rows = f"() => ({PLAIN})(document.querySelectorAll('tbody tr'))"
    served = [row for number in ("", "_2", "_3") for row in
              visit(page, path.as_uri().replace(".html", f"{number}.html")).evaluate(rows)]  # fmt: skip
    assert len(served) == COUNT
    for made, row in zip(visit(page, f"{path.as_uri()}#show=all").evaluate(rows), served, strict=True):
        assert made == row


def test_a_page_s_own_rows_stand_until_something_is_asked(page: Any, written: tuple[Board, Path]) -> None:
    board, path = written
    visit(page, second(path).as_uri())
    assert page.evaluate(IDS) == ids(board)[BOARD_ROWS : 2 * BOARD_ROWS]
    assert status(page) == f"This page holds {BOARD_ROWS} of {COUNT} rows; sorting and filters see all of them."
    assert not page.evaluate("() => 'joulemarkBoard' in globalThis")
    assert page.get_by_role("navigation", name="Pages of this list").is_visible()


@pytest.mark.parametrize("start", ["first", "second"])
def test_sorting_sees_every_page_and_goes_on_over_pages(page: Any, written: tuple[Board, Path], start: str) -> None:
    board, path = written
    visit(page, (path if start == "first" else second(path)).as_uri())
    page.get_by_role("button", name="tokens/s").click()
    expected = ids(board, lambda row: row.units_per_s)
    page.wait_for_function("(first) => document.querySelector('tbody tr').dataset.row === first", arg=expected[0])
    assert page.evaluate(IDS) == expected[:BOARD_ROWS]
    assert status(page) == f"Rows 1 to {BOARD_ROWS} are listed."
    assert page.get_by_role("navigation", name="Pages of this list").is_hidden()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    assert page.evaluate(IDS) == expected[2 * BOARD_ROWS :]
    assert status(page) == f"Rows {2 * BOARD_ROWS + 1} to {COUNT} are listed."
    assert page.get_by_role("button", name="Next").count() == 0
    assert page.evaluate("() => location.hash") == "#sort=speed&page=3"
    assert visit(page, page.url).evaluate(IDS) == expected[2 * BOARD_ROWS :]
    page.get_by_role("button", name="tokens/s").click()  # another order begins at its first page
    assert page.evaluate(IDS) == ids(board, lambda row: row.units_per_s, descending=True)[:BOARD_ROWS]


def test_unknown_energy_comes_last_in_either_direction(page: Any, written: tuple[Board, Path]) -> None:
    board, path = written
    for direction in ("asc", "desc"):
        found = visit(page, f"{path.as_uri()}#sort=energy&dir={direction}&show=all").evaluate(IDS)
        assert found == ids(board, lambda row: row.joules_per_unit, descending=direction == "desc")


def test_a_filter_finds_rows_of_other_pages_and_ranks_them_among_themselves(
    page: Any, written: tuple[Board, Path]
) -> None:
    board, path = written
    visit(page, path.as_uri()).get_by_text("Filters", exact=True).click()
    page.get_by_label("jax", exact=True).check()
    left = [placed for placed in board.placed if placed.row.framework == "jax"]
    ranked = [placed.row for placed in left if placed.band]
    bands = rank_bands(
        [Summary(median=0, low=row.joules_low, high=row.joules_high, repeats=3, spread=0) for row in ranked]
    )
    page.get_by_text(f"{len(left)} of {COUNT} rows match").wait_for()
    assert page.evaluate(IDS) == [f"{one.row.result}:{one.row.cell}" for one in left][:BOARD_ROWS]
    ranks = page.locator("tbody .rank").all_inner_texts()
    assert ranks[:50] == [band_text(band) for band in bands[:50]]


def test_a_search_finds_a_machine_of_the_last_page_and_one_row_of_each(page: Any, written: tuple[Board, Path]) -> None:
    board, path = written
    last = board.placed[-3].row
    visit(page, path.as_uri()).get_by_label("Show rows with").fill(f"{last.system_name} {last.date}")
    page.get_by_text("row").filter(has_text=re.compile("rows? match")).first.wait_for()
    assert f"{last.result}:{last.cell}" in page.evaluate(IDS)
    assert set(page.locator("tbody th bdi").all_inner_texts()) == {last.system_name}
    systems = [placed.row.system for placed in board.placed]
    visit(page, f"{path.as_uri()}#best=system&show=all")
    shown = "() => Array.from(document.querySelectorAll('tbody tr'), (row) => row.dataset.system)"
    assert page.evaluate(shown) == list(dict.fromkeys(systems))


def test_rows_of_several_pages_are_picked_and_linked(page: Any, written: tuple[Board, Path]) -> None:
    board, path = written
    first, last = ids(board)[0], ids(board)[-1]
    visit(page, path.as_uri()).locator("tbody input[type=checkbox]").first.check()
    visit(page, f"{second(path).as_uri()}#pick={first},{last}")
    assert page.locator("tbody input:checked").count() == 0
    page.get_by_role("link", name="Compare 2 rows").wait_for()
    page.get_by_role("combobox").select_option("all")
    page.wait_for_function(f"() => document.querySelectorAll('tbody tr').length === {COUNT}")
    assert page.locator("tbody input:checked").evaluate_all("all => all.map((one) => one.value)") == [first, last]
    assert page.evaluate("() => location.hash") == f"#show=all&pick={first},{last}"
    visit(page, f"{path.as_uri()}#sort=speed&pick={first},gone:1")
    assert status(page).startswith("This link names 'pick=gone:1', which this page does not know.")


def test_all_rows_that_were_found_are_saved(page: Any, written: tuple[Board, Path]) -> None:
    board, path = written
    visit(page, path.as_uri())
    with page.expect_download() as told:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(told.value.path()).read_text(encoding="utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ids(board)


def test_rows_that_cannot_be_read_are_said_to_be_missing(
    browser: Any, written: tuple[Board, Path], tmp_path: Path
) -> None:
    _, path = written
    shutil.copytree(path.parents[4], tmp_path / "site")
    copy = tmp_path / "site" / path.relative_to(path.parents[4])
    next(copy.parent.glob("*_rows_1.js")).unlink()
    page = visit(browser.new_page(), f"{copy.as_uri()}#sort=speed")
    assert status(page) == (
        "The rows of the other pages could not be read. "
        f"This page holds {BOARD_ROWS} of {COUNT} rows; sorting and filters see no others."
    )
    speeds = page.locator("td[data-value]:nth-child(8)").evaluate_all("all => all.map((one) => +one.dataset.value)")
    assert speeds == sorted(speeds)
    page.close()
