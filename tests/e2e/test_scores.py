"""Scores in a real browser, opened from disk, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import workloads
from suite.leaderboard import build

ROOT = Path(__file__).parents[2]
LAPTOP, WORKSTATION, PARTIAL = 8, 6, 1
"""Results of the generator: two of whole machines, and one that ran two workloads only."""


@pytest.fixture(scope="module")
def out(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two systems that have a score and one that has not."""
    folder = tmp_path_factory.mktemp("scores")
    every = tuple(name for name in workloads.names() if name != "calib")
    for index, names in ((LAPTOP, every), (WORKSTATION, every), (PARTIAL, ("gpt", "resnet"))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(synthetic, "WORKLOADS", names)
            result = synthetic.result(index, 1)
        synthetic.write_atomically(folder / "results" / result.system.slug / result.file_name, synthetic.dumps(result))
    build(folder / "results", ROOT / "site", folder / "out")
    return folder / "out"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page without JavaScript: a score must open all the same."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def measured(page: Any, out: Path) -> Any:
    """The part of the page that holds scores of measured systems within the device boundary."""
    page.goto((out / "scores.html").as_uri())
    return page.locator("section", has=page.locator("#s-1-device-measured"))


def test_a_score_opens_into_parts_that_lead_to_their_rows_by_keyboard_alone(page: Any, out: Path) -> None:
    row = measured(page, out).locator("table.board").first.locator("tbody tr").first
    assert not row.locator(".parts").is_visible()
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    assert row.locator(".parts").is_visible()
    assert row.locator(".parts tbody tr").count() == 24
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/results/*/*.html")
    assert page.locator("h1").count() == 1


def test_every_score_stands_with_rank_interval_and_full_coverage(page: Any, out: Path) -> None:
    rows = measured(page, out).locator("table.board").first.locator("tbody > tr:not(.parts tr)")
    found = [[cell.strip() for cell in row.locator("> *").all_inner_texts()] for row in rows.all()]
    assert [cells[0] for cells in found] == ["1", "2"]
    assert all("–" in cells[2] and cells[3] == "24/24" for cells in found)


def test_a_system_without_full_coverage_stands_apart_with_what_is_missing_and_the_command(page: Any, out: Path) -> None:
    apart = measured(page, out).locator("table.board").last
    assert "5/24" in apart.inner_text()
    apart.locator("summary").first.click()
    assert "bert train" in apart.inner_text()
    assert "python -m suite run --backend cpu --size s" in apart.inner_text()


def test_a_systems_page_names_its_strongest_and_its_weakest_item(page: Any, out: Path) -> None:
    page.goto((out / "systems" / "example-rtx-4090-workstation.html").as_uri())
    section = page.locator("#score-s-1-device-measured-cuda")
    assert "Strongest item" in section.inner_text()
    assert "Weakest item" in section.inner_text()
    assert "24/24" in section.inner_text()


def test_the_page_stays_light_and_within_the_phone(browser: Any, out: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    for name in ("scores.html", "systems/example-rtx-4090-workstation.html"):
        opened.goto((out / name).as_uri())
        assert opened.evaluate("() => document.querySelectorAll('*').length") < 3000
        assert opened.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert complaints == []
    context.close()
