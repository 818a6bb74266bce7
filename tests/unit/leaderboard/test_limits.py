"""What a machine can do stands on its page, and next to each cell how far from it the cell is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import build
from suite.leaderboard.content import Site
from suite.leaderboard.pages.tables import table
from suite.leaderboard.ranking.boards import boards_of, in_order
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.leaderboard.result.details import cells
from suite.leaderboard.result.limits import Floor, floor, limits
from suite.record import Result
from suite.roofline import CALIB, Roofline, calibrations

MakeRow = Callable[..., Row]

LINE = Roofline(
    meter_class="measured", mfu=0.431, mbu=0.08, bound="compute", floor_joules_per_unit=0.00123, excess=1.91,
    excess_low=1.84, excess_high=2.02,
)  # fmt: skip


def result_of(synthetic: ModuleType, word: str) -> Result:
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if word in machine.name)
    made: Result = synthetic.result(index, 1)
    return made


@pytest.fixture(scope="module")
def out(results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("limits") / "out"
    build(results, site, folder)
    return folder


def text_of(out: Path, result: Result, parse: Callable[[Path], Any]) -> str:
    """What a result's own pages say."""
    folder = out / "results"
    pages = (folder / f"{result.id}.html", *(folder / result.id).glob("*.html"))
    return " ".join(" ".join(text for page in pages for text in parse(page).text).split())


def test_a_machine_that_was_calibrated_shows_its_limits_within_each_boundary(synthetic: ModuleType) -> None:
    found = limits(calibrations(result_of(synthetic, "H100")).values())
    assert found is not None
    assert found.columns == (("device", "measured"), ("machine", "measured"))
    assert [line.name for line in found.lines] == [
        "Matrix products, bf16",
        "Matrix products, fp32",
        "Memory, read and written",
        "Launches of next to nothing",
        "Constant power",
    ]
    assert [line.rate.split()[-1] for line in found.lines[:3]] == ["TFLOP/s", "TFLOP/s", "TB/s"]
    assert [[(cost or "?").split()[-1] for cost in line.costs] for line in (*found.lines[:3], found.lines[4])] == [
        ["pJ/FLOP", "pJ/FLOP"],
        ["pJ/FLOP", "pJ/FLOP"],
        ["pJ/B", "pJ/B"],
        ["W", "W"],
    ]


def test_without_a_meter_the_rates_stand_and_the_energies_are_unknown(synthetic: ModuleType) -> None:
    found = limits(calibrations(result_of(synthetic, "TPU")).values())
    assert found is not None
    assert found.columns == (("device", "none"),)
    assert found.lines[0].rate.endswith("TFLOP/s")
    assert {line.costs for line in found.lines if "Launches" not in line.name} == {(None,)}


def test_a_machine_that_was_not_calibrated_says_what_to_run(
    synthetic: ModuleType, out: Path, parse: Callable[[Path], Any]
) -> None:
    result = result_of(synthetic, "desktop")
    assert limits(calibrations(result).values()) is None
    text = text_of(out, result, parse)
    assert "python -m suite run --workload calib" in text
    assert "Why it costs this: unknown, for this machine was not calibrated in the same run." in text


def test_each_cell_with_joules_says_why_and_calibs_own_cells_do_not(
    synthetic: ModuleType, out: Path, parse: Callable[[Path], Any]
) -> None:
    result = result_of(synthetic, "L4 node")
    text = text_of(out, result, parse)
    views = [view for view in cells(result) if view.costs]
    told = [view for view in views if view.why and view.why.sentence]
    assert [view.is_calibration for view in views].count(False) == len(told) == text.count("Why it costs this:")
    for view in told:
        assert view.why is not None
        assert view.why.sentence in text


def test_an_estimate_says_that_its_floor_is_one(synthetic: ModuleType) -> None:
    sentences = [view.why.sentence or "" for view in cells(result_of(synthetic, "virtual")) if view.why]
    assert any("an estimated" in sentence for sentence in sentences)
    assert all("an estimated" in sentence for sentence in sentences if "floor" in sentence)


def test_a_floor_is_written_with_its_interval_and_its_unit() -> None:
    assert floor(LINE, "token") == Floor(
        over="1.9x", interval="1.8x to 2.0x", joules="1.23 mJ/token", mfu="43 %", mbu="8.0 %", sentence=LINE.sentence
    )


def test_an_estimate_has_no_middle_above_its_floor_and_no_digits_to_spare(synthetic: ModuleType) -> None:
    found = floor(replace(LINE, meter_class="estimated", excess_low=0.62, excess_high=5.9), "token")
    assert (found.over, found.interval, found.joules) == ("0.62x to 5.9x", None, "1.2 mJ/token")
    known = limits(calibrations(result_of(synthetic, "virtual")).values())
    assert known is not None
    numbers = [cost.split()[0] for line in known.lines for cost in line.costs if cost]
    assert numbers
    assert all(len(number.replace(".", "").strip("0")) <= 2 for number in numbers)


def test_a_floor_that_is_unknown_is_nowhere_a_number() -> None:
    unknown = replace(LINE, floor_joules_per_unit=None, excess=None, excess_low=None, excess_high=None)
    found = floor(unknown, "token")
    assert (found.over, found.interval, found.joules) == (None, None, None)
    assert found.mfu == "43 %"
    assert floor(None, "token") == Floor()


def test_the_rows_of_invented_machines_lie_above_their_floors_and_below_their_roofs(synthetic: ModuleType) -> None:
    rows = [row for word in ("H100", "laptop", "4090") for row in rows_of(result_of(synthetic, word))]
    known = [row for row in rows if row.floor_excess is not None]
    assert known
    for row in known:
        assert row.floor_excess is not None
        assert row.mfu is not None
        assert row.mbu is not None
        assert 1 < row.floor_excess < 10
        assert max(row.mfu, row.mbu) < 1
        assert row.joules_per_unit == pytest.approx(row.floor_excess * (row.floor_joules_per_unit or 0.0))
    assert {row.why for row in rows if row.workload == CALIB} == {None}


def test_shares_and_excess_reach_the_downloads(out: Path) -> None:
    rows = json.loads((out / "data" / "results.json").read_text(encoding="utf-8"))["rows"]
    known = [row for row in rows if row["floor_excess"] is not None]
    assert known
    assert all(row["mfu"] > 0 and row["mbu"] > 0 and row["why"] for row in known)
    header = (out / "data" / "results.csv").read_text(encoding="utf-8").split("\n")[0].split(",")
    assert {"mfu", "mbu", "floor_excess", "floor_excess_low", "floor_excess_high", "why"} <= set(header)


def test_who_sleeps_best_is_on_no_board(make_row: MakeRow) -> None:
    rows = [make_row(workload=CALIB, mode=mode) for mode in ("idle", "launch", "matmul")] + [make_row(mode="idle")]
    assert {(one.workload, one.mode) for one in boards_of(in_order(rows))} == {
        (CALIB, "launch"),
        (CALIB, "matmul"),
        ("gpt", "idle"),
    }


def test_calibration_stands_behind_models_and_is_never_the_headline(make_row: MakeRow) -> None:
    many = [make_row(workload=CALIB, mode="matmul", system=str(number), result=str(number)) for number in range(5)]
    made = boards_of(in_order([*many, make_row(workload="resnet")]))
    assert [one.workload for one in made] == ["resnet", CALIB]
    headline = Site(entries=(), boards=made, refused=()).headline
    assert headline is not None
    assert headline.workload == "resnet"
    assert Site(entries=(), boards=boards_of(in_order(many)), refused=()).headline is None


def test_the_front_page_only_links_to_calibration(out: Path, parse: Callable[[Path], Any]) -> None:
    page = parse(out / "index.html")
    links = [names["href"] or "" for tag, names in page.found if tag == "a" and "href" in names]
    assert any("boards/calib/matmul" in link for link in links)
    assert not any("boards/calib/idle" in link for link in links)
    regions = [names.get("aria-label") or "" for tag, names in page.found if tag == "div"]
    assert any(label.startswith("gpt train") for label in regions)
    assert not any(label.startswith(CALIB) for label in regions)


@pytest.mark.parametrize(
    ("unit", "rates", "heading", "shown"),
    [
        ("flop", (1.9e14, 6.1e12), "TFLOP/s", ["190", "6.10"]),
        ("byte", (2.4e12, 3.1e11), "TB/s", ["2.40", "0.310"]),
        ("launch", (250e3, 2e5), "launches/s", ["250,000", "200,000"]),
        ("token", (1.2e6, 1.0), "tokens/s", ["1,200,000", "1.00"]),
    ],
)
def test_rates_are_scaled_where_the_unit_is_a_symbol_and_spelled_where_it_is_a_word(
    make_row: MakeRow, unit: str, rates: tuple[float, float], heading: str, shown: list[str]
) -> None:
    rows = [make_row(unit=unit, units_per_s=rate, result=str(index)) for index, rate in enumerate(rates)]
    (board,) = boards_of(in_order(rows))
    made = table(board)
    assert made.rate_unit == heading
    assert [line.rate for line in made.lines] == shown


def test_a_board_tells_the_excess_and_what_limits_only_where_it_is_known(make_row: MakeRow) -> None:
    known = make_row(mfu=0.2, mbu=0.1, bound="compute", floor_excess=6.31, why="limited by neither")
    (board,) = boards_of(in_order([known, make_row(result="b", joules_per_unit=2.0)]))
    made = table(board)
    assert made.has_floors
    assert [(line.over_floor, line.limited_by) for line in made.lines] == [("6.3x", "neither"), (None, None)]
    (bare,) = boards_of(in_order([make_row()]))
    assert not table(bare).has_floors


def test_a_board_shows_the_sentence_with_the_excess(out: Path, parse: Callable[[Path], Any]) -> None:
    page = parse(out / "boards" / "gpt" / "train" / "s" / "v2-device-measured-token.html")
    titles = [names.get("title") or "" for tag, names in page.found if tag == "a" and names.get("class") == "plain"]
    assert titles
    assert all("its energy floor" in title for title in titles)
