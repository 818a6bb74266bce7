"""Sorting, filtering, ranking and picking on a board, in a real browser, opened from disk."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import build
from suite.leaderboard.ranking.boards import band_text
from suite.statistics import Summary, rank_bands

ROOT = Path(__file__).parents[2]
BOARD = "boards/gpt/train/s/v2-device-measured-token.html"
LEAST_ROWS = 9

ROWS = """() => Array.from(document.querySelectorAll("tbody tr"), (row) => ({
  id: row.dataset.row, system: row.dataset.system, framework: row.dataset.framework,
  low: row.dataset.low, high: row.dataset.high,
  rank: row.querySelector(".rank").textContent.trim(), ranked: row.querySelector(".rank").dataset.ranked === "",
  energy: row.querySelector("td.strong").dataset.value,
}))"""


@pytest.fixture(scope="module")
def board(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of a site of invented results."""
    folder = tmp_path_factory.mktemp("tables")
    synthetic.write(folder / "results", 12)
    build(folder / "results", ROOT / "site", folder / "out")
    return folder / "out" / BOARD


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    made = browser.new_context(viewport={"width": 1366, "height": 768})
    yield made
    made.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A page that may complain of nothing."""
    complaints: list[str] = []
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    opened.set_default_navigation_timeout(60_000)
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    assert complaints == []


def visit(page: Any, board: Path, address: str = "") -> Any:
    """The page with that address, loaded anew."""
    page.goto("about:blank")
    page.goto(board.as_uri() + address)
    return page


def hash_of(page: Any) -> str:
    return str(page.evaluate("() => location.hash"))


def status(page: Any) -> str:
    return str(page.get_by_role("status").inner_text())


def bands(rows: list[dict[str, Any]]) -> list[str | None]:
    ranked = [row for row in rows if row["ranked"]]
    energies = [
        Summary(median=0, low=float(row["low"]), high=float(row["high"]), repeats=3, spread=0) for row in ranked
    ]
    return [band_text(band) for band in rank_bands(energies)]


def test_a_filter_ranks_anew_says_so_and_is_taken_back(page: Any, board: Path) -> None:
    everything = visit(page, board).evaluate(ROWS)
    assert len(everything) >= LEAST_ROWS
    assert [row["rank"] for row in everything if row["ranked"]] == bands(everything)
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("jax", exact=True).check()
    shown = page.evaluate(ROWS)
    assert shown == [row | {"rank": one["rank"]} for row, one in zip(of(everything, "jax"), shown, strict=True)]
    assert [row["rank"] for row in shown if row["ranked"]] == bands(shown)
    assert [row["rank"] for row in shown] != [row["rank"] for row in of(everything, "jax")]
    note = (
        f"{len(shown)} of {len(everything)} rows match; ranks are among these {len(shown)}, not all {len(everything)}."
    )
    assert status(page) == note
    page.get_by_role("button", name="Clear filters").click()
    assert page.evaluate(ROWS) == everything
    assert status(page) == ""
    assert hash_of(page) == ""


def of(rows: list[dict[str, Any]], framework: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["framework"] == framework]


def test_the_address_holds_what_was_done_and_gives_the_same_view(page: Any, board: Path) -> None:
    visit(page, board)
    page.get_by_role("button", name="tokens/s").click()
    page.get_by_role("button", name="tokens/s").click()
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("torch", exact=True).check()
    page.get_by_label("Show rows with").fill("example h100")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Repeats", exact=True).uncheck()
    seen = page.evaluate(ROWS)
    address = hash_of(page)
    expected = r"#sort=speed&dir=desc&framework=torch&q=example\+h100&cols=rank,energy,.*,precision,grade,class,date"
    assert re.fullmatch(expected, address)
    assert visit(page, board, address).evaluate(ROWS) == seen != []
    assert page.get_by_label("Show rows with").input_value() == "example h100"
    assert page.locator("[aria-sort='descending']").inner_text().startswith("tokens/s")
    assert page.locator("thead th", has_text="Repeats").is_hidden()
    assert page.locator("tbody td:visible").count() == len(seen) * (page.locator("thead th:visible").count() - 1)


RANDOM_STATES = """(count) => {
  let seed = 7;
  const random = (most) => { seed = (seed * 48271) % 2147483647; return seed % most; };
  const some = (values) => values.filter(() => random(10) < 4);
  const { shape } = Tables[0];
  const bounds = () => Object.fromEntries(some(shape.ranges).map((name) => [name, random(1e6) / 1e9]));
  const columns = some(shape.optional);
  return Array.from({ length: count }, () => {
    const facets = Object.entries(shape.facets).map(([name, values]) => [name, some(values)]);
    return {
      sort: [null, ...shape.sortable][random(shape.sortable.length + 1)], dir: ["asc", "desc"][random(2)],
      q: some(["h100", "a&b=c", "100%", "+1", "ß 🙂"]).join(" "), best: random(2) === 0,
      facets: Object.fromEntries(facets.filter(([, values]) => values.length)), least: bounds(), most: bounds(),
      columns: columns.length < shape.optional.length ? [null, columns][random(2)] : null,
      listed: State.LISTED[random(State.LISTED.length)], page: 1 + random(3), picked: some(shape.rows).slice(0, 8),
    };
  }).map((state) => {
    const address = State.write(state, shape);
    return { state, address, back: State.read(`#${address}`, shape) };
  });
}"""


def test_a_thousand_random_states_of_a_real_board_come_back_from_their_addresses(page: Any, board: Path) -> None:
    found = visit(page, board).evaluate(RANDOM_STATES, 1000)
    assert len({one["address"] for one in found}) > 950
    assert [one for one in found if one["back"] != {"state": one["state"], "unknown": []}] == []
    for one in found[:20]:
        visit(page, board, f"#{one['address']}")
        assert page.evaluate("() => Tables[0].state") == one["state"]
        assert "does not know" not in status(page)


def test_back_and_forward_go_from_view_to_view(page: Any, board: Path) -> None:
    views = [visit(page, board).evaluate(ROWS)]
    for name in ("Mean W", "Precision"):
        page.get_by_role("button", name=name).click()
        views.append(page.evaluate(ROWS))
    page.get_by_label("Show rows with").press_sequentially("h100")  # typing is one step
    views.append(page.evaluate(ROWS))
    for number in (2, 1, 0):
        page.go_back()
        assert page.evaluate(ROWS) == views[number]
    assert page.get_by_label("Show rows with").input_value() == ""
    for number in (1, 2, 3):
        page.go_forward()
        assert page.evaluate(ROWS) == views[number]
    assert len({str(view) for view in views}) == 4


def test_what_a_link_names_and_the_page_does_not_know_is_said(page: Any, board: Path) -> None:
    visit(page, board, "#foo=1&framework=torch,mxnet&pick=gone:1")
    names = "'foo', 'framework=mxnet', 'pick=gone:1'"
    assert status(page).startswith(f"This link names {names}, which this page does not know.")
    assert {row["framework"] for row in page.evaluate(ROWS)} == {"torch"}
    page.get_by_role("button", name="Clear filters").click()
    assert status(page) == ""


def test_what_is_searched_does_not_hang_on_the_ranks_of_the_moment(page: Any, board: Path) -> None:
    texts = "() => Tables[0].items.map((item) => item.text())"
    before = visit(page, board).evaluate(texts)
    assert visit(page, board, "#framework=jax").evaluate(texts) == before
    assert all("example" in text for text in before)


def test_a_place_on_the_page_leaves_the_view_alone(page: Any, board: Path) -> None:
    seen = visit(page, board, "#q=h100").evaluate(ROWS)
    page.evaluate("() => { location.hash = 'main'; }")
    assert page.evaluate(ROWS) == seen
    assert status(page).startswith(f"{len(seen)} of ")


def test_a_bound_is_given_in_the_column_s_unit_and_linked_in_joules(page: Any, board: Path) -> None:
    everything = visit(page, board).evaluate(ROWS)
    header = page.locator("th[data-key=energy]")
    factor = float(header.get_attribute("data-factor"))
    assert factor != 1
    known = sorted(float(row["energy"]) for row in everything if row["energy"])
    limit = float(f"{known[len(known) // 2] / factor:.3g}")
    page.get_by_text("Filters", exact=True).click()
    group = page.get_by_role("group", name="J/token")
    group.get_by_label("at most").fill(str(limit))
    group.get_by_label("at most").press("Enter")
    left = [float(row["energy"]) for row in page.evaluate(ROWS)]
    assert left == [value for value in known if value <= limit * factor] != []
    assert float(re.fullmatch(r"#energy-max=(.*)", hash_of(page))[1]) == pytest.approx(limit * factor)  # type: ignore[index]
    visit(page, board, hash_of(page)).get_by_text("Filters", exact=True).click()
    assert float(page.get_by_role("group", name="J/token").get_by_label("at most").input_value()) == limit


def test_a_filter_in_force_is_a_button_that_removes_it(page: Any, board: Path) -> None:
    visit(page, board, "#framework=jax&q=h100")
    page.get_by_role("button", name="Remove filter framework: jax").click()
    assert hash_of(page) == "#q=h100"
    assert page.evaluate("() => document.activeElement.type") == "search"


def test_nothing_found_says_which_filter_to_drop(page: Any, board: Path) -> None:
    everything = visit(page, board).evaluate(ROWS)
    visit(page, board, "#framework=jax&q=no+such+words")
    assert page.locator("tbody tr").count() == 0
    there = len(of(everything, "jax"))
    assert status(page) == (
        f"0 of {len(everything)} rows match. Without “with “no such words”” there would be {there}."
    )


def test_two_to_eight_rows_are_picked_for_comparing(page: Any, board: Path) -> None:
    rows = visit(page, board).evaluate(ROWS)
    link = page.get_by_role("link", name=re.compile("Compare"))
    boxes = page.locator("tbody input[type=checkbox]")
    boxes.nth(0).check()
    assert link.count() == 0
    for number in range(1, 8):
        boxes.nth(number).check()
        assert link.inner_text() == f"Compare {number + 1} rows"
    ids = ",".join(row["id"] for row in rows[:8])
    assert link.get_attribute("href") == f"../../../../compare.html#rows={ids}"
    assert hash_of(page) == f"#pick={ids}"
    boxes.nth(8).click()
    assert not boxes.nth(8).is_checked()
    assert status(page) == "At most 8 rows are compared at once."
    assert visit(page, board, f"#pick={ids}").locator("tbody input:checked").count() == 8


def test_a_picked_row_names_its_boundary_where_that_is_not_the_device(page: Any, board: Path) -> None:
    visit(page, board.with_name(board.name.replace("device", "machine")))
    for number in (0, 1):
        page.locator("tbody input[type=checkbox]").nth(number).check()
    picked = hash_of(page).removeprefix("#pick=").split(",")
    assert [name.split(":")[2:] for name in picked] == [["machine"], ["machine"]]
    with page.expect_request(re.compile("/compare.html")):
        page.locator(".compare").click()


def test_a_board_is_worked_by_keyboard_alone(page: Any, board: Path) -> None:
    visit(page, board)
    seen: list[str] = []

    def walk_to(what: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle"))
            if page.evaluate("(what) => document.activeElement.matches(what)", what):
                return
        pytest.fail(f"the keyboard does not lead to {what}")

    walk_to("input[type=search]")
    page.keyboard.type("example")
    walk_to("summary")
    page.keyboard.press("Enter")
    walk_to("input[value=torch]")
    page.keyboard.press("Space")
    walk_to("select")
    page.keyboard.press("ArrowUp")
    walk_to("th[data-key=speed] button")
    page.keyboard.press("Enter")
    walk_to("tbody input[type=checkbox]")
    page.keyboard.press("Space")
    assert page.evaluate("() => document.activeElement.checked")  # the focus stays where it was
    walk_to("tbody input[type=checkbox]")
    page.keyboard.press("Space")
    picked = ",".join(row["id"] for row in page.evaluate(ROWS)[:2])
    assert hash_of(page) == f"#sort=speed&framework=torch&q=example&show=25&pick={picked}"
    assert set(seen) == {"solid"}
    page.locator(".compare").focus()
    with page.expect_request(re.compile("/compare.html")):
        page.keyboard.press("Enter")


def test_a_board_on_several_pages_says_what_it_does_not_see(page: Any, board: Path) -> None:
    assert "This page holds" not in status(visit(page, board))
    rows = page.locator("tbody tr").count()
    part = board.with_name("part.html")
    part.write_text(
        re.sub(r'data-total="\d+"', 'data-total="340"', board.read_text(encoding="utf-8")), encoding="utf-8"
    )
    alone = f"This page holds {rows} of 340 rows; sorting and filters see no others."
    assert status(visit(page, part)) == alone
    assert status(visit(page, part, "#framework=jax")).endswith(f"not all 340. {alone}")


@pytest.fixture(scope="module")
def long_board(board: Path) -> Path:
    """The same board with 2,000 rows."""
    text = board.read_text(encoding="utf-8")
    before, after = text.index("<tbody>"), text.index("</tbody>")
    rows = text[before + len("<tbody>") : after]
    many = "".join(_renamed(rows, number) for number in range(2_000 // rows.count("<tr ") + 1))
    long = board.with_name("long.html")
    kept = "<tr ".join(many.split("<tr ")[:2_001])
    long.write_text(re.sub(r'data-total="\d+"', "", text[:before]) + f"<tbody>{kept}" + text[after:], encoding="utf-8")
    return long


def _renamed(rows: str, number: int) -> str:
    return re.sub(r'data-row="\w+', f'data-row="{number:012x}', rows).replace("<bdi>", f"<bdi>{number} ")


def test_of_two_thousand_rows_only_the_listed_ones_are_in_the_document(page: Any, long_board: Path) -> None:
    visit(page, long_board)
    assert page.locator("tbody tr").count() == 50
    assert status(page) == "Rows 1 to 50 are listed."
    page.get_by_role("button", name="tokens/s").click()
    page.get_by_role("button", name="tokens/s").click()
    speeds = page.locator("tbody tr > [data-value]:nth-child(8)").evaluate_all(
        "cells => cells.map((one) => Number(one.dataset.value))"
    )
    assert len(speeds) == 50
    assert len(set(speeds)) == 1
    page.get_by_label("Show rows with").fill("9 example")
    assert re.fullmatch(
        r"\d+ of 2000 rows match; ranks are among these \d+, not all 2000\. Rows 1 to 50 are listed\.", status(page)
    )


def test_the_theme_follows_the_system_until_the_reader_chooses(browser: Any, board: Path) -> None:
    context = browser.new_context(color_scheme="light")
    page = visit(context.new_page(), board)

    def ground() -> int:
        return min(page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"))

    assert ground() > 200
    button = page.locator("button.theme")
    assert button.inner_text() == "Theme: auto"
    button.click()
    assert (button.inner_text(), ground() < 60) == ("Theme: dark", True)
    page.reload()
    assert (button.inner_text(), ground() < 60) == ("Theme: dark", True)
    page.emulate_media(media="print")
    assert ground() > 200
    context.close()


def test_a_choice_of_theme_needs_no_storage(context: Any, page: Any, board: Path) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    visit(page, board).locator("button.theme").click()
    assert page.locator("button.theme").inner_text() == "Theme: dark"


def test_paper_shows_the_table_without_its_fields(page: Any, board: Path) -> None:
    visit(page, board, "#framework=jax").emulate_media(media="print")
    assert page.locator(".fields label:visible, .fields button:visible, .fields a:visible, .pick:visible").count() == 0
    assert page.get_by_role("status").is_visible()


def test_without_javascript_the_board_is_whole_and_offers_nothing_that_would_not_work(
    browser: Any, page: Any, board: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    plain = visit(context.new_page(), board, "#framework=jax&q=h100")
    assert plain.locator("tbody tr").count() == len(visit(page, board).evaluate(ROWS))
    assert plain.locator("button, input, select, .fields, .pick").count() == 0
    assert plain.locator("tbody tr").all_inner_texts() == [
        text.strip() for text in page.locator("tbody tr").all_inner_texts()
    ]
    context.close()


def test_one_row_of_each_system_is_ranked_anew_said_and_linked(page: Any, board: Path) -> None:
    everything = visit(page, board).evaluate(ROWS)
    systems = [row["system"] for row in everything]
    assert len(set(systems)) < len(systems)
    page.get_by_label("Best row of each system").check()
    shown = page.evaluate(ROWS)
    assert [row["system"] for row in shown] == list(dict.fromkeys(systems))
    assert [row["rank"] for row in shown if row["ranked"]] == bands(shown)
    assert status(page) == (
        f"{len(shown)} of {len(everything)} rows, each the best of its system; "
        f"ranks are among these {len(shown)}, not all {len(everything)}."
    )
    assert hash_of(page) == "#best=system"
    assert visit(page, board, "#best=system").evaluate(ROWS) == shown
    page.get_by_role("button", name="Remove filter best row of each system").click()
    assert page.evaluate(ROWS) == everything


def test_the_rows_that_are_shown_can_be_saved(page: Any, board: Path) -> None:
    visit(page, board, "#best=system&sort=speed&dir=desc&cols=energy,speed,framework")
    with page.expect_download() as told:
        page.get_by_role("button", name="Save as CSV").click()
    lines = list(csv.reader(Path(told.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    assert told.value.suggested_filename == "gpt-train-size-s.csv"
    assert lines[0][:2] == ["row", "System"]
    assert [name.split(" ")[0] for name in lines[0][2:]] == ["mJ/token", "tokens/s", "Framework"]
    assert [line[0] for line in lines[1:]] == [row["id"] for row in page.evaluate(ROWS)]
    assert not any(" · " in line[1] for line in lines)
    speeds = [float(line[3]) for line in lines[1:]]
    assert speeds == sorted(speeds, reverse=True)


def test_on_a_phone_each_row_says_its_configuration_beside_the_name(browser: Any, board: Path) -> None:
    for width, is_seen in ((390, True), (1366, False)):
        context = browser.new_context(viewport={"width": width, "height": 844})
        told = visit(context.new_page(), board).locator("tbody .narrow").first
        assert told.is_visible() == is_seen
        assert " · bf16 · batch " in told.text_content()
        context.close()
