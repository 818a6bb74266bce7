"""A result's page tells how its joules came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import build
from suite.leaderboard.result.details import cells
from suite.leaderboard.result.metering import meters
from suite.leaderboard.words import flags, reasons
from suite.normalise import spent
from suite.reasons import POLICIES, REASONS
from suite.record import CellResult, Result

MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def out(results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "out"
    build(results, site, folder)
    return folder


def result_of(synthetic: ModuleType, word: str) -> Result:
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if word in machine.name)
    made: Result = synthetic.result(index, 1)
    return made


def pages_of(out: Path, parse: Callable[[Path], Any], result: Result) -> tuple[list[Any], str]:
    """All elements of a result's own pages, and all they say."""
    folder = out / "results"
    pages = [parse(page) for page in (*folder.glob(f"{result.id}*.html"), *(folder / result.id).glob("*.html"))]
    return [one for page in pages for one in page.found], " ".join(" ".join(t for p in pages for t in p.text).split())


def test_events_are_listed_for_each_attempt_that_has_any_and_for_no_other(
    synthetic: ModuleType, out: Path, parse: Callable[[Path], Any]
) -> None:
    for word in ("H100", "virtual machine"):
        result = result_of(synthetic, word)
        attempts = [attempt for cell in result.cells for attempt in cell.attempts]
        found, text = pages_of(out, parse, result)
        lists = [names for tag, names in found if tag == "ul" and names.get("class") == "events"]
        assert len(lists) == sum(bool(attempt.events) for attempt in attempts) < len(attempts)
        assert text.count("What happened") == len(lists)


def test_a_code_links_to_its_place_in_the_method_and_says_its_cause(
    synthetic: ModuleType, out: Path, parse: Callable[[Path], Any]
) -> None:
    found, _ = pages_of(out, parse, result_of(synthetic, "H100"))
    chips = [names for tag, names in found if tag == "a" and (names.get("class") or "").startswith("chip")]
    assert chips
    for chip in chips:
        code = chip["href"].partition("#reason-")[2]
        assert chip["title"] == REASONS[code].cause
        assert REASONS[code].policy in chip["class"]


def test_windows_show_the_second_opinion_and_conditions_their_units(
    synthetic: ModuleType, out: Path, parse: Callable[[Path], Any]
) -> None:
    _, watched = pages_of(out, parse, result_of(synthetic, "H100"))
    for words in ("Second opinion", "+1.2 %", "SM clock", "MHz", "°C", "700 W", "99 %", "Conditions while windows"):
        assert words in watched
    _, bare = pages_of(out, parse, result_of(synthetic, "virtual machine"))
    assert "Second opinion" not in bare
    assert "Conditions while windows" not in bare


def test_a_page_tells_the_batches_tried_and_what_compiling_took(
    synthetic: ModuleType, out: Path, parse: Callable[[Path], Any]
) -> None:
    result = result_of(synthetic, "H100")
    _, text = pages_of(out, parse, result)
    swept = [attempt for cell in result.cells for attempt in cell.attempts if attempt.sweep]
    assert text.count("Batches tried") == len(swept) > 0
    assert f"{swept[0].sweep[0].batch}: " in text
    view = next(view for cell in cells(result) for view in cell.attempts if view.attempt.outcome == "ok")
    found = dict(view.stages)
    (compiled,) = (one for one in spent(result.meters, view.attempt, "device") if one.stage == "compile")
    assert found["compile"].startswith("2.8 s")
    assert (compiled.joules is None) == ("J" not in found["compile"])


def test_net_energy_has_an_interval_of_its_own(synthetic: ModuleType) -> None:
    costs = [cost for cell in cells(result_of(synthetic, "H100")) for cost in cell.costs if cost.energy]
    assert costs
    for cost in costs:
        assert cost.net is not None
        assert cost.net_interval is not None
        low, high = (float(end.replace(",", "")) for end in cost.net_interval.split("–"))
        assert low < float(cost.net.split()[0].replace(",", "")) < high


def without_joules(result: Result) -> Result:
    """Every window drew exactly nothing, give or take a joule."""
    zero = {"joules": 0.0, "edge_j": 1.0, "calibration_j": 0.0}

    def emptied(cell: CellResult) -> CellResult:
        attempts = tuple(
            attempt.model_copy(
                update={"energies": tuple(tuple(replace(one, **zero) for one in row) for row in attempt.energies)}
            )
            for attempt in cell.attempts
        )
        return cell.model_copy(update={"attempts": attempts})

    return result.model_copy(update={"cells": tuple(map(emptied, result.cells))})


def test_zero_joules_are_zero_and_have_no_shares(synthetic: ModuleType) -> None:
    costs = [cost for cell in cells(without_joules(result_of(synthetic, "simulated"))) for cost in cell.costs]
    assert costs
    assert {(cost.energy, cost.sources) for cost in costs} == {("0", ())}


def test_a_meter_tells_its_step_its_scope_and_how_closely_its_ticks_are_known(synthetic: ModuleType) -> None:
    counter, second, package, _ = meters(result_of(synthetic, "H100"))
    assert (counter.role, counter.scope, counter.step) == (None, "gpu", "1.0 mJ")
    assert (counter.period, counter.tick_width, counter.calibration) == ("100 ms", "4.0 ms", "± 5.0 %")
    assert (second.role, second.step) == ("second opinion", None)
    assert (package.scope, package.step) == (None, "61 µJ")


def test_a_meter_without_a_stated_accuracy_has_none(synthetic: ModuleType) -> None:
    (package,) = meters(result_of(synthetic, "desktop"))
    assert package.calibration is None


def test_the_gravest_reason_comes_first() -> None:
    assert [one.code for one in reasons(("calibration_unknown", "dram_missing", "trace_gap"))] == [
        "trace_gap",
        "dram_missing",
        "calibration_unknown",
    ]


def test_what_is_merely_recorded_is_no_flag() -> None:
    assert [one.code for one in flags(("calibration_unknown", "dram_missing"))] == ["dram_missing"]


def codes_on(page: Path, parse: Callable[[Path], Any]) -> set[str]:
    """The codes of all chips on a page."""
    chips = [names for _, names in parse(page).found if (names.get("class") or "").startswith("chip")]
    return {(chip.get("href") or "").partition("#reason-")[2] for chip in chips}


def test_boards_flag_a_row_only_with_what_warns_or_invalidates(out: Path, parse: Callable[[Path], Any]) -> None:
    codes = {code for page in (out / "boards").rglob("*.html") for code in codes_on(page, parse)}
    assert {"foreign_cpu", "methods_disagree"} <= codes
    assert {REASONS[code].policy for code in codes} == {"warn", "invalidate"}


def test_a_row_left_out_for_want_of_joules_says_what_took_them(out: Path, parse: Callable[[Path], Any]) -> None:
    codes = codes_on(out / "excluded.html", parse)
    assert "window_short" in codes
    assert "record" not in {REASONS[code].policy for code in codes}


def test_the_method_lists_every_code_once_under_its_policy(out: Path, parse: Callable[[Path], Any]) -> None:
    ids = [names.get("id") or "" for _, names in parse(out / "methodology.html").found]
    listed: dict[str, list[str]] = {}
    for one in ids:
        kind, _, name = one.partition("-")
        if kind == "policy":
            listed[name] = []
        elif kind == "reason":
            listed[list(listed)[-1]].append(name)
    assert list(listed) == list(POLICIES)
    assert listed == {policy: [code for code, one in REASONS.items() if one.policy == policy] for policy in POLICIES}


def test_no_page_is_too_large(out: Path) -> None:
    assert max(page.stat().st_size for page in out.rglob("*.html")) < MOST_BYTES
