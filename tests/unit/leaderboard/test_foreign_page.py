"""Foreign references stand on a page of their own and change nothing else on the site."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.foreign import Foreign, ForeignRow, Unit, dumps
from suite.leaderboard import Built, build
from suite.leaderboard.pages.foreign import LINES, References
from suite.leaderboard.ranking.boards import boards_of
from suite.leaderboard.ranking.frame import Row

MOST_ELEMENTS = 3000


def figure(number: int) -> ForeignRow:
    return ForeignRow(
        work=f"chat {number}",
        model="Example/Model",
        accelerator=None if number == 0 else "Example B200",
        count=2,
        quantity="energy per output token",
        unit="J/token",
        value=0.5 + number,
        boundary="the GPUs alone",
        meter_class="foreign",
        notes=("weights <b>bfloat16</b>", "batch 8"),
    )


def reference(count: int, licence: str = "Apache-2.0") -> Foreign:
    return Foreign(
        format="joulemark-foreign",
        version=1,
        source="ml-energy",
        url="https://example.org/data?a=1&b=2",
        retrieved="2026-11-20",
        licence=licence,
        sha256="0" * 64,
        rows=tuple(figure(number) for number in range(count)),
    )


def keep(results: Path, *references: Foreign) -> None:
    (results / "foreign").mkdir()
    for one in references:
        (results / "foreign" / one.file_name).write_bytes(dumps(one))


@pytest.fixture(scope="module")
def sites(synthetic: ModuleType, site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Built]:
    """The site of three results, and that of the same with foreign references, one of them damaged."""
    folder = tmp_path_factory.mktemp("sites")
    synthetic.write(folder / "plain", 3)
    synthetic.write(folder / "mixed", 3)
    keep(folder / "mixed", reference(3), reference(LINES, "MIT"))
    damaged = reference(1, "BSD-3-Clause")
    (folder / "mixed" / "foreign" / damaged.file_name).write_bytes(dumps(damaged).replace(b"0.5", b"0.6"))
    build(folder / "plain", site, folder / "a")
    return folder / "a", folder / "b", build(folder / "mixed", site, folder / "b")


def contents(out: Path) -> dict[str, bytes]:
    """All but their own page, and the two that lead to it without the sentence that does."""
    found = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    own = re.compile(r"foreign(_\d+)?\.html")
    files = {name: path.read_bytes() for name, path in found.items() if not own.fullmatch(name)}
    return files | {name: re.sub(rb"\n[^\n]*foreign\.html[^\n]*", b"", files[name]) for name in LEADING}


LEADING = ("index.html", "boards.html")


def test_everything_but_their_own_page_is_the_same_with_and_without_them(sites: tuple[Path, Path, Built]) -> None:
    plain, mixed, _ = sites
    first, second = contents(plain), contents(mixed)
    assert {"index.html", "scores.html", "data/results.csv", "data/results.json", "data/scores.csv"} <= first.keys()
    assert [name for name in first if first[name] != second.get(name)] == []
    assert first.keys() == second.keys()


@pytest.mark.parametrize("name", LEADING)
def test_a_page_of_boards_leads_to_them_in_one_sentence_where_there_are_any_and_nowhere_else(
    sites: tuple[Path, Path, Built], parse: Callable[[Path], Any], name: str
) -> None:
    plain, mixed, _ = sites
    led = [
        [names for _, names in parse(out / name).found if names.get("href") == "foreign.html"] for out in (plain, mixed)
    ]
    assert [len(links) for links in led] == [0, 1]
    assert f"{3 + LINES} figures that others published" in " ".join(" ".join(parse(mixed / name).text).split())


def test_figures_in_units_that_no_board_has_are_not_led_to(make_row: Callable[..., Row]) -> None:
    units: tuple[Unit, ...] = ("W", "J/request", "J/image", "J/image")
    rows = tuple(figure(number).model_copy(update={"unit": unit}) for number, unit in enumerate(units))
    found = References(shown=(reference(1).model_copy(update={"rows": rows}),), refused=())
    assert [found.alike(boards_of([make_row(unit=unit)])) for unit in ("token", "image")] == [0, 2]
    assert found.alike(()) == 0


def test_each_stands_with_its_source_its_licence_and_the_day(
    sites: tuple[Path, Path, Built], parse: Callable[[Path], Any]
) -> None:
    text = " ".join(" ".join(parse(sites[1] / "foreign.html").text).split())
    for words in ("https://example.org/data?a=1&b=2", "2026-11-20", "Apache-2.0", "MIT", "500 mJ/token", "chat 0"):
        assert words in text
    assert "never ranked" in text
    for why in ("other work", "other boundaries", "other meters"):
        assert why in text


def test_they_are_in_the_order_of_the_source_and_nothing_sorts_them(
    sites: tuple[Path, Path, Built], parse: Callable[[Path], Any]
) -> None:
    pages = [sites[1] / "foreign.html", sites[1] / "foreign_2.html"]
    elements = [element for page in pages for element in parse(page).found]
    assert not [names for _, names in elements if "data-sortable" in names or "data-row" in names]
    numbers = [int(found) for page in pages for found in re.findall(r"<bdi>chat (\d+)</bdi>", page.read_text())]
    assert sorted(numbers) == sorted([*range(3), *range(LINES)])
    assert max(len(parse(page).found) for page in pages) < MOST_ELEMENTS


def test_an_unknown_accelerator_is_said_to_be_unknown(
    sites: tuple[Path, Path, Built], parse: Callable[[Path], Any]
) -> None:
    text = " ".join(parse(sites[1] / "foreign.html").text)
    assert "unknown: the source names none" in text
    assert "2 × " in text


def test_markup_in_a_note_is_text(sites: tuple[Path, Path, Built]) -> None:
    page = (sites[1] / "foreign.html").read_text()
    assert "weights &lt;b&gt;bfloat16&lt;/b&gt;; batch 8" in page


def test_no_address_of_others_is_a_link(sites: tuple[Path, Path, Built], parse: Callable[[Path], Any]) -> None:
    links = [names["href"] for _, names in parse(sites[1] / "foreign.html").found if "href" in names]
    assert links
    assert not [link for link in links if ":" in link]


def test_a_damaged_one_is_refused_by_name_and_the_others_are_shown(
    sites: tuple[Path, Path, Built], parse: Callable[[Path], Any]
) -> None:
    _, mixed, made = sites
    (skipped,) = made.skipped
    assert [finding.rule for finding in skipped.findings] == ["foreign-name"]
    text = " ".join(parse(mixed / "foreign.html").text)
    assert skipped.path.name in text
    assert "foreign-name" in text


def test_the_page_of_data_leads_to_them_and_without_any_the_page_says_so(
    sites: tuple[Path, Path, Built], parse: Callable[[Path], Any]
) -> None:
    plain, _, _ = sites
    assert "foreign.html" in {names.get("href") for _, names in parse(plain / "data.html").found}
    assert "None yet." in " ".join(parse(plain / "foreign.html").text)


def test_they_are_in_no_download(sites: tuple[Path, Path, Built]) -> None:
    data = [path for path in (sites[1] / "data").rglob("*") if path.is_file()]
    assert not [path for path in data if b"Example/Model" in path.read_bytes()]
    assert json.loads((sites[1] / "data" / "results.json").read_bytes())["rows"]
