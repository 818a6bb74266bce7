"""A result's power trace as a plot to zoom: every reading over http, the drawing's own points from disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import build
from suite.record import Attempt, Result
from suite.trace import Ticks, counter_uj

ROOT = Path(__file__).parents[2]
MACHINE = 0
"""A result of the generator with several meters and conditions."""

VALUE = "() => document.querySelector('.u-legend').innerText.replace(/\\s+/g, ' ')"


@pytest.fixture(scope="module")
def result(synthetic: ModuleType) -> Result:
    made: Result = synthetic.result(MACHINE, 1)
    return made


@pytest.fixture(scope="module")
def out(synthetic: ModuleType, result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    (folder / "results").mkdir()
    (folder / "results" / f"{result.date}-{result.id}.json").write_bytes(synthetic.dumps(result))
    assert build(folder / "results", ROOT / "site", folder / "out").skipped == ()
    return folder / "out"


@pytest.fixture(scope="module")
def served(out: Path) -> Iterator[str]:
    from site_views import served as serving

    with serving(out) as address:
        yield address.rstrip("/")


def place(result: Result) -> tuple[int, Attempt]:
    """The number of a cell with several windows and meters, and its first attempt."""
    found = ((number, cell.attempts[0]) for number, cell in enumerate(result.cells, start=1) if cell.attempts)
    return next((number, one) for number, one in found if len(one.windows) > 2 and len(one.ticks) > 1)


def page_of(result: Result) -> str:
    return f"results/{result.id}/{place(result)[0]}.html"


def opened(page: Any, address: str) -> Any:
    page.goto(address)
    page.get_by_role("button", name="Zoom and read values").first.click()
    page.locator(".uplot").wait_for()
    return page


def read_at(page: Any, share: float) -> tuple[float, list[float]]:
    """What the legend tells with the pointer at a share of the plot's width: seconds, and watts of each line."""
    box = page.locator(".uplot .u-over").bounding_box()
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_function("() => / W/.test(document.querySelector('.u-legend').innerText)")
    told = page.evaluate(VALUE)
    return float(re.search(r"([\d.]+) s", told)[1]), [float(one) for one in re.findall(r"([\d.]+) W", told)]  # type: ignore[index]


def watts(ticks: Ticks, at_s: float, around_s: float) -> float:
    """Mean power around an instant, by the readings themselves."""
    start, end = (counter_uj(ticks, round((at_s + step) * 1e9)) for step in (-around_s, around_s))
    assert start is not None
    assert end is not None
    return (end - start) / 1e6 / (2 * around_s)


@pytest.fixture(params=["disk", "http"])
def address(request: pytest.FixtureRequest, result: Result, out: Path) -> Callable[[], str]:
    path = page_of(result)
    if request.param == "disk":
        return lambda: (out / path).as_uri()
    server: str = request.getfixturevalue("served")
    return lambda: f"{server}/{path}"


def test_the_plot_tells_the_power_that_the_file_holds(page: Any, result: Result, address: Callable[[], str]) -> None:
    attempt = place(result)[1]
    lines = [one for one in attempt.ticks if not result.meters[one.meter].check and len(one.at_ns) > 1]
    opened(page, address())
    for share in (0.2, 0.35, 0.7):
        at_s, told = read_at(page, share)
        assert told == [pytest.approx(watts(one, at_s, 0.4), rel=0.1) for one in lines]


def test_over_http_every_reading_is_there_and_from_disk_the_drawings_points(
    page: Any, result: Result, out: Path, served: str
) -> None:
    path = page_of(result)
    opened(page, (out / path).as_uri())
    assert "pages opened from disk cannot read the result's file" in page.locator(".zoom").inner_text()
    opened(page, f"{served}/{path}")
    assert "Every reading of the file" in page.locator(".zoom").inner_text()


def test_a_window_is_chosen_without_a_pointer(page: Any, result: Result, address: Callable[[], str]) -> None:
    window = place(result)[1].windows[1]
    opened(page, address())
    chosen = page.get_by_label("Show")
    assert chosen.locator("option").all_inner_texts() == [
        "the whole attempt",
        *(f"window {index + 1}" for index in range(len(place(result)[1].windows))),
    ]
    chosen.select_option(label="window 2")
    for share, at_ns in ((0.01, window.start_ns), (0.99, window.end_ns)):
        assert read_at(page, share)[0] == pytest.approx(at_ns / 1e9, abs=0.6)


def test_the_plot_is_no_part_of_a_page_until_it_is_asked_for(
    open_file: Any, result: Result, out: Path, tmp_path: Path
) -> None:
    visit = open_file(out / page_of(result))
    assert not [one for one in visit.requests if "vendor" in one]
    plain = open_file(out / page_of(result), java_script_enabled=False)
    assert plain.page.get_by_role("button", name="Zoom").count() == 0
    (out / "static" / "vendor" / "uPlot.js").rename(tmp_path / "away.js")
    visit.page.get_by_role("button", name="Zoom and read values").first.click()
    visit.page.get_by_text("The plot could not be loaded.").wait_for()
    (tmp_path / "away.js").rename(out / "static" / "vendor" / "uPlot.js")
