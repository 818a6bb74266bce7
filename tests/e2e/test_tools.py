"""The reader's tools in a real browser, opened from disk; every number held against one computed here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import build
from suite.leaderboard.pages.tool_data import current, described
from suite.leaderboard.ranking.boards import boards_of, in_order
from suite.leaderboard.ranking.frame import Row, rows_of

ROOT = Path(__file__).parents[2]
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
TOOLS = ("compare.html", "pareto.html", "mix.html", "extrapolate.html", "moderation.html")
SCRIPTED = TOOLS[:4]
JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Built:
    out: Path
    rows: list[Row]  # of results that were not withdrawn
    withdrawn: str

    def offered(self, workload: str, mode: str, size: str) -> list[Row]:
        """The rows that the tools choose from on the measured device board, least energy first."""
        board = next(one for one in boards_of(in_order(self.rows)) if (one.workload, one.mode, one.size, one.boundary,
                     one.meter_class) == (workload, mode, size, "device", "measured"))  # fmt: skip
        return current(board)

    def row(self, **wanted: Any) -> Row:
        return next(row for row in self.rows if all(getattr(row, name) == value for name, value in wanted.items()))


@pytest.fixture(scope="session")
def built(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A site of a dozen invented results, the last of which was withdrawn."""
    folder = tmp_path_factory.mktemp("tools")
    synthetic.write(folder / "results", 12)
    results = [synthetic.result(index, 1) for index in range(12)]
    decision = {"date": "2026-02-03", "result": results[-1].id, "action": "withdrawn", "reason": "the <fan> was off"}
    (folder / "results" / "decisions.jsonl").write_text(json.dumps(decision) + "\n")
    build(folder / "results", ROOT / "site", folder / "out")
    rows = [row for result in results[:-1] for row in rows_of(result)]
    return Built(folder / "out", rows, results[-1].id)


@pytest.fixture
def visit(built: Built, open_file: Any) -> Callable[..., Any]:
    """Opens a page by its name and the state behind it."""

    def opened(name: str, **options: Any) -> Any:
        path, _, state = name.partition("#")
        return open_file(built.out / path, state, **options)

    return opened


def outcome(page: Any) -> str:
    return str(page.locator("#outcome").inner_text())


def named(row: Row) -> str:
    return f"{row.result}:{row.cell}"


def table_of(page: Any, where: str = "#machines") -> dict[str, list[str]]:
    """The first line of each row's header -> the first line of each of its cells."""
    found = {}
    for line in page.locator(f"{where} table").first.locator("tbody tr").all():
        head, *cells = [text.strip() for text in line.locator("th, td").all_inner_texts()]
        found[head.split("\n")[0]] = cells
    return found


def number(text: str) -> float:
    """The first number of a text."""
    found = re.search(r"[0-9][0-9,.]*", text)
    assert found, text
    return float(found[0].replace(",", ""))


# Every page


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_tool_opens_without_complaint_and_fits(visit: Any, built: Built, name: str, size: dict[str, int]) -> None:
    opened = visit(name, size=size)
    assert opened.complaints == []
    assert all(url.startswith(built.out.as_uri()) for url in opened.requests)
    assert opened.page.locator("h1").count() == 1
    assert opened.page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
    assert opened.page.locator(".notice:visible").count() == 0


@pytest.mark.parametrize("name", TOOLS)
def test_every_field_has_a_name(visit: Any, name: str) -> None:
    page = visit(name).page
    fields = page.locator("main input, main select, main button")
    names = fields.evaluate_all(
        "all => all.map((one) => one.labels?.[0]?.textContent || one.getAttribute('aria-label') || one.textContent)"
    )
    assert all(each.strip() for each in names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_menu_leads_to_every_tool_by_keyboard(visit: Any, size: dict[str, int]) -> None:
    page = visit("index.html", size=size).page
    page.locator("nav .menu summary").focus()
    page.keyboard.press("Enter")
    box = page.locator("nav .menu .panel").bounding_box()
    assert 0 <= box["x"] < box["x"] + box["width"] <= size["width"]
    assert [link.get_attribute("href") for link in page.locator("nav .menu a:visible").all()] == list(TOOLS)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare.html")
    listed = visit("index.html").page.locator("section[aria-labelledby=tools] a").evaluate_all(
        "all => all.map((one) => one.getAttribute('href'))"
    )  # fmt: skip
    assert listed == list(TOOLS)


@pytest.mark.parametrize("name", SCRIPTED)
def test_without_javascript_a_page_says_what_it_needs(visit: Any, built: Built, name: str) -> None:
    page = visit(name, java_script_enabled=False).page
    notice = page.locator("main .notice")
    assert "needs JavaScript" in notice.inner_text()
    assert (built.out / notice.locator("a").get_attribute("href")).is_file()
    assert page.locator("main input:visible, main select:visible, main button:visible").count() == 0


@pytest.mark.parametrize("name", SCRIPTED)
def test_a_state_that_means_nothing_is_reported(visit: Any, name: str) -> None:
    page = visit(f"{name}#colour=red").page
    page.get_by_text("“colour” in the address means nothing here.").wait_for(timeout=5000)
    assert page.locator("#problems").get_attribute("role") == "status"


# Compare


def compared(page: Any) -> None:
    page.locator("#compared table").first.wait_for(timeout=5000)


def test_ratios_are_those_of_the_rows_and_a_verdict_follows_the_intervals(visit: Any, built: Built) -> None:
    rows = built.offered("gpt", "train", "s")[:8]
    first = rows[1]
    rows = [first, *(row for row in rows if row is not first)]
    page = visit(f"compare.html#rows={','.join(map(named, rows))}").page
    compared(page)
    lines = page.locator("#compared table").first.locator("tbody tr").all()
    assert len(lines) == len(rows)
    verdicts = set()
    for line, row in list(zip(lines, rows, strict=True))[1:]:
        energy, speed, power, over, verdict = line.locator("td").all_inner_texts()
        assert row.joules_per_unit
        assert first.joules_per_unit
        ratio = row.joules_per_unit / first.joules_per_unit
        low, high = row.joules_low / first.joules_high, row.joules_high / first.joules_low  # type: ignore[operator]
        assert number(energy) == pytest.approx(ratio, rel=6e-3)
        assert [number(end) for end in energy.split("\n")[1].split(" to ")] == pytest.approx([low, high], rel=6e-3)
        assert number(speed) == pytest.approx(row.units_per_s / first.units_per_s, rel=6e-3)
        assert number(power) == pytest.approx(row.mean_power_w / first.mean_power_w, rel=6e-3)  # type: ignore[operator]
        if row.floor_excess is None:
            assert over.startswith("—")
        else:
            assert number(over) == pytest.approx(row.floor_excess / first.floor_excess, rel=6e-3)  # type: ignore[operator]
        expected = "cannot be told apart" if low <= 1 <= high else "less energy" if ratio < 1 else "more energy"
        assert expected in verdict
        verdicts.add(expected)
    assert verdicts == {"cannot be told apart", "less energy", "more energy"}


def test_rows_that_must_not_be_compared_say_why(visit: Any, built: Built) -> None:
    plain = {"workload": "gpt", "mode": "train", "size": "s"}
    first = built.row(**plain, boundary="device", meter_class="measured", backend="cuda")
    guess = built.row(**plain, meter_class="estimated")
    other = built.row(workload="resnet", boundary="device", meter_class="measured")
    names = [named(first), named(guess), named(other), f"{named(first)}:machine"]
    page = visit(f"compare.html#rows={','.join(names)}").page
    compared(page)
    lines = page.locator("#compared table").first.locator("tbody tr").all()
    verdicts = [line.locator("td").last.inner_text() for line in lines]
    assert verdicts[1] == "not comparable: other class (estimated, not measured)"
    assert verdicts[2].startswith("not comparable: other workload")
    assert verdicts[3] == "not comparable: other boundary (machine, not device)"
    assert all(line.locator("td").first.inner_text().startswith("—") for line in lines[1:])


def test_only_what_differs_in_the_configuration_is_listed(visit: Any, built: Built) -> None:
    one = built.row(workload="gpt", mode="train", size="s", boundary="device", backend="cuda", framework="torch")
    other = built.row(workload="gpt", mode="train", size="s", boundary="device", result=one.result, framework="jax")
    page = visit(f"compare.html#rows={named(one)},{named(other)}").page
    compared(page)
    lines = page.locator("#compared table").nth(1).locator("tbody tr").all_inner_texts()
    found = {line.split("\t")[0]: line.split("\t")[1:] for line in lines}
    found.pop("Repeats", None)
    assert found == {"Framework": ["torch", "jax"], "Framework version": ["2.13.0", "0.10.2"]}


def test_unknown_rows_are_reported_and_stay(visit: Any, built: Built) -> None:
    known = built.offered("gpt", "train", "s")[0]
    names = [named(known), "ffffffffffff:1", f"{known.result}:999", "nonsense", f"{built.withdrawn}:1"]
    page = visit(f"compare.html#rows={','.join(names)}").page
    compared(page)
    said = page.locator("#problems").inner_text()
    assert "“ffffffffffff:1” is unknown" in said
    assert f"“{known.result}:999” is unknown" in said
    assert "“nonsense” is no row" in said
    assert f"“{built.withdrawn}:1” was withdrawn" in said
    assert page.locator("#compared tbody tr").count() == len(names)
    page.get_by_role("button", name="Remove nonsense").click()
    page.wait_for_function("() => !location.hash.includes('nonsense')")
    assert "ffffffffffff:1" in page.url


def test_rows_are_chosen_and_removed_by_keyboard(visit: Any, built: Built) -> None:
    page = visit("compare.html").page
    assert outcome(page) == "Choose two rows or more."
    for step in range(2):
        page.get_by_label("Row", exact=True).focus()
        for _ in range(step):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    expected = built.offered("gpt", "train", "s")[:2]
    page.get_by_text("2 rows, held against").wait_for(timeout=5000)
    assert page.url.endswith("#rows=" + ",".join(map(named, expected)))
    page.get_by_role("button", name=f"Remove {named(expected[0])}").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Choose two rows or more.").wait_for(timeout=5000)
    assert page.evaluate("() => document.activeElement.id") == "board"


def test_more_than_eight_rows_are_not_compared_and_said_to_be(visit: Any, built: Built) -> None:
    rows = [named(row) for row in built.rows if row.boundary == "device"][:11]
    page = visit(f"compare.html#rows={','.join(rows)}").page
    compared(page)
    assert page.locator("#compared table").first.locator("tbody tr").count() == 8
    assert "Only the first 8 rows are compared; 3 more" in page.locator("#problems").inner_text()


# Energy against time


def test_limits_leave_the_rows_within_them_and_name_the_best(visit: Any, built: Built) -> None:
    rows = built.offered("gpt", "train", "s")
    page = visit("pareto.html").page
    assert f"{len(rows)} of {len(rows)} rows remain" in outcome(page)
    least = sorted(row.units_per_s for row in rows)[len(rows) // 2]
    page.get_by_label("At least, tokens/s", exact=True).fill(f"{least * 0.999:.0f}")
    remain = [row for row in rows if row.units_per_s >= least * 0.999]
    assert 1 < len(remain) < len(rows)
    said = outcome(page)
    assert said.startswith(f"{len(remain)} of {len(rows)} rows remain. Least energy: {remain[0].system_name}")
    assert described(remain[0]).split(" · ")[0] in said
    assert page.locator("main tbody tr:visible").count() == len(remain)
    hidden = page.locator("main tbody tr:not(:visible)").evaluate_all("all => all.map((one) => one.dataset.mark)")
    assert page.locator("g.point.dim").evaluate_all("all => all.map((one) => one.id)") == hidden
    assert page.locator("g.point.best").count() == 1
    assert "rate=" in page.url
    again = visit("pareto.html#" + page.url.partition("#")[2]).page
    assert outcome(again) == said
    page.get_by_label("At most, µJ/token", exact=True).fill("0.001")
    assert outcome(page).startswith(f"None of {len(rows)} rows remains")
    page.get_by_role("button", name="No limits").click()
    assert f"{len(rows)} of {len(rows)} rows remain" in outcome(page)
    assert "#" not in page.url


def test_a_slider_moves_by_keyboard_and_keeps_the_best_at_its_end(visit: Any, built: Built) -> None:
    rows = built.offered("gpt", "train", "s")
    page = visit("pareto.html").page
    page.get_by_label("At most, µJ/token, slider").focus()
    page.keyboard.press("Home")
    assert outcome(page).startswith(f"1 of {len(rows)} rows remain. Least energy: {rows[0].system_name}")
    assert page.get_by_label("At most, µJ/token", exact=True).input_value() != ""
    page.keyboard.press("End")
    assert outcome(page).startswith(f"{len(rows)} of {len(rows)} rows remain")
    assert page.get_by_label("At most, µJ/token", exact=True).input_value() == ""


def test_the_drawing_and_its_table_need_no_javascript(visit: Any, built: Built) -> None:
    page = visit("pareto.html", java_script_enabled=False).page
    rows = built.offered("gpt", "train", "s")
    assert page.locator("main tbody tr:visible").count() == page.locator("g[id^=point-]").count() == len(rows)
    assert page.locator("figure.finder > svg").bounding_box()["width"] > 600
    page.locator("ul.links a", has_text="resnet train, size s").click()
    assert "resnet train, size s" in page.locator("h2").first.inner_text()


# Your mix


def test_a_mix_is_summed_for_each_machine_that_has_it_all(visit: Any, built: Built) -> None:
    day = {("gpt", "train", "s"): 2e9, ("resnet", "infer", "m"): 3e6}
    state = "&".join(f"{'.'.join(work)}={units:.0f}" for work, units in day.items())
    page = visit(f"mix.html#{state}&grid=100&price=0.5").page
    best = {work: {row.system: row for row in reversed(built.offered(*work))} for work in day}
    both = set(best["gpt", "train", "s"]) & set(best["resnet", "infer", "m"])
    some = set(best["gpt", "train", "s"]) ^ set(best["resnet", "infer", "m"])
    assert both
    assert some
    lines = table_of(page)
    assert len(lines) == len(both)
    for system in both:
        rows = {work: best[work][system] for work in day}
        name = rows["gpt", "train", "s"].system_name
        kwh, low, high = (
            sum(units * getattr(rows[work], column) for work, units in day.items()) / JOULES_PER_KWH
            for column in ("joules_per_unit", "joules_low", "joules_high")
        )
        cells = lines[name]
        factors = (1, 365, 0.1, 36.5, 0.5, 182.5)
        assert [number(cell) for cell in cells[:6]] == pytest.approx([kwh * factor for factor in factors], rel=6e-3)
        ends = [number(end) for end in cells[0].split("\n")[1].split(" to ")]
        assert ends == pytest.approx([low, high], rel=6e-3)
        hours = sum(units / rows[work].units_per_s for work, units in day.items()) / 3600
        assert number(cells[6]) == pytest.approx(hours, rel=6e-3)
    assert page.locator("#machines li").count() == len(some)
    assert all(" 1/2, lacks " in text for text in page.locator("#machines li").all_inner_texts())
    assert outcome(page).startswith(f"{len(both)} of {len(both | some)} machines have all 2")


def test_a_year_has_365_days(visit: Any, built: Built) -> None:
    row = built.offered("gpt", "train", "s")[0]
    assert row.joules_per_unit
    page = visit(f"mix.html#gpt.train.s={JOULES_PER_KWH / row.joules_per_unit:.0f}").page
    assert [number(cell) for cell in table_of(page)[row.system_name][:2]] == [1.0, 365.0]


def test_without_intensity_or_price_only_these_are_unknown(visit: Any) -> None:
    page = visit("mix.html").page
    before = table_of(page)
    page.get_by_label("Grid intensity").fill("")
    page.get_by_label("Price per kWh").fill("")
    after = table_of(page)
    assert after
    for name, cells in after.items():
        assert cells[2:6] == ["—"] * 4
        assert cells[:2] == before[name][:2]


def test_an_amount_that_is_none_is_named(visit: Any) -> None:
    page = visit("mix.html").page
    page.get_by_label("gpt train, size s").fill("-5")
    assert "gpt train, size s, tokens: a number, zero or above." in page.locator("#problems").inner_text()
    assert outcome(page) == "Say how much of at least one workload you run a day."
    page = visit("mix.html#gpt.train.s=many").page
    assert "“many” is no amount for gpt.train.s." in page.locator("#problems").inner_text()


def test_a_mix_is_kept_in_the_address(visit: Any) -> None:
    page = visit("mix.html").page
    page.get_by_label("gpt decode, size s").fill("12345")
    again = visit("mix.html#" + page.url.partition("#")[2]).page
    assert again.get_by_label("gpt decode, size s").input_value() == "12345"
    assert table_of(again) == table_of(page)


def test_an_address_that_names_a_folded_workload_unfolds_it(visit: Any) -> None:
    folded = visit("mix.html").page.locator("#more input").first
    assert not folded.is_visible()
    name = folded.get_attribute("name")
    assert visit(f"mix.html#{name}=5").page.locator("#more input").first.is_visible()


# A larger model


def test_training_energy_is_flop_times_measured_joules_per_flop(visit: Any, built: Built) -> None:
    page = visit("extrapolate.html").page
    page.get_by_label("Model").select_option(label="GPT-3: 175 B on 300 B tokens")
    flop = 6 * 175e9 * 300e9
    assert outcome(page) == "6 × N × D = 3.15 × 1023 FLOP."  # the exponent stands above the line
    lines = table_of(page)
    sizes = {
        row.system: row
        for row in (*reversed(built.offered("gpt", "train", "s")), *reversed(built.offered("gpt", "train", "m")))
    }
    assert len(lines) == len(sizes)
    scale = {"M": 1e3, "G": 1e6, "k": 1.0}
    for row in sizes.values():
        each, energy, _, published = lines[row.system_name]
        kwh = flop * row.joules_per_flop / JOULES_PER_KWH  # type: ignore[operator]
        assert number(each) == pytest.approx(row.joules_per_flop * 1e12, rel=6e-3)  # type: ignore[operator]
        first, interval = energy.split("\n")
        assert number(first) * scale[first.split()[1][0]] == pytest.approx(kwh, rel=6e-3)
        low = kwh * row.joules_low / row.joules_per_unit  # type: ignore[operator]
        end = interval.split(" to ")[0]
        assert number(end) * scale[end.split()[1][0]] == pytest.approx(low, rel=6e-3)
        assert number(published) == pytest.approx(kwh / 1_287_000, rel=6e-3)
    page.get_by_label("Tokens, D").fill("1e9")
    assert page.get_by_label("Model").input_value() == ""
    assert len(next(iter(table_of(page).values()))) == 3
    assert "tokens=1e9" in page.url


def test_the_time_on_one_device_follows_from_its_rate(visit: Any, built: Built) -> None:
    page = visit("extrapolate.html#parameters=1e6&tokens=1e9").page
    row = built.offered("gpt", "train", "m")[0]
    flop_per_s = row.units_per_s * row.joules_per_unit / row.joules_per_flop  # type: ignore[operator]
    text = table_of(page)[row.system_name][2]
    seconds = {"s": 1, "minutes": 60, "hours": 3600, "days": 86400}[text.split()[1]] * number(text)
    assert seconds == pytest.approx(6e15 / flop_per_s, rel=6e-3)


# Decisions and the roofline


def test_a_withdrawn_result_keeps_its_page_and_takes_part_in_nothing(visit: Any, built: Built) -> None:
    for name in (f"results/{built.withdrawn}/1.html", f"results/{built.withdrawn}.html"):
        page = visit(name).page
        assert "Withdrawn on 2026-02-03: the <fan> was off." in page.locator(".notice").first.inner_text()
    assert "withdrawn" in visit(f"results/{built.withdrawn}/1.svg").page.locator("text").last.text_content()
    page.locator(".notice a").first.click()
    assert built.withdrawn in page.locator("main tbody tr").inner_text()
    for path in (
        *built.out.glob("boards/**/*.html"),
        built.out / "data" / "rows.js",
        built.out / "data" / "results.csv",
    ):
        text = path.read_text(encoding="utf-8")
        assert f"{built.withdrawn}.html" not in text
        assert f"results/{built.withdrawn}/" not in text
        assert f'"{built.withdrawn}",' not in text.replace(f'"withdrawn":["{built.withdrawn}"]', "")


def test_a_result_draws_its_roofline_and_lists_it(visit: Any, built: Built) -> None:
    row = built.row(workload="gpt", mode="train", size="s", boundary="device", backend="cuda")
    page = visit(f"results/{row.result}.html").page
    page.get_by_text("The same as a table").click()
    lines = page.locator("[aria-label='Energy roofline as a table'] tbody tr")
    assert page.locator("figure.roof g.dot").count() == lines.count() > 3
    mine = next(text for text in lines.all_inner_texts() if text.startswith("gpt train, size s"))
    assert number(mine.split("\t")[5]) == pytest.approx(row.floor_excess, abs=0.06)
    bare = built.row(system="example-desktop-ryzen-7950x")
    assert visit(f"results/{bare.result}.html").page.locator("figure.roof").count() == 0
