"""What no device can do is refused by the rule that says so, and what a device can do is not."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workloads
from suite.check.devices import FLOPS_PER_CYCLE, Device, devices, find, words
from suite.check.findings import Finding
from suite.check.physics import physics
from suite.check.rules import examine
from suite.check.single import check_file
from suite.energy import Energy, boundaries, window_energy
from suite.identity import sealed
from suite.record import Accelerator, Attempt, CellResult, Result, dumps
from suite.trace import Ticks, Window

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 12, 1)
H100, VIRTUAL, SIMULATED, LAPTOP = 0, 4, 7, 8
"""Their places among the synthetic machines."""


@cache
def true(index: int) -> Result:
    """A synthetic result, which breaks no rule."""
    spec = spec_from_file_location("synthetic_for_physics", ROOT / "bench" / "synthetic.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module.result(index, 1)  # type: ignore[no-any-return]


def errors(found: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in found if finding.severity == "error"}


Change = Callable[[CellResult, Attempt], Attempt]


def altered(result: Result, change: Change) -> Result:
    """The result with every attempt changed, and its joules computed again: such a file holds together."""

    def consistent(cell: CellResult, attempt: Attempt) -> Attempt:
        made = change(cell, attempt)
        energies = tuple(
            tuple(
                window_energy(result.meters, made.ticks, window, boundary, made.events)
                for boundary in boundaries(result.meters)
            )
            for window in made.windows
        )
        return made.model_copy(update={"energies": energies})

    cells = tuple(
        cell.model_copy(update={"attempts": tuple(consistent(cell, attempt) for attempt in cell.attempts)})
        for cell in result.cells
    )
    return result.model_copy(update={"cells": cells})


def of(workload: str, mode: str, change: Change) -> Change:
    """The change, for cells of one mode only."""
    return lambda cell, attempt: (
        change(cell, attempt) if (cell.cell.workload, cell.cell.mode) == (workload, mode) else attempt
    )


def more_units(factor: int) -> Change:
    def change(cell: CellResult, attempt: Attempt) -> Attempt:
        windows = tuple(Window(one.start_ns, one.end_ns, one.units * factor) for one in attempt.windows)
        return attempt.model_copy(update={"windows": windows})

    return change


def scaled(factor: float) -> Change:
    def change(cell: CellResult, attempt: Attempt) -> Attempt:
        ticks = tuple(
            Ticks(one.meter, one.at_ns, tuple(round(factor * value) for value in one.energy_uj))
            for one in attempt.ticks
        )
        return attempt.model_copy(update={"ticks": ticks})

    return change


def holding(peak_memory_bytes: int) -> Change:
    return lambda cell, attempt: attempt.model_copy(update={"peak_memory_bytes": peak_memory_bytes})


def on(name: str) -> Result:
    """The H100's figures under another name."""
    result = true(H100)
    boards = tuple(board.model_copy(update={"name": name}) for board in result.system.accelerators)
    return result.model_copy(update={"system": result.system.model_copy(update={"accelerators": boards})})


def at(day: str) -> Result:
    return true(H100).model_copy(update={"date": day})


BEYOND_ITSELF = {"rate-over-calibration", "energy-under-calibration"}

CHEATS: dict[str, tuple[Callable[[], Result], set[str]]] = {
    "a thousand times the work": (
        lambda: altered(true(H100), of("gpt", "train", more_units(1000))),
        {"flops-over-peak", "pj-per-flop", *BEYOND_ITSELF},
    ),
    "twenty times the work": (
        lambda: altered(true(H100), of("calib", "matmul", more_units(20))), {"flops-over-peak", "pj-per-flop"}
    ),
    "three times the bytes": (
        lambda: altered(true(H100), of("calib", "copy", more_units(3))), {"bytes-over-bandwidth"}
    ),
    "twice the joules": (lambda: altered(true(H100), scaled(2.0)), {"power-over-limit"}),
    "a tenth of the joules": (
        lambda: altered(true(H100), of("gpt", "train", scaled(0.1))), {"power-under-idle", "energy-under-calibration"}
    ),
    "six times the work, which other machines could do": (
        lambda: altered(true(LAPTOP), of("gpt", "train", more_units(6))), {"rate-over-calibration"}
    ),
    "a thousandth of all joules": (
        lambda: altered(true(H100).model_copy(update={"idle": ()}), of("calib", "idle", scaled(0.001))),
        {"power-under-idle"},
    ),
    "a fiftieth, and no idle power to compare with": (
        lambda: altered(true(H100).model_copy(update={"idle": ()}), of("calib", "matmul", scaled(0.02))),
        {"pj-per-flop"},
    ),
    "a smaller board": (
        lambda: on("Tesla T4"),
        {"flops-over-peak", "power-over-limit", "memory-over-capacity", "bytes-over-bandwidth"},
    ),
    "a board that draws less": (lambda: on("NVIDIA H100 PCIe"), {"power-over-limit", "bytes-over-bandwidth"}),
    "more memory than the board has": (lambda: altered(true(H100), holding(90 * 2**30)), {"memory-over-capacity"}),
    "more memory than the machine has": (
        lambda: altered(true(VIRTUAL), holding(30 * 2**30)), {"memory-over-capacity"}
    ),
    "a million times the work of an estimated machine": (
        lambda: altered(true(VIRTUAL), of("gpt", "train", more_units(10**6))),
        {"flops-over-peak", "rate-over-calibration"},
    ),
    "a day before the board was sold": (lambda: at("2019-05-01"), {"date"}),
    "a day that has not come": (lambda: at("2027-01-01"), {"date"}),
    "no day at all": (lambda: at("2026-02-30"), {"date"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHEATS)
def test_a_naive_cheat_in_a_consistent_file_is_caught_by_the_right_rule(name: str) -> None:
    forge, rules = CHEATS[name]
    assert errors(examine(forge(), TODAY)) == rules


def test_numbers_past_all_physics_make_findings_and_no_traceback() -> None:
    result = altered(true(H100), of("gpt", "train", more_units(10**9)))
    cells = tuple(
        one.model_copy(
            update={
                "cell": one.cell.model_copy(update={"device": 2**53, "version": 99}),
                "work": one.work.model_copy(update={"flops_per_step": 1e308, "bytes_per_step": 1e308}),
            }
        )
        for one in result.cells
    )
    wild = altered(result.model_copy(update={"cells": cells}), holding(2**53))
    assert errors(tuple(physics(wild, TODAY))) == {
        "flops-over-peak", "bytes-over-bandwidth", "pj-per-flop", "memory-over-capacity"
    }  # fmt: skip


def test_a_finding_names_both_figures_and_where_they_are() -> None:
    found = examine(altered(true(H100), scaled(2.0)), TODAY)[0]
    assert re.fullmatch(r"\S+ [km]?W on average; Example H100 80GB draws 770 W at most", found.message), found.message
    assert re.fullmatch(r"/cells/\d+/attempts/\d+/energies/\d+", found.pointer)
    assert found.cure


@pytest.mark.parametrize("index", range(10))
def test_a_synthetic_machine_breaks_no_rule(index: int) -> None:
    assert errors(examine(true(index), TODAY)) == set()


def test_joules_of_an_estimate_are_held_to_nothing() -> None:
    assert errors(examine(altered(true(VIRTUAL), scaled(1000.0)), TODAY)) == set()
    assert errors(examine(altered(true(VIRTUAL), scaled(0.001)), TODAY)) == set()


def test_a_cell_that_does_nothing_is_not_held_against_the_idle_machine() -> None:
    assert errors(examine(altered(true(H100), of("calib", "idle", scaled(0.5))), TODAY)) == set()


def test_a_counter_of_the_whole_module_is_not_held_against_the_limit_of_its_board() -> None:
    result = true(H100)
    meters = tuple(replace(meter, scope="module") for meter in result.meters)
    assert errors(examine(altered(result.model_copy(update={"meters": meters}), scaled(2.0)), TODAY)) == set()


def test_a_simulated_machine_is_held_to_the_calendar_only() -> None:
    wild = altered(altered(true(SIMULATED), more_units(10**6)), scaled(10.0))
    assert errors(examine(wild, TODAY)) == set()
    assert errors(examine(wild.model_copy(update={"date": "2027-01-01"}), TODAY)) == {"date"}


def test_neither_a_simulated_meter_beside_others_nor_the_backend_s_name_excuses_anything() -> None:
    forged = altered(true(H100), scaled(2.0))
    simulated = replace(forged.meters[0], domain="wall", boundary="wall", method="simulated", resolution_uj=None)
    beside = altered(forged.model_copy(update={"meters": (*forged.meters, simulated)}), scaled(1.0))
    assert errors(examine(beside, TODAY)) == {"power-over-limit"}
    cells = tuple(
        one.model_copy(update={"cell": one.cell.model_copy(update={"backend": "simulated"})}) for one in forged.cells
    )
    named = forged.model_copy(update={"backend": "simulated", "cells": cells})
    assert errors(examine(named, TODAY)) == {"power-over-limit", "cell-unplanned"}


def test_an_unknown_device_is_said_to_be_one_and_still_held_to_generic_bounds() -> None:
    found = examine(on("Example Z9"), TODAY)
    assert [finding.rule for finding in found] == ["device-unknown"]
    assert found[0].severity == "warning"
    strange = on("Example Z9")
    assert errors(examine(altered(strange, of("gpt", "train", more_units(1000))), TODAY)) == {
        "flops-over-peak",
        "pj-per-flop",
        *BEYOND_ITSELF,
    }
    assert errors(examine(altered(strange, scaled(20.0)), TODAY)) == {"power-over-limit"}


def test_without_a_day_to_compare_with_no_day_lies_in_the_future() -> None:
    assert errors(examine(at("2031-01-01"))) == set()


def test_a_file_whose_traces_are_no_traces_is_not_asked_for_its_physics() -> None:
    def backwards(_: CellResult, attempt: Attempt) -> Attempt:
        windows = tuple(Window(one.end_ns, one.start_ns, one.units) for one in attempt.windows)
        return attempt.model_copy(update={"windows": windows})

    result = at("2019-05-01")
    cells = tuple(
        cell.model_copy(update={"attempts": tuple(backwards(cell, attempt) for attempt in cell.attempts)})
        for cell in result.cells
    )
    assert errors(examine(result.model_copy(update={"cells": cells}), TODAY)) == {"window"}
    assert errors(examine(result.model_copy(update={"backend": "tpu"}), TODAY)) >= {"backend", "date"}


def test_the_one_accelerator_of_a_file_is_its_device_whatever_its_number() -> None:
    cells = tuple(
        one.model_copy(update={"cell": one.cell.model_copy(update={"device": 3})}) for one in true(H100).cells
    )
    assert tuple(physics(true(H100).model_copy(update={"cells": cells}), TODAY)) == ()


def test_a_file_is_held_against_the_day_on_which_it_is_checked(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(dumps(sealed(at("2999-01-01"))))
    assert errors(check_file(tmp_path / "a.json").findings) == {"date"}


@pytest.mark.parametrize("device", devices(), ids=lambda device: device.name)
def test_every_line_of_the_table_is_sane_and_found_by_its_own_name(device: Device) -> None:
    assert find(device.name) is device
    assert re.fullmatch(r"https://[^\s\"]+", device.source)
    assert 2015 <= device.year <= TODAY.year
    assert device.kind in ("fixed", "tunable", "server", "client")
    assert device.match
    assert device.isa is None or device.isa in FLOPS_PER_CYCLE
    ranges = {
        "power_w": (5, 2000), "memory_gib": (4, 1024), "bytes_per_s": (3e10, 3e13), "fp32": (1e12, 3e14),
        "tf32": (4e12, 3e15), "bf16": (8e12, 1e16), "fp16": (8e12, 1e16), "cores": (2, 512), "clock_hz": (1e9, 7e9),
    }  # fmt: skip
    for name, (low, high) in ranges.items():
        value = getattr(device, name)
        assert value is None or low <= value <= high, (name, value)
    rising = [device.fp32, device.tf32, device.bf16, device.fp16]
    known = [value for value in rising if value is not None]
    assert all(later >= 0.99 * earlier for earlier, later in pairwise(known))


def test_the_table_has_all_the_families_and_no_name_twice() -> None:
    assert len(devices()) >= 60
    assert len({device.name for device in devices()}) == len(devices())
    assert len({device.match for device in devices()}) == len(devices())
    for family in (
        "NVIDIA",
        "AMD Instinct",
        "Google TPU",
        "Intel Xeon",
        "Intel Core",
        "AMD EPYC",
        "AMD Ryzen",
        "Apple",
    ):
        assert sum(device.name.startswith(family) for device in devices()) >= 5, family


@pytest.mark.parametrize(
    ("name", "found"),
    {
        "NVIDIA H100 80GB HBM3": "NVIDIA H100 SXM 80GB",
        "NVIDIA A100-SXM4-40GB": "NVIDIA A100 SXM4 40GB",
        "NVIDIA A100 80GB PCIe": "NVIDIA A100 PCIe 80GB",
        "Tesla V100-SXM2-16GB": "NVIDIA V100 SXM2",
        "NVIDIA GeForce RTX 4070 Ti SUPER": "NVIDIA GeForce RTX 4070 Ti SUPER",
        "NVIDIA RTX 6000 Ada Generation": "NVIDIA RTX 6000 Ada",
        "Orin (nvgpu)": "NVIDIA Jetson AGX Orin",
        "TPU v5e": "Google TPU v5e",
        "Intel Xeon CPU E5-2690 v4 @ 2.60GHz": "Intel Xeon E5-2690 v4",
        "Intel Xeon Platinum 8480+": "Intel Xeon Platinum 8480+",
        "AMD EPYC 7763 64-Core Processor": "AMD EPYC 7763",
        "AMD Ryzen Threadripper PRO 7995WX 96-Cores": "AMD Ryzen Threadripper PRO 7995WX",
    }.items(),
)
def test_a_device_is_found_by_the_name_that_its_driver_gives(name: str, found: str) -> None:
    device = find(name)
    assert device is not None
    assert device.name == found


@pytest.mark.parametrize(
    "name", ["NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA GeForce RTX 3080 SUPER", "Apple M3 Ultra", "A100", ""]
)
def test_a_variant_that_the_table_lacks_is_unknown_and_not_its_sibling(name: str) -> None:
    assert find(name) is None


WORK = {
    (spec.workload, mode): spec for name in ("llm", "calib", "resnet") for mode, spec in workloads.specs(name).items()
}


def plausible(device: Device, share: float, *, mode: tuple[str, str], precision: str) -> Result:
    """A result of this device that reaches `share` of what its makers state, and draws accordingly."""
    base, spec = true(H100), WORK[mode]
    size = spec.sizes["l"]
    work = next(iter(base.cells)).work.model_copy(
        update={
            "units_per_step": spec.units_per_step(size), "flops_per_step": spec.flops_per_step(size),
            "bytes_per_step": spec.bytes_per_step(size, precision),
        }
    )  # fmt: skip
    step_s = max(
        work.flops_per_step / stated_flops_per_s(device, precision),
        work.bytes_per_step / (device.bytes_per_s or 1e10),
    )
    steps = max(1, round(10 * share / step_s))
    window = Window(0, round(steps * step_s / share * 1e9), steps * work.units_per_step)
    host = device.kind in ("server", "client")
    power_w = (0.25 + 0.75 * min(1.0, share)) * (device.power_w or 100)
    energy = Energy(
        boundary="device", meter_class="measured", joules=power_w * window.duration_s,
        domains=("package-0",) if host else ("gpu0",),
    )  # fmt: skip
    memory_bytes = round((device.memory_gib or 64) * 2**30)
    attempt = Attempt.model_construct(
        windows=(window,), energies=((energy,),), peak_memory_bytes=round(min(1.0, share) * memory_bytes)
    )
    cell = base.cells[0].cell.model_copy(
        update={"workload": mode[0], "mode": mode[1], "precision": precision, "batch": size.batch, "device": 0}
    )
    boards = () if host else (Accelerator(name=device.name, memory_bytes=memory_bytes),)
    system = base.system.model_copy(
        update={
            "cpu": device.name if host else "Example", "accelerators": boards, "memory_bytes": memory_bytes,
            "physical_cores": device.cores or 8, "virtual": False,
        }
    )  # fmt: skip
    made = CellResult.model_construct(cell=cell, work=work, attempts=(attempt,))
    return base.model_copy(update={"system": system, "idle": (), "cells": (made,), "date": "2026-06-01"})


def stated_flops_per_s(device: Device, precision: str) -> float:
    stated: Any = device.fp32 if precision == "fp32" else device.bf16 or device.fp16
    if device.clock_hz and device.cores and device.isa:
        stated = device.clock_hz * device.cores * FLOPS_PER_CYCLE[device.isa][precision]
    return stated or 1e12  # type: ignore[no-any-return]


@given(
    device=st.sampled_from(devices()),
    share=st.floats(0.05, 0.95),
    mode=st.sampled_from([("calib", "matmul"), ("calib", "copy"), ("llm", "decode")]),
    precision=st.sampled_from(["fp32", "bf16"]),
)
@settings(max_examples=200, deadline=None)
def test_no_plausible_result_of_any_known_device_is_refused(
    device: Device, share: float, mode: tuple[str, str], precision: str
) -> None:
    found = tuple(physics(plausible(device, share, mode=mode, precision=precision), TODAY))
    assert errors(found) == set(), found


@pytest.mark.parametrize(("share", "rules"), [(2.0, set()), (5.0, {"flops-over-peak"})])
def test_convolutions_may_be_done_with_a_fourth_of_their_operations(share: float, rules: set[str]) -> None:
    h100 = find("NVIDIA H100 80GB HBM3")
    assert h100 is not None
    fast = plausible(replace(h100, bytes_per_s=1e15), share, mode=("resnet", "train"), precision="bf16")
    assert errors(tuple(physics(fast, TODAY))) == rules


def test_every_rule_has_its_row_in_the_documentation() -> None:
    rows = set(re.findall(r"^\| `([a-z-]+)`", (ROOT / "docs" / "checks.md").read_text(), re.MULTILINE))
    code = "".join(path.read_text() for path in (ROOT / "suite" / "check").glob("*.py"))
    assert rows == set(re.findall(r'(?:error|warning)\(\s*"([a-z-]+)"', code))


def test_words_of_a_name_keep_their_plus() -> None:
    assert words("Intel(R) Xeon(R) Platinum 8480+") == {"intel", "r", "xeon", "platinum", "8480+"}
