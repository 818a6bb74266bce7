"""How a result is named and shown elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from suite.check.findings import Checked
from suite.leaderboard.render import Pages
from suite.leaderboard.result import badges, citation, details
from suite.leaderboard.result.details import CellView
from suite.leaderboard.result.pages import write_pages
from suite.record import Result
from suite.roofline import calibrations

Parse = Callable[[Path], Any]
HOSTILE = "<script>x</script> \"{}%&#_$^~\\ '"


def result_of(synthetic: ModuleType, word: str) -> Result:
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if word in machine.name)
    made: Result = synthetic.result(index, 1)
    return made


def cell_of(result: Result, **wanted: Any) -> CellView:
    return next(
        cell
        for cell in details.cells(result)
        if all(getattr(cell.result, name) == value for name, value in wanted.items())
    )


def named(result: Result, name: str) -> Result:
    return result.model_copy(update={"system": result.system.model_copy(update={"name": name})})


@pytest.mark.parametrize("word", ["H100", "virtual machine", "TPU", "simulated"])
def test_a_citation_names_version_date_result_and_the_figure_with_interval_and_class(
    synthetic: ModuleType, word: str
) -> None:
    result = result_of(synthetic, word)
    cell = cell_of(result, outcome="ok")
    cost = cell.main_cost
    assert cost is not None
    for text in (citation.of_cell(result, cell).sentence, citation.of_cell(result, cell).bibtex):
        for part in ("Joulemark 0.1.0", result.id, f"cell {cell.number}", result.date, result.system.name):
            assert part in text
        if cost.energy is None:
            assert "energy unknown" in text
        else:
            for part in (cost.energy, cost.energy_unit, cost.interval, cost.meter_class, "device boundary"):
                assert part is not None
                assert part in text


def test_an_estimate_is_cited_with_its_range_and_not_with_an_interval(synthetic: ModuleType) -> None:
    result = result_of(synthetic, "virtual machine")
    told = citation.figure(cell_of(result, outcome="ok"))
    assert "range" in told
    assert "95 %" not in told


def test_a_result_is_cited_without_a_figure(synthetic: ModuleType) -> None:
    result = result_of(synthetic, "H100")
    found = citation.of_result(result)
    assert found.sentence == (
        f"Energy of AI work on Example H100 server. Joulemark 0.1.0, result {result.id}, {result.date}."
    )
    assert "note" not in found.bibtex
    assert f"year = {{{result.date[:4]}}}" in found.bibtex


def test_a_failed_cell_is_cited_with_its_outcome(synthetic: ModuleType) -> None:
    result = result_of(synthetic, "H100")
    cell = next(cell for cell in details.cells(result) if cell.result.outcome != "ok")
    assert f"no number ({cell.result.outcome})" in citation.of_cell(result, cell).sentence


def test_no_submitted_text_ends_a_field_of_the_bibtex_entry(synthetic: ModuleType) -> None:
    plain, hostile = (
        citation.of_result(named(result_of(synthetic, "H100"), name)).bibtex for name in ("a}, b = {c", HOSTILE)
    )
    for text in (plain, hostile):
        assert text.count("{") == text.count("}")
        assert re.findall(r"^  (\w+) = ", text, re.M) == ["key", "title", "howpublished", "year", "month"]
        assert not re.search(r"(?<!\\)[%&#$_]", text)


@pytest.fixture
def drawn(synthetic: ModuleType, site: Path, tmp_path: Path) -> tuple[Result, dict[int, ElementTree.Element]]:
    """A result with a hostile name, and its badges by cell."""
    result = named(result_of(synthetic, "H100"), HOSTILE)
    files = write_pages(
        Checked(tmp_path, result, ()), result, calibrations(result), Pages(site / "templates", tmp_path)
    )
    found = [tmp_path / name for name in files if name.endswith(".svg")]
    return result, {int(path.stem): ElementTree.fromstring(path.read_text(encoding="utf-8")) for path in found}


def test_every_cell_has_a_badge_with_its_figure_interval_and_class(
    drawn: tuple[Result, dict[int, ElementTree.Element]],
) -> None:
    result, found = drawn
    assert list(found) == list(range(1, len(result.cells) + 1))
    for cell in details.cells(result):
        words = [one.text for one in found[cell.number].iter("{http://www.w3.org/2000/svg}text")]
        cost = cell.main_cost
        ran = cell.result.cell
        assert words[0] == f"{ran.workload} {ran.mode}, size {ran.size}"
        if cost is None:
            assert words[1] == f"no number: {cell.result.outcome}"
        elif cost.energy is None:
            assert words[1] == "energy unknown"
        else:
            interval = cost.interval or "no interval"
            assert words[1] == f"{cost.energy} {cost.energy_unit} ({interval}), {cost.meter_class}"


def test_a_badge_is_one_drawing_that_asks_for_nothing_and_holds_text_as_text(
    drawn: tuple[Result, dict[int, ElementTree.Element]],
) -> None:
    _, found = drawn
    for one in found.values():
        assert {element.tag.split("}")[1] for element in one.iter()} == {"svg", "title", "rect", "path", "g", "text"}
        assert HOSTILE in one.attrib["aria-label"]
        assert not any("href" in name for element in one.iter() for name in element.attrib)


def test_classes_differ_in_colour(synthetic: ModuleType, site: Path, tmp_path: Path) -> None:
    result = result_of(synthetic, "H100")
    measured, colours = badges.of_cell(result, cell_of(result, outcome="ok")), set()
    for kind in ("measured", "rails", "estimated", "simulated", "bad"):
        Pages(site / "templates", tmp_path).write("badge.svg", "badge.svg", badge=replace(measured, kind=kind))
        colours.add(re.findall(r'<path fill="(#\w+)"', (tmp_path / "badge.svg").read_text(encoding="utf-8"))[0])
    assert len(colours) == 5


def test_a_page_shows_its_badge_and_how_to_embed_it_cite_it_and_run_it_again(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Parse
) -> None:
    result = result_of(synthetic, "H100")
    list(write_pages(Checked(tmp_path, result, ()), result, calibrations(result), Pages(site / "templates", tmp_path)))
    for cell in details.cells(result):
        page = parse(tmp_path / "results" / result.id / f"{cell.number}.html")
        text = "".join(page.text)
        (image,) = [names for tag, names in page.found if tag == "img"]
        assert image["src"] == f"../../results/{result.id}/{cell.number}.svg"
        assert f"](SITE/results/{result.id}/{cell.number}.svg)](SITE/results/{result.id}/{cell.number}.html)" in text
        cited = citation.of_cell(result, cell)
        assert cited.sentence in text
        assert cited.bibtex in text
        assert cell.command in text
    overview = "".join(parse(tmp_path / "results" / f"{result.id}.html").text)
    assert citation.of_result(result).bibtex in overview
