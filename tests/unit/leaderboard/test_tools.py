"""The reader's tools: which rows they work on, what is drawn where, and pages that need no script."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suite.leaderboard import decisions
from suite.leaderboard.content import Site, entry
from suite.leaderboard.drawing.logaxis import spanning
from suite.leaderboard.drawing.pareto import MOST_POINTS, finder, frontier
from suite.leaderboard.drawing.roofchart import floor_of, places, roofchart
from suite.leaderboard.pages import tool_data, tools
from suite.leaderboard.ranking.boards import Board, boards_of, in_order
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.leaderboard.render import Pages
from suite.normalise import score
from suite.record import Result
from suite.roofline import calibrations, roofline

MakeRow = Callable[..., Row]
COUNT = 12


@dataclass(frozen=True)
class Built:
    out: Path
    content: Site
    results: list[Result]

    def rows(self) -> Any:
        return value_of(self.out / "data" / "rows.js", "globalThis.joulemark = Object.freeze(")


def value_of(script: Path, start: str) -> Any:
    """The JSON that a generated script assigns."""
    first, line, rest = script.read_text(encoding="ascii").split("\n", 2)
    assert (first, rest) == ('"use strict";', "")
    assert line.startswith(start)
    assert line.endswith(");")
    return json.loads(line.removeprefix(start).removesuffix(");"))


@pytest.fixture(scope="module")
def built(synthetic: ModuleType, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The tools' pages of a dozen results, the last of which was withdrawn."""
    out = tmp_path_factory.mktemp("tools") / "out"
    results = [synthetic.result(index, 1) for index in range(COUNT)]
    rows = [row for result in results for row in rows_of(result)]
    content = Site(entries=tuple(map(entry, results)), boards=boards_of(in_order(rows)), refused=())
    decided = decisions.Decision(date="2026-02-03", result=results[-1].id, action="withdrawn", reason="a <b>fan</b>")
    tools.write(content, Pages(site / "templates", out), out, (decided,))
    for result in results:
        own = [row for row in rows if row.result == result.id]
        tool_data.write_script(out / entry(result).rows_path, tool_data.result_script(result, own))
    return Built(out, content, results)


def board_of(make_row: MakeRow, changes: Sequence[dict[str, Any]]) -> Board:
    rows = [
        make_row(**{"result": f"{number:012x}", "system": f"s{number}", **one}) for number, one in enumerate(changes)
    ]
    return boards_of(in_order(rows))[0]


# Which rows


def test_the_tools_choose_from_ranked_device_rows_of_the_newest_versions_alone(built: Built) -> None:
    data = built.rows()
    assert {board["class"] for board in data["boards"]} <= {"measured", "rails"}
    assert all("-device-" in board["path"] for board in data["boards"])
    newest = {(one.workload, one.mode, one.size): max(other.version for other in built.content.boards
              if (other.workload, other.mode, other.size) == (one.workload, one.mode, one.size))
              for one in built.content.boards}  # fmt: skip
    for board in data["boards"]:
        assert board["version"] == newest[board["workload"], board["mode"], board["size"]]
        assert board["workload"] != "calib"
    bands = {(placed.row.result, placed.row.cell) for board in built.content.boards if board.boundary == "device"
             for placed in board.placed if placed.band}  # fmt: skip
    assert data["rows"]
    assert all((row[3], row[4]) in bands for row in data["rows"])


def test_of_a_machine_and_configuration_only_the_newest_row_is_offered(make_row: MakeRow) -> None:
    changes = [
        {"system": "a", "date": "2026-02-05", "joules_per_unit": 1.05},
        {"system": "a", "date": "2026-01-05", "joules_per_unit": 1.0},
        {"system": "a", "date": "2026-01-07", "precision": "fp32"},
        {"system": "a", "date": "2026-03-07", "repeats": 2},
    ]
    found = tool_data.current(board_of(make_row, changes))
    assert [(row.date, row.precision) for row in found] == [("2026-01-07", "fp32"), ("2026-02-05", "bf16")]


def test_older_workload_versions_and_boards_without_a_rank_are_not_offered(make_row: MakeRow) -> None:
    rows = [
        make_row(version=1),
        make_row(version=2, result="2" * 12),
        make_row(workload="bert", repeats=2, result="3" * 12),
        make_row(workload="dit", meter_class="estimated", result="4" * 12),
    ]
    shown = tools.shown_of(boards_of(in_order(rows)))
    assert [(board.workload, board.version, len(own)) for board, own in shown] == [("gpt", 2, 1)]


def test_the_rows_hold_the_numbers_of_the_frame(built: Built) -> None:
    data = built.rows()
    rows = {
        (row.result, row.cell): row for result in built.results for row in rows_of(result) if row.boundary == "device"
    }
    for board, system, words, result, cell, *figures in data["rows"]:
        row = rows[result, cell]
        assert (data["boards"][board]["workload"], data["systems"][system]) == (
            row.workload,
            [row.system, row.system_name],
        )
        assert data["configurations"][words] == tool_data.described(row)
        exact = (row.joules_per_unit, row.joules_low, row.joules_high, row.units_per_s, row.joules_per_flop)
        assert figures == [value if value is None else pytest.approx(value, rel=1e-4) for value in exact]


def test_a_result_s_own_script_holds_every_boundary_class_and_version(built: Built) -> None:
    for result in built.results:
        start = f'(globalThis.joulemarkResults ??= {{}})["{result.id}"] = Object.freeze('
        found = value_of(built.out / "data" / "rows" / f"{result.id}.js", start)
        assert [(row["cell"], row["boundary"], row["version"]) for row in found["rows"]] == [
            (row.cell, row.boundary, row.version) for row in rows_of(result)
        ]
        assert found["machine"]["CPU"] == result.system.cpu


def test_submitted_text_cannot_leave_its_script(make_row: MakeRow) -> None:
    evil = "</script><script>alert(1)//\u2028'\"\\"
    board = board_of(make_row, [{"system_name": evil, "framework_version": evil}])
    script = tool_data.rows_script([(board, tool_data.current(board))], None)
    assert script.isascii()
    assert "<" not in script
    assert script.count("\n") == 2
    assert json.loads(script.split("freeze(", 1)[1][:-3])["systems"][0][1] == evil


def test_a_machine_adds_few_bytes_to_what_the_tools_load(make_row: MakeRow) -> None:
    draw = random.Random(1)
    rows = [
        make_row(result=f"{draw.getrandbits(48):012x}", system=f"machine-{number}", system_name=f"Machine {number}",
                 joules_per_unit=(joules := draw.lognormvariate(0, 2)), joules_low=joules * (1 - draw.random() / 9),
                 joules_high=joules * (1 + draw.random() / 9), units_per_s=draw.lognormvariate(5, 2),
                 joules_per_flop=joules * draw.random())
        for number in range(1000)
    ]  # fmt: skip
    found = boards_of(in_order(rows))[0]
    script = tool_data.rows_script([(found, tool_data.current(found))], None)
    assert len(gzip.compress(script.encode())) < 1000 * 40


# Pareto


values = st.floats(1e-6, 1e6)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=30))
@example([(1.0, 2.0), (1.0, 2.0), (2.0, 2.0), (1.0, 1.0)])
def test_the_frontier_is_what_no_other_row_beats_in_both(pairs: list[tuple[float, float]]) -> None:
    rows = [_Pair(joules_per_unit=joules, units_per_s=rate) for joules, rate in pairs]
    kept = Counter((row.joules_per_unit, row.units_per_s) for row in frontier(rows))  # type: ignore[arg-type]
    for joules, rate in pairs:
        beaten = any(
            other <= joules and 1 / speed <= 1 / rate and (other < joules or 1 / speed < 1 / rate)
            for other, speed in pairs
        )
        assert kept[joules, rate] == (0 if beaten else pairs.count((joules, rate)))


@dataclass(frozen=True)
class _Pair:
    joules_per_unit: float
    units_per_s: float


def test_a_point_lies_where_its_numbers_say(make_row: MakeRow) -> None:
    board = board_of(make_row, [
        {"joules_per_unit": 1.0, "joules_low": 0.9, "joules_high": 1.1, "units_per_s": 100.0},
        {"joules_per_unit": 10.0, "joules_low": 9.0, "joules_high": 11.0, "units_per_s": 1000.0},
        {"joules_per_unit": 10.0, "joules_low": 9.0, "joules_high": 11.0, "units_per_s": 10.0},
    ])  # fmt: skip
    found = finder(board, tool_data.current(board))
    assert found is not None
    best, fast, slow = found.points
    assert [point.on_frontier for point in found.points] == [True, True, False]
    assert fast.x < best.x < slow.x
    assert best.x - fast.x == pytest.approx(slow.x - best.x, abs=0.11)
    assert fast.y == slow.y < best.y
    assert best.high_y < best.y < best.low_y
    assert found.steps == f"M{fast.x} 32.0V{fast.y}H{best.x}V{best.y}H850.0"
    assert (best.energy, best.interval, found.energy_unit) == ("1.0", "0.9–1.1", "J/token")


def test_beyond_so_many_points_the_frontier_is_kept(make_row: MakeRow) -> None:
    many = [{"joules_per_unit": 1 + number / 1000, "units_per_s": 1.0} for number in range(MOST_POINTS + 20)]
    board = board_of(make_row, [*many, {"joules_per_unit": 9.0, "units_per_s": 50.0}])
    found = finder(board, tool_data.current(board))
    assert found is not None
    assert (len(found.points), found.hidden) == (MOST_POINTS, 21)
    assert found.points[-1].row.units_per_s == 50.0
    assert found.points[-1].on_frontier


def test_pareto_is_whole_without_a_script(built: Built, parse: Callable[[Path], Any]) -> None:
    data = built.rows()
    for number, board in enumerate(data["boards"]):
        page = parse(built.out / board["path"].replace("boards/", "pareto/"))
        rows = [row for row in data["rows"] if row[0] == number]
        marks = [names for tag, names in page.found if tag == "g" and (names.get("id") or "").startswith("point-")]
        lines = [names for tag, names in page.found if tag == "tr" and "data-joules" in names]
        assert len(marks) == len(lines) == len(rows)
        assert [line["data-mark"] for line in lines] == [mark["id"] for mark in marks]
        assert [float(line["data-joules"]) for line in lines] == [pytest.approx(row[5], rel=1e-4) for row in rows]


def test_a_drawing_of_many_rows_stays_small(
    make_row: MakeRow, site: Path, tmp_path: Path, parse: Callable[[Path], Any]
) -> None:
    board = board_of(make_row, [{"units_per_s": 1.0 + number} for number in range(400)])
    tools.write(Site(entries=(), boards=(board,), refused=()), Pages(site / "templates", tmp_path), tmp_path)
    elements = parse(tmp_path / "pareto.html").found
    assert 1500 < len(elements) < 3000


# Axes


@given(values, values)
def test_ticks_are_round_and_inside(one: float, other: float) -> None:
    axis = spanning([one, other], 100.0, 500.0)
    ticks = axis.ticks("J")
    assert 1 <= len(ticks) <= 7
    assert len({tick.label for tick in ticks}) == len(ticks)
    assert all(100.0 <= tick.at <= 500.0 for tick in ticks)
    assert [tick.at for tick in ticks] == sorted(tick.at for tick in ticks)


def test_ticks_are_spelled_as_short_as_they_can_be() -> None:
    assert [tick.label for tick in spanning([1e-3, 1.0], 0, 1).ticks("J")] == ["1 mJ", "10 mJ", "100 mJ", "1 J"]
    labels = [tick.label for tick in spanning([10, 2000], 0, 1).ticks("FLOP/B", prefixed=False)]
    assert labels == ["10 FLOP/B", "100 FLOP/B", "1,000 FLOP/B"]


# Roofline


def test_the_drawn_floor_is_the_floor_of_the_boards(built: Built) -> None:
    checked = 0
    for result in built.results:
        limits = calibrations(result)
        for place, floor in places(result):
            cell = result.cells[place.number - 1]
            scored = score(cell, "device")
            assert scored is not None
            assert scored.joules_per_unit is not None
            line = roofline(cell, scored, limits["device", scored.meter_class])
            assert line is not None
            assert line.excess is not None
            assert place.joules / place.floor == pytest.approx(line.excess)
            assert floor.at(place.intensity) == place.floor
            checked += 1
    assert checked > 20


def test_the_floor_bends_where_arithmetic_and_memory_take_the_same_time(built: Built) -> None:
    _, floor = next(pair for result in built.results for pair in places(result))
    at = floor.balance
    assert at == pytest.approx(floor.flops_per_s / floor.bytes_per_s)
    rich = floor.joules_per_flop + floor.constant_w / floor.flops_per_s
    assert floor.at(at * 1e9) == pytest.approx(rich)
    assert floor.at(at) == pytest.approx(rich + floor.joules_per_byte / at)
    poor = floor.joules_per_flop + (floor.joules_per_byte + floor.constant_w / floor.bytes_per_s) * 1e9 / at
    assert floor.at(at / 1e9) == pytest.approx(poor)


@pytest.mark.parametrize("missing", ["joules_per_byte", "constant_w", "bytes_per_s", "joules_per_flop", "precision"])
def test_a_floor_with_a_part_unknown_is_none(built: Built, missing: str) -> None:
    result = next(result for result in built.results if places(result))
    whole = calibrations(result)["device", "measured"]
    precision = next(name for name, one in whole.products.items() if one.joules_per_flop is not None)
    assert floor_of(whole, precision) is not None
    if missing == "precision":
        less = replace(whole, products={})
    elif missing == "joules_per_flop":
        less = replace(whole, products={precision: replace(whole.products[precision], joules_per_flop=None)})
    else:
        less = replace(whole, **{missing: None})
    assert floor_of(less, precision) is None


def test_without_a_complete_calibration_nothing_is_drawn(synthetic: ModuleType) -> None:
    index = {machine.name: number for number, machine in enumerate(synthetic.MACHINES)}
    assert roofchart(synthetic.result(index["Example desktop, Ryzen 7950X"], 1)) is None
    assert roofchart(synthetic.result(index["Example TPU v5e host"], 1)) is None
    drawn = roofchart(synthetic.result(index["Example H100 server"], 1))
    assert drawn is not None
    assert len(drawn.curves) == 1
    assert drawn.curves[0].balance_x is not None
    assert all(dot.high_y <= dot.y <= dot.low_y for dot in drawn.dots)


# Numbers that the pages begin with, and the log


def test_defaults_carry_their_source_and_year(built: Built, parse: Callable[[Path], Any]) -> None:
    page = parse(built.out / "mix.html")
    text = " ".join(page.text)
    for default in (tools.GRID, tools.PRICE):
        assert f"{default.value} is the {default.source}, for {default.year}" in text
    starts = {
        names["name"]: names["value"]
        for tag, names in page.found
        if tag == "input" and names.get("name") in ("grid", "price")
    }
    assert starts == {"grid": str(tools.GRID.value), "price": str(tools.PRICE.value)}
    assert "waits for work is not included" in text


def test_the_published_energy_fits_what_is_said_of_it() -> None:
    assert tools.PUBLISHED_KWH == 1_287_000
    gpt3 = tools.PRESETS[-1]
    assert 6 * gpt3.parameters * gpt3.tokens == pytest.approx(tools.PUBLISHED_FLOP, rel=0.005)


def test_the_log_names_what_was_decided_and_links_the_result(built: Built, parse: Callable[[Path], Any]) -> None:
    page = parse(built.out / "moderation.html")
    assert "a <b>fan</b>" in page.text
    links = [names.get("href") for tag, names in page.found if tag == "a"]
    assert f"results/{built.results[-1].id}.html" in links


def test_a_long_log_shows_its_newest_decisions_and_counts_the_rest(
    site: Path, tmp_path: Path, parse: Callable[[Path], Any]
) -> None:
    decided = [
        decisions.Decision(date="2026-02-03", result=f"{number:012x}", action="flagged", reason=f"number {number}")
        for number in range(tools.LOG_LINES + 3)
    ]
    tools.write(Site(entries=(), boards=(), refused=()), Pages(site / "templates", tmp_path), tmp_path, decided)
    page = parse(tmp_path / "moderation.html")
    assert len(page.found) < 3000
    assert f"number {tools.LOG_LINES + 2}" in page.text
    assert "number 2" not in page.text
    assert "3 older ones are in the file" in " ".join(page.text)


def test_without_results_every_tool_says_so(site: Path, tmp_path: Path, parse: Callable[[Path], Any]) -> None:
    tools.write(Site(entries=(), boards=(), refused=()), Pages(site / "templates", tmp_path), tmp_path)
    said = {page.stem: " ".join(parse(page).text) for page in tmp_path.glob("*.html")}
    assert set(said) == {"compare", "pareto", "mix", "extrapolate", "moderation"}
    assert "nothing to draw" in said["pareto"]
    assert "nothing to sum" in said["mix"]
    assert "nothing to extrapolate from" in said["extrapolate"]
    assert "No decision has been taken" in said["moderation"]


def own_files(content: Site, folder: Path) -> dict[str, tuple[str, ...]]:
    """Two results' pages and badges, as short as can be."""
    found = {}
    for one in content.entries[:2]:
        pages = (one.path, one.path.replace(".html", "_2.html"), one.cell_path(1), one.cell_path(2))
        found[one.id] = (*pages, one.badge_path(1))
        for path in found[one.id]:
            (folder / path).parent.mkdir(exist_ok=True, parents=True)
            (folder / path).write_text(f"<p>{tools.PLACE}</p>" if path in pages else "1.5 mJ/token")
    return found


def test_a_withdrawn_result_s_pages_and_badges_say_so_and_no_others(built: Built, site: Path, tmp_path: Path) -> None:
    own = own_files(built.content, tmp_path)
    (gone, pages), (_, others) = own.items()
    other_name = tmp_path / "other-name"
    other_name.hardlink_to(tmp_path / pages[0])
    decided = decisions.Decision(date="2026-02-03", result=gone, action="withdrawn", reason="<i>wrong</i>")
    tools.mark(own, (decided,), site / "templates", tmp_path)
    for path in pages[:-1]:
        told = (tmp_path / path).read_text()
        assert "Withdrawn on" in told
        assert "&lt;i&gt;wrong&lt;/i&gt;" in told
        (link,) = re.findall(r'href="([^"]*)"', told)
        assert (tmp_path / path).parent.joinpath(link).resolve() == tmp_path / "moderation.html"
    assert "withdrawn" in (tmp_path / pages[-1]).read_text()
    assert {(tmp_path / path).read_text() for path in others} == {f"<p>{tools.PLACE}</p>", "1.5 mJ/token"}
    assert other_name.read_text() == f"<p>{tools.PLACE}</p>"


@pytest.mark.parametrize("action", ["flagged", "restored"])
def test_only_withdrawing_takes_the_figures_from_the_badges(
    built: Built, site: Path, tmp_path: Path, action: decisions.Action
) -> None:
    own = own_files(built.content, tmp_path)
    result, files = next(iter(own.items()))
    decided = decisions.Decision(date="2026-02-03", result=result, action=action, reason="hot room")
    tools.mark(own, (decided,), site / "templates", tmp_path)
    assert ("Flagged on" in (tmp_path / files[0]).read_text()) == (action == "flagged")
    assert (tmp_path / files[-1]).read_text() == "1.5 mJ/token"


@pytest.mark.parametrize("name", ["result.html", "cell.html"])
def test_a_result_s_pages_have_room_for_a_decision(site: Path, name: str) -> None:
    assert (site / "templates" / name).read_text(encoding="utf-8").count(tools.PLACE) == 1
