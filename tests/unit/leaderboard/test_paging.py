"""Long lists over several pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.check.findings import Checked, error
from suite.leaderboard.content import Refused, Site, entry
from suite.leaderboard.pages.site import write_site
from suite.leaderboard.paging import paged
from suite.leaderboard.ranking.boards import BOARD_ROWS, boards_of, pages_of
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.render import Pages

MakeRow = Callable[..., Row]


def test_every_item_stands_on_one_page_and_in_its_order() -> None:
    found = paged("list.html", range(205), 50)
    assert [item for page in found for item in page.items] == list(range(205))
    assert [(page.first, page.last, page.count) for page in found][-1] == (201, 205, 205)


def test_an_empty_list_has_a_page() -> None:
    (page,) = paged("list.html", [], 50)
    assert (page.items, page.pages, page.links[0].path) == ((), 1, "list.html")
    assert page.earlier is page.later is None


def test_the_first_page_keeps_the_address_and_no_other_page_can_have_its() -> None:
    first, second, third = paged("boards/a-2.html", range(3), 1)
    assert [one.path for one in (first, second, third)] == ["boards/a-2.html", "boards/a-2_2.html", "boards/a-2_3.html"]
    assert (first.earlier, first.later) == (None, second.path)
    assert (third.earlier, third.later) == (second.path, None)


def test_a_page_links_to_the_ends_and_to_its_neighbours() -> None:
    pages = paged("list.html", range(100), 5)
    assert [link.number for link in pages[9].links] == [1, 8, 9, 10, 11, 12, 20]
    assert [link.number for link in pages[9].links if link.gap] == [8, 20]
    assert [link.number for link in pages[0].links] == [1, 2, 3, 20]


def test_a_boards_rows_are_spread_over_pages_that_keep_their_ranks_and_scales(
    make_row: MakeRow, site: Path, tmp_path: Path, parse: Callable[[Path], Any]
) -> None:
    rows = [
        make_row(result=f"{number:012x}", joules_per_unit=number, joules_low=number - 0.1, joules_high=number + 0.1)
        for number in range(1, 3 * BOARD_ROWS)
    ]
    (board,) = boards_of(rows)
    assert [len(page.items) for page in pages_of(board)] == [BOARD_ROWS, BOARD_ROWS, BOARD_ROWS - 1]
    digests = {row.result: row.result for row in rows}
    write_site(Site(entries=(), boards=(board,), refused=()), digests, (), Pages(site / "templates", tmp_path))
    second = (tmp_path / pages_of(board)[1].path).read_text(encoding="utf-8")
    assert f"{BOARD_ROWS + 1} to {2 * BOARD_ROWS} of {3 * BOARD_ROWS - 1}" in second
    elements = parse(tmp_path / pages_of(board)[1].path).found
    links = [attributes.get("href") for tag, attributes in elements if tag == "a"]
    root = "../" * 4
    first, own_page, third = (f"{root}{page.path}" for page in pages_of(board))
    assert {first, third} <= set(links)
    assert own_page not in links
    own = [link for link in links if link and "results/" in link]
    assert {link.split("results/")[1].split("/")[0] for link in own} == {
        row.result for row in rows[BOARD_ROWS : 2 * BOARD_ROWS]
    }
    assert len(elements) <= 3000


@pytest.mark.parametrize("count", [1, 74, 75, 76, 150])
def test_no_page_of_a_board_is_empty(make_row: MakeRow, count: int) -> None:
    (board,) = boards_of([make_row(result=f"{number:012x}") for number in range(count)])
    assert all(page.items for page in pages_of(board))


@pytest.fixture(scope="module")
def long(synthetic: ModuleType) -> Site:
    """250 results of 125 machines, and 250 refused files, one with many findings."""
    (index,) = [number for number, machine in enumerate(synthetic.MACHINES) if machine.backend == "simulated"]
    one = entry(synthetic.result(index, 1))
    entries = [
        replace(
            one,
            id=f"{number:012x}",
            system=one.system.model_copy(update={"slug": f"machine-{number // 2}" if number < 248 else "machine-0"}),
        )
        for number in range(250)
    ]
    finding = error("json", "", "not JSON", "None.")
    refused = [
        Refused(name=f"{number}.json", checked=Checked(Path("a"), None, (finding,) * (20 if number == 7 else 1)))
        for number in range(250)
    ]
    return Site(entries=tuple(entries), boards=(), refused=tuple(refused))


def test_every_result_system_and_refusal_is_listed_once_on_pages_of_bearable_size(
    long: Site, site: Path, tmp_path: Path, parse: Callable[[Path], Any]
) -> None:
    digests = {one.id: one.id for one in long.entries}
    write_site(long, digests, (), Pages(site / "templates", tmp_path))
    listed = {}
    for name in ("data", "systems", "excluded"):
        found = [parse(page) for page in (tmp_path / f"{name}.html", *tmp_path.glob(f"{name}_*.html"))]
        assert max(len(page.found) for page in found) <= 3000
        listed[name] = [attributes.get("href") for page in found for _, attributes in page.found]
        text = " ".join(text for page in found for text in page.text)
        assert name != "excluded" or all(f"{number}.json" in text for number in range(250))
        assert text.count("not JSON") == (269 if name == "excluded" else 0)
    for one in long.entries:
        assert listed["data"].count(one.path) == 1
    for machine in long.machines:
        assert listed["systems"].count(machine.path) == 1
