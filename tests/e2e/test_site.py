"""The site in a real browser, opened from disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import build

ROOT = Path(__file__).parents[2]
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}

BOARD = "boards/gpt/train/s/v2-device-measured-token.html"
PAGES = (
    "index.html",
    BOARD,
    "boards/gpt/train/s/v2-device-estimated-token.html",
    "boards/gpt/train/s/v2-device-none-token.html",
    "boards/calib/matmul/m/v1-device-measured-flop.html",
    "boards.html",
    "systems.html",
    "systems/example-h100-server.html",
    "RESULT",
    "CELL",
    "excluded.html",
    "methodology.html",
    "workloads.html",
    "submit.html",
    "data.html",
    "404.html",
)

CONTRASTS = """() => {
  const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (colour) => {
    const linear = (one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = colour.map((one) => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = channels(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const rated = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || box.width < 2 || box.height < 2 || element.tagName === "title") continue;
    const style = getComputedStyle(element);
    const front = channels(element instanceof SVGElement ? style.fill : style.color).slice(0, 3);
    const [high, low] = [light(front), light(behind(element))].sort((a, b) => b - a);
    rated.push([(high + 0.05) / (low + 0.05), element.className.toString() + " " + element.textContent.slice(0, 40)]);
  }
  return rated;
}"""


@pytest.fixture(scope="session")
def out(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a dozen invented results and a damaged file."""
    folder = tmp_path_factory.mktemp("site")
    synthetic.write(folder / "results", 12)
    (folder / "results" / "damaged.json").write_text("{")
    build(folder / "results", ROOT / "site", folder / "out")
    return folder / "out"


@pytest.fixture
def visit(out: Path, open_file: Any) -> Callable[..., Any]:
    """Opens a page by its name; RESULT and CELL stand for any one of them."""

    def opened(name: str, **options: Any) -> Any:
        patterns = {"RESULT": "results/*.html", "CELL": "results/*/1.html"}
        return open_file(next(out.glob(patterns[name])) if name in patterns else out / name, **options)

    return opened


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_complaint_and_asks_for_nothing_elsewhere(visit: Any, out: Path, name: str) -> None:
    opened = visit(name)
    assert opened.complaints == []
    assert opened.requests
    assert all(url.startswith(out.as_uri()) for url in opened.requests)
    assert opened.page.locator("h1").count() == 1


def test_the_content_policy_is_in_force(visit: Any) -> None:
    opened = visit("index.html")
    opened.page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        " document.body.append(script); }"
    )
    assert opened.page.evaluate("() => window.ran") is None
    assert "Content Security Policy" in " ".join(opened.complaints)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_first_five_rows_are_on_the_first_screen(visit: Any, size: dict[str, int]) -> None:
    rows = visit("index.html", size=size).page.locator("table.board").first.locator("tbody tr")
    box = rows.nth(4).bounding_box()
    assert box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(visit: Any, name: str, size: dict[str, int]) -> None:
    width = visit(name, size=size).page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= size["width"]


def test_a_board_is_whole_without_javascript(visit: Any) -> None:
    with_script = visit(BOARD).page
    without = visit(BOARD, java_script_enabled=False).page
    rows = with_script.locator("tbody tr").count()
    assert rows > 5
    assert without.locator("tbody tr").count() == rows
    assert without.locator("button, input").count() == 0
    assert without.locator("tbody tr").first.inner_text() == with_script.locator("tbody tr").first.inner_text().strip()


def test_a_header_sorts_by_keyboard_and_says_so(visit: Any) -> None:
    page = visit(BOARD).page
    header = page.locator("thead th", has_text="tokens/s")
    column = header.evaluate("cell => cell.cellIndex")

    def values() -> list[float]:
        cells = page.locator(f"tbody tr > :nth-child({column + 1})")
        return [float(text.replace(",", "")) for text in cells.all_inner_texts()]

    before = values()
    header.locator("button").focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert values() == sorted(before) != before
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert values() == sorted(before, reverse=True)
    assert page.locator("[aria-sort]").count() == 1


def test_unknown_values_stay_last_in_either_direction(visit: Any) -> None:
    page = visit(BOARD).page
    button = page.locator("thead th", has_text="/token").locator("button")
    first_values = []
    for _ in range(2):
        button.click()
        texts = page.locator("tbody tr td.strong").all_inner_texts()
        known = [not text.startswith("—") for text in texts]
        assert known == sorted(known, reverse=True)
        first_values.append(texts[0])
    assert first_values[0] != first_values[1]


def test_the_filter_shows_rows_with_all_its_words(visit: Any) -> None:
    page = visit(BOARD).page
    everything = page.locator("tbody tr").count()
    page.get_by_label("Show rows with").fill("JAX h100")
    texts = page.locator("tbody tr:visible").all_inner_texts()
    assert 0 < len(texts) < everything
    assert all("jax" in text.lower() and "H100" in text for text in texts)
    assert page.get_by_role("status").inner_text().startswith(f"{len(texts)} of {everything} rows")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_all_text_stands_out_from_its_ground(visit: Any, name: str, scheme: Any) -> None:
    rated = visit(name, color_scheme=scheme).page.evaluate(CONTRASTS)
    assert len(rated) > 5
    assert [pair for pair in rated if pair[0] < 4.5] == []


def test_dark_is_dark_and_light_is_light(visit: Any) -> None:
    grounds = [
        visit("index.html", color_scheme=scheme).page.evaluate(
            "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )
        for scheme in ("light", "dark")
    ]
    assert min(grounds[0]) > 200
    assert max(grounds[1]) < 60


def test_a_refused_file_is_in_sight(visit: Any) -> None:
    page = visit("index.html").page
    notice = page.locator(".notice", has_text="damaged.json")
    assert notice.is_visible()
    notice.get_by_role("link").click()
    page.locator("tr", has_text="damaged.json").wait_for(state="visible")


def to_a_cell(page: Any) -> None:
    """From a system's page by its newest result to a cell that was disturbed and ran all the same."""
    page.get_by_role("region", name="Results of this system").locator("tbody th a").first.click()
    page.wait_for_url("**/results/*.html")
    page.locator("#cell-4 th a").click()
    page.wait_for_url("**/results/*/4.html")


def test_a_link_from_before_cells_had_pages_leads_to_the_cell_s_row(visit: Any) -> None:
    page = visit("RESULT").page
    page.goto(page.url + "#cell-3")
    assert page.locator("tr:target").is_visible()
    page.locator("tr:target th a").click()
    page.wait_for_url("**/results/*/3.html")


def test_a_badge_is_shown_beside_what_embeds_it(visit: Any) -> None:
    page = visit("CELL").page
    badge = page.locator("img")
    assert badge.evaluate("image => image.naturalHeight") == 20
    page.get_by_text("Show this badge elsewhere").click()
    snippet = page.locator("details", has=page.get_by_text("Show this badge elsewhere")).locator("pre").first
    assert badge.get_attribute("src").removeprefix("../../") in snippet.inner_text()
    page.get_by_text("BibTeX").click()
    assert page.get_by_text("@misc{joulemark-").is_visible()


def test_a_power_trace_is_drawn_with_its_windows(visit: Any) -> None:
    page = visit("systems/example-h100-server.html").page
    to_a_cell(page)
    drawing = page.locator("figure.trace > svg").first
    assert drawing.bounding_box()["width"] > 600
    assert drawing.locator("path.power").count() >= 3
    assert drawing.locator("path.shade").get_attribute("d").count("z") >= 2
    assert drawing.locator("path.power").first.evaluate("line => getComputedStyle(line).stroke") != "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_opened_result_fits_a_phone_and_all_its_text_stands_out(visit: Any, scheme: Any) -> None:
    page = visit("systems/example-h100-server.html", size=PHONE, color_scheme=scheme).page
    to_a_cell(page)
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.locator(".surroundings table").first.is_visible()
    rated = page.evaluate(CONTRASTS)
    assert any("Median" in text for _, text in rated)
    assert [pair for pair in rated if pair[0] < 4.5] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]


def test_clocks_and_temperatures_are_drawn_below_the_power(visit: Any) -> None:
    page = visit("systems/example-h100-server.html").page
    to_a_cell(page)
    drawing = page.locator("figure.trace > svg").first
    lowest = drawing.locator("path.power").evaluate_all(
        "lines => Math.max(...lines.map((line) => line.getBoundingClientRect().bottom))"
    )
    assert drawing.locator("path.thin").count() >= 3
    for line in drawing.locator("path.thin").all():
        box = line.bounding_box()
        assert box["y"] > lowest
        assert box["y"] + box["height"] < drawing.bounding_box()["y"] + drawing.bounding_box()["height"]


def test_a_code_leads_to_its_meaning(visit: Any) -> None:
    page = visit("systems/example-h100-server.html").page
    to_a_cell(page)
    page.locator("ul.events a.chip.warn").first.click()
    page.wait_for_url("**#reason-*")
    assert page.locator("tr:target").is_visible()
    assert "#reason-" in page.url
