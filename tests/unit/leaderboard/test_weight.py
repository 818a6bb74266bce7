"""No page makes a browser carry more than 3,000 elements, however much a result holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import workloads
from suite.check.findings import Checked, error
from suite.leaderboard import build
from suite.leaderboard.content import Refused, Site
from suite.leaderboard.pages.site import BOARDS_ON_LIST, LINES_ON_SYSTEM, write_site
from suite.leaderboard.ranking.boards import boards_of
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.leaderboard.render import Pages
from suite.leaderboard.result.details import MOST_WINDOWS
from suite.leaderboard.result.pages import ATTEMPTS_ON_PAGE, CELLS_ON_PAGE, write_pages
from suite.record import Result
from suite.roofline import calibrations
from suite.trace import Window

MOST_ELEMENTS = 3000
MOST_BYTES = 200_000
H100 = 0
"""A result of the generator: two frameworks, two sizes, four meters, conditions of two domains."""

Parse = Callable[[Path], Any]


def of_every_workload(synthetic: ModuleType) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "WORKLOADS", tuple(name for name in workloads.names() if name != "calib"))
        made: Result = synthetic.result(H100, 7)
    return made


@pytest.fixture(scope="module")
def out(synthetic: ModuleType, results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a dozen results and of one that ran every workload in two sizes and frameworks."""
    folder = tmp_path_factory.mktemp("weight")
    shutil.copytree(results, folder / "results")
    (folder / "results" / "whole.json").write_bytes(synthetic.dumps(of_every_workload(synthetic)))
    assert build(folder / "results", site, folder / "out").skipped == ()
    return folder / "out"


def pages_of(result: Result, site: Path, folder: Path) -> list[Path]:
    made = write_pages(Checked(folder, result, ()), result, calibrations(result), Pages(site / "templates", folder))
    return [folder / name for name in made if name.endswith(".html")]


def with_windows(result: Result, count: int, attempts: int = 1) -> Result:
    """The first cell that ran well, so many attempts of it with so many windows each."""
    cell = next(cell for cell in result.cells if cell.outcome == "ok")
    one = cell.attempts[-1]
    windows = tuple(Window(i * 10**10, i * 10**10 + 9 * 10**9, 1000 + i) for i in range(count))
    long = one.model_copy(update={"windows": windows, "energies": one.energies[:1] * count})
    return result.model_copy(update={"cells": (cell.model_copy(update={"attempts": (long,) * attempts}),)})


def test_no_page_of_a_site_has_too_many_elements_or_bytes(out: Path, parse: Parse) -> None:
    pages = list(out.rglob("*.html"))
    assert len(pages) > 300
    heavy = {page.name: count for page in pages if (count := len(parse(page).found)) > MOST_ELEMENTS}
    assert heavy == {}
    assert max(page.stat().st_size for page in pages) <= MOST_BYTES


def test_no_page_of_a_result_with_ever_so_many_cells_windows_and_attempts_is_too_heavy(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Parse
) -> None:
    result = of_every_workload(synthetic)
    many = result.model_copy(update={"cells": (result.cells * 3)[: 2 * CELLS_ON_PAGE + 1]})
    for number, heavy in enumerate((many, with_windows(result, 300, 5))):
        pages = pages_of(heavy, site, tmp_path / str(number))
        assert max(len(parse(page).found) for page in pages) <= MOST_ELEMENTS


def test_the_pages_of_a_system_with_one_great_result_hold_all_its_rows(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Parse
) -> None:
    (tmp_path / "results").mkdir()
    result = of_every_workload(synthetic)
    (tmp_path / "results" / "whole.json").write_bytes(synthetic.dumps(result))
    build(tmp_path / "results", site, tmp_path / "out")
    pages = [parse(page) for page in (tmp_path / "out" / "systems").glob("*.html")]
    assert max(len(page.found) for page in pages) <= MOST_ELEMENTS
    links = [names for page in pages for tag, names in page.found if tag == "a" and names.get("class") == "sub"]
    on_boards = [row for row in rows_of(result) if (row.workload, row.mode) != ("calib", "idle")]
    assert len(links) == len(on_boards) > 3 * LINES_ON_SYSTEM
    assert max(len(parse(page).found) for page in tmp_path.rglob("*.html")) <= MOST_ELEMENTS


def test_a_list_of_ever_so_many_boards_goes_over_pages_and_the_index_finds_each_class(
    make_row: Callable[..., Row], site: Path, tmp_path: Path, parse: Parse
) -> None:
    classes = ("measured", "estimated", "simulated")
    rows = [
        make_row(mode=f"mode-{number}", meter_class=name, result=f"{number:012x}")
        for number in range(BOARDS_ON_LIST)
        for name in classes
    ]
    refused = Refused(name="a.json", checked=Checked(Path("a"), None, (error("json", "", "not JSON", "None."),)))
    content = Site(entries=(), boards=tuple(boards_of(rows)), refused=(refused,))
    write_site(content, {row.result: row.result for row in rows}, (), Pages(site / "templates", tmp_path))
    lists = sorted(tmp_path.glob("boards*.html"))
    assert [page.name for page in lists] == ["boards.html", "boards_2.html", "boards_3.html"]
    found = {page.name: parse(page).found for page in (*lists, tmp_path / "index.html")}
    assert max(map(len, found.values())) <= MOST_ELEMENTS
    paths = [names["href"] for page in lists for _, names in found[page.name] if "boards/" in (names.get("href") or "")]
    assert sorted(paths) == sorted(board.path for board in content.boards)
    leads = {names.get("href") for _, names in found["index.html"]}
    assert {"boards_2.html#class-estimated", "boards_3.html#class-simulated"} <= leads


def test_every_cell_has_its_row_and_its_page(synthetic: ModuleType, site: Path, tmp_path: Path, parse: Parse) -> None:
    result = of_every_workload(synthetic)
    many = result.model_copy(update={"cells": (result.cells * 3)[: 2 * CELLS_ON_PAGE + 1]})
    pages = pages_of(many, site, tmp_path)
    overview = [page for page in pages if page.parent.name == "results"]
    assert [page.name for page in overview] == [f"{many.id}{end}.html" for end in ("", "_2", "_3")]
    found = [names for page in overview for _, names in parse(page).found]
    places = [names["id"] for names in found if (names.get("id") or "").startswith("cell-")]
    assert places == [f"cell-{number}" for number in range(1, len(many.cells) + 1)]
    links = {names.get("href") for names in found}
    assert {f"../results/{many.id}/{number}.html" for number in range(1, len(many.cells) + 1)} <= links


def test_windows_beyond_those_in_the_table_are_told_below_it(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Parse
) -> None:
    count = MOST_WINDOWS + 3
    page = next(page for page in pages_of(with_windows(of_every_workload(synthetic), count), site, tmp_path)[1:])
    elements = parse(page)
    text = " ".join(" ".join(elements.text).split())
    assert f"{count} windows" in text
    starts = [f" {10 * number:.2f} 9.000 {1000 + number:,} " for number in range(count)]
    assert [start for start in starts if start not in text] == []


def test_attempts_go_over_pages_and_none_is_lost(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Parse
) -> None:
    pages = pages_of(with_windows(of_every_workload(synthetic), 2, 2 * ATTEMPTS_ON_PAGE + 1), site, tmp_path)[1:]
    assert [page.name for page in pages] == ["1.html", "1_2.html", "1_3.html"]
    text = " ".join(" ".join(" ".join(parse(page).text).split()) for page in pages)
    assert [text.count(f"Attempt {number} ok") for number in range(1, 6)] == [1] * 5


def test_a_drawing_has_one_path_for_each_line(out: Path, parse: Parse) -> None:
    for page in (out / "results").glob("*/*.html"):
        shades = [names for _, names in parse(page).found if names.get("class") == "shade"]
        drawings = sum(names.get("class") == "trace" for _, names in parse(page).found)
        assert len(shades) == 2 * drawings, "the windows, and the key to them"
