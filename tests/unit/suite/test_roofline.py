"""A machine whose limits and energies are known is found again, and every cell stands where it must below its roofs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from suite.energy import Energy, MeterClass
from suite.normalise import Score, score
from suite.record import Attempt, Cell, CellResult, Idle, Result, Work
from suite.roofline import Calibration, Roofline, calibrate, explained, roofline
from suite.trace import Boundary, Meter, Ticks, Window

PER_STEP = 4


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a machine does and draws, exactly."""

    flops_per_s: float
    bytes_per_s: float
    joules_per_flop: float
    joules_per_byte: float
    constant_w: float

    def least_s(self, flops: float, traffic: float) -> float:
        return max(flops / self.flops_per_s, traffic / self.bytes_per_s)

    def cell(self, flops: float, traffic: float, *, slower: float = 1.0, **known: Any) -> CellResult:
        """A cell that takes so many times the least time of its work, at this machine's prices."""
        unit_s = slower * self.least_s(flops, traffic)
        dynamic_j = flops * self.joules_per_flop + traffic * self.joules_per_byte
        power_w = dynamic_j / unit_s + self.constant_w
        return made(flops=flops, traffic=traffic, unit_s=unit_s, power_w=power_w, **known)

    def calib(self, precision: str = "bf16") -> tuple[CellResult, ...]:
        least_traffic = 1e-3 * self.bytes_per_s / self.flops_per_s  # of an operation: the arithmetic is what takes time
        return (
            self.cell(1.0, least_traffic, workload="calib", mode="matmul", precision=precision),
            self.cell(0.0, 1.0, workload="calib", mode="copy", precision=precision),
            made(flops=0.0, traffic=0.0, unit_s=1e-3, power_w=self.constant_w, workload="calib", mode="idle"),
        )


def made(
    *,
    flops: float,
    traffic: float,
    unit_s: float,
    power_w: float | None,
    workload: str = "gpt",
    mode: str = "train",
    precision: str = "bf16",
    framework: str = "torch",
    boundary: Boundary = "device",
    meter_class: MeterClass = "measured",
    outcome: Any = "ok",
    lengths: tuple[float, ...] = (1.0, 1.0, 1.0),
    off: float = 0.0,
) -> CellResult:
    """A cell at this power, whose windows take so many times about 10 s. Only what the accounting reads is there."""
    units = max(1, round(10.0 / unit_s))
    lengths_s = [units * unit_s * longer for longer in lengths]
    joules = [None if power_w is None else power_w * length_s for length_s in lengths_s]
    attempt = Attempt.model_construct(
        outcome=outcome,
        windows=tuple(Window(0, round(length_s * 1e9), units) for length_s in lengths_s),
        energies=tuple(
            (Energy(boundary=boundary, meter_class=meter_class, joules=one, range_j=off * (one or 0.0)),)
            for one in joules
        ),
    )
    cell = Cell.model_construct(workload=workload, mode=mode, size="s", precision=precision, framework=framework)
    work = Work.model_construct(
        unit="token", units_per_step=PER_STEP, flops_per_step=PER_STEP * flops, bytes_per_step=PER_STEP * traffic
    )
    return CellResult.model_construct(cell=cell, work=work, attempts=(attempt,))


def result(*cells: CellResult, meters: tuple[Meter, ...] = (), idle: tuple[Idle, ...] = ()) -> Result:
    return Result.model_construct(cells=cells, meters=meters, idle=idle)


def limits(*cells: CellResult, meter_class: MeterClass = "measured") -> Calibration:
    return calibrate(result(*cells), "device", meter_class)


def scored(cell: CellResult, boundary: Boundary = "device") -> Score:
    found = score(cell, boundary)
    assert found is not None
    return found


def stands(cell: CellResult, found: Calibration) -> Roofline:
    line = roofline(cell, scored(cell), found)
    assert line is not None
    return line


def between(low: float, high: float) -> st.SearchStrategy[float]:
    """Evenly over the orders of magnitude."""
    return st.floats(0.0, 1.0).map(lambda share: low * (high / low) ** share)


MACHINES = st.builds(
    Machine,
    flops_per_s=between(1e9, 1e16),
    bytes_per_s=between(1e9, 1e13),
    joules_per_flop=between(1e-14, 1e-9),
    joules_per_byte=between(1e-12, 1e-8),
    constant_w=between(0.1, 500.0),
)
WORK = st.tuples(between(1.0, 1e15), between(1.0, 1e12))
GPU = Machine(
    flops_per_s=4e14, bytes_per_s=2e12, joules_per_flop=1e-12, joules_per_byte=1e-10, constant_w=80.0
)  # draws 480 W at matrix products and 280 W at copies


@given(MACHINES)
def test_what_a_machine_can_do_and_what_it_costs_is_found_again(machine: Machine) -> None:
    found = limits(*machine.calib())
    products = found.products["bf16"]
    assume(products.joules_per_flop is not None)  # rounding: next to nothing beside a large constant power
    assert products.flops_per_s == pytest.approx(machine.flops_per_s)
    assert found.bytes_per_s == pytest.approx(machine.bytes_per_s)
    assert found.constant_w == pytest.approx(machine.constant_w)
    rounding_w = 1e-12 * (machine.constant_w + machine.flops_per_s * machine.joules_per_flop)
    assert found.joules_per_byte == pytest.approx(
        machine.joules_per_byte, rel=1e-6, abs=1e3 * rounding_w / machine.bytes_per_s
    )
    assert products.joules_per_flop == pytest.approx(
        machine.joules_per_flop, rel=1e-6, abs=1e3 * rounding_w / machine.flops_per_s
    )


@given(MACHINES, WORK)
def test_a_cell_that_reaches_its_roof_stands_at_its_floor(machine: Machine, work: tuple[float, float]) -> None:
    line = stands(machine.cell(*work), limits(*machine.calib()))
    assume(line.excess is not None)
    assert line.excess == pytest.approx(1.0, rel=1e-6)
    assert line.mfu is not None
    assert line.mbu is not None
    assert max(line.mfu, line.mbu) == pytest.approx(1.0)
    flops_s, traffic_s = work[0] / machine.flops_per_s, work[1] / machine.bytes_per_s
    assume(abs(flops_s / traffic_s - 1) > 1e-9)
    assert line.bound == ("compute" if flops_s > traffic_s else "memory")


@given(WORK, st.floats(1.0, 50.0))
def test_time_lost_costs_the_constant_power_and_nothing_else(work: tuple[float, float], slower: float) -> None:
    line = stands(GPU.cell(*work, slower=slower), limits(*GPU.calib()))
    constant_j = GPU.constant_w * GPU.least_s(*work)
    floor_j = work[0] * GPU.joules_per_flop + work[1] * GPU.joules_per_byte + constant_j
    assert line.floor_joules_per_unit == pytest.approx(floor_j, rel=1e-6, abs=0)
    assert line.excess == pytest.approx(1 + (slower - 1) * constant_j / floor_j, rel=1e-6)
    assert line.mfu == pytest.approx(work[0] / GPU.flops_per_s / GPU.least_s(*work) / slower)


@given(MACHINES, WORK, st.floats(1.0, 9.0), between(1e-3, 1e3))
def test_what_is_called_one_unit_changes_nothing_but_the_floor_of_one(
    machine: Machine, work: tuple[float, float], slower: float, many: float
) -> None:
    found = limits(*machine.calib())
    one = stands(machine.cell(*work, slower=slower), found)
    other = stands(machine.cell(work[0] * many, work[1] * many, slower=slower), found)
    assume(one.excess is not None and one.floor_joules_per_unit is not None)
    assert one.floor_joules_per_unit is not None
    assert (other.mfu, other.mbu) == (pytest.approx(one.mfu), pytest.approx(one.mbu))
    assert other.excess == pytest.approx(one.excess, rel=1e-6)
    assert other.floor_joules_per_unit == pytest.approx(many * one.floor_joules_per_unit, rel=1e-6, abs=0)


def test_beside_a_floor_that_is_known_well_the_interval_of_the_excess_is_that_of_the_energy() -> None:
    cell = made(flops=1e12, traffic=1e9, unit_s=0.01, power_w=300.0, lengths=(1.0, 1.05, 1.1))
    line, energy = stands(cell, limits(*GPU.calib())), scored(cell).joules_per_unit
    assert energy is not None
    assert energy.low is not None
    assert energy.high is not None
    assert line.floor_joules_per_unit is not None
    assert line.excess == energy.median / line.floor_joules_per_unit
    assert (line.excess_low, line.excess_high) == (
        pytest.approx(energy.low / line.floor_joules_per_unit),
        pytest.approx(energy.high / line.floor_joules_per_unit),
    )


def test_what_the_floor_may_lie_off_is_in_the_interval_of_the_excess() -> None:
    cell = made(flops=1e12, traffic=1e9, unit_s=0.01, power_w=300.0)
    matmul, copy, idle = GPU.calib()
    unsteady = made(flops=1.0, traffic=2e-6, unit_s=2.5e-15, power_w=480.0, workload="calib", mode="matmul",
                    lengths=(0.9, 1.0, 1.1))  # fmt: skip
    steady_line, line = stands(cell, limits(matmul, copy, idle)), stands(cell, limits(unsteady, copy, idle))
    parts = scored(unsteady).joules_per_unit.parts  # type: ignore[union-attr]
    assert steady_line.excess_low == pytest.approx(steady_line.excess)
    assert parts is not None
    assert line.excess is not None
    off = parts.repeats / (scored(unsteady).joules_per_unit.median)  # type: ignore[union-attr]
    assert (line.excess_low, line.excess_high) == (
        pytest.approx(line.excess / (1 + off)), pytest.approx(line.excess / (1 - off))
    )  # fmt: skip


def test_ranges_of_two_estimates_do_not_cancel() -> None:
    guessed: dict[str, Any] = {"meter_class": "estimated", "off": 0.5}
    cells = [
        made(flops=1.0, traffic=2e-6, unit_s=2.5e-15, power_w=480.0, workload="calib", mode="matmul", **guessed),
        made(flops=0.0, traffic=1.0, unit_s=5e-13, power_w=280.0, workload="calib", mode="copy", **guessed),
        made(flops=0.0, traffic=0.0, unit_s=1e-3, power_w=80.0, workload="calib", mode="idle", **guessed),
    ]
    cell = made(flops=1e12, traffic=1e9, unit_s=0.01, power_w=300.0, **guessed)
    line = stands(cell, limits(*cells, meter_class="estimated"))
    assert line.excess is not None
    assert line.excess_low == pytest.approx(line.excess * 0.5 / 1.5)
    assert line.excess_high == pytest.approx(line.excess * 1.5 / 0.5)
    assert line.over == f"{line.excess_low:.2f}x to {line.excess_high:.1f}x"


def test_a_calibration_of_one_repeat_gives_an_excess_without_an_interval() -> None:
    cell = made(flops=1e12, traffic=1e9, unit_s=0.01, power_w=300.0)
    matmul, copy, _ = GPU.calib()
    once = made(flops=0.0, traffic=0.0, unit_s=1e-3, power_w=80.0, workload="calib", mode="idle", lengths=(1.0,))
    line = stands(cell, limits(matmul, copy, once))
    assert line.excess is not None
    assert (line.excess_low, line.excess_high) == (None, None)


def test_a_single_repeat_has_an_excess_without_an_interval() -> None:
    cell = made(flops=1e12, traffic=1e9, unit_s=0.01, power_w=300.0, lengths=(1.0,))
    line = stands(cell, limits(*GPU.calib()))
    assert line.excess is not None
    assert (line.excess_low, line.excess_high) == (None, None)


def test_of_several_frameworks_the_fastest_sets_the_roof() -> None:
    slow = GPU.cell(1.0, 0.0, slower=1.5, workload="calib", mode="matmul", framework="jax")
    assert limits(slow, *GPU.calib()).products["bf16"].flops_per_s == pytest.approx(GPU.flops_per_s)
    assert limits(slow).products["bf16"].flops_per_s == pytest.approx(GPU.flops_per_s / 1.5)


def test_each_precision_has_a_roof_of_its_own() -> None:
    single = replace(GPU, flops_per_s=GPU.flops_per_s / 8, joules_per_flop=8 * GPU.joules_per_flop)
    found = limits(*GPU.calib(), *single.calib("fp32"))
    assert found.products["fp32"].flops_per_s == pytest.approx(single.flops_per_s)
    assert found.products["fp32"].joules_per_flop == pytest.approx(single.joules_per_flop, rel=1e-6, abs=0)
    assert stands(single.cell(1e12, 1.0, precision="fp32"), found).mfu == pytest.approx(1.0)


def test_a_launch_takes_as_long_as_it_takes() -> None:
    launch = made(flops=0.0, traffic=0.0, unit_s=5e-6, power_w=90.0, workload="calib", mode="launch")
    assert limits(launch).launch_s == pytest.approx(5e-6)


def steady(power_w: float, when: Any) -> Idle:
    at_ns = tuple(range(0, 12_000_000_000, 100_000_000))
    ticks = Ticks(0, at_ns, tuple(round(power_w * at / 1e3) for at in at_ns))
    return Idle(when=when, window=Window(500_000_000, 10_500_000_000, 0), ticks=(ticks,), events=())


def test_without_an_idle_cell_the_idle_machine_before_and_after_gives_the_constant_power(make_meter: Any) -> None:
    moving = GPU.calib()[:2]
    idle = (steady(60.0, "before"), steady(70.0, "after"))
    found = calibrate(result(*moving, meters=(make_meter(),), idle=idle), "device", "measured")
    assert found.constant_w == pytest.approx(65.0)
    both = calibrate(result(*GPU.calib(), meters=(make_meter(),), idle=idle), "device", "measured")
    assert both.constant_w == pytest.approx(GPU.constant_w)


def test_without_calibration_nothing_is_known_and_nothing_said() -> None:
    found = limits(GPU.cell(1e12, 1e9))
    line = stands(GPU.cell(1e12, 1e9), found)
    assert found.is_empty
    assert (line.mfu, line.mbu, line.bound, line.excess, line.sentence) == (None,) * 5


def test_rates_are_known_where_energies_are_not() -> None:
    silent = [made(flops=1.0, traffic=0.0, unit_s=1e-14, power_w=None, workload="calib", mode="matmul"),
              made(flops=0.0, traffic=1.0, unit_s=1e-12, power_w=None, workload="calib", mode="copy")]  # fmt: skip
    line = stands(made(flops=1e12, traffic=1e9, unit_s=0.02, power_w=None), limits(*silent))
    assert line.mfu == pytest.approx(0.5)
    assert (line.floor_joules_per_unit, line.excess) == (None, None)
    assert line.sentence == "compute-bound: 50 % of this machine's matrix-product rate"


def test_an_energy_below_nothing_is_unknown_and_not_nothing() -> None:
    copy = made(flops=0.0, traffic=1.0, unit_s=1e-12, power_w=79.0, workload="calib", mode="copy")
    matmul, _, idle = GPU.calib()
    found = limits(matmul, copy, idle)
    assert found.joules_per_byte is None
    assert found.products["bf16"].joules_per_flop is None
    assert found.bytes_per_s == pytest.approx(1e12)


def test_a_copy_at_constant_power_costs_nothing_a_byte_and_that_is_known() -> None:
    copy = made(flops=0.0, traffic=1.0, unit_s=1e-12, power_w=80.0, workload="calib", mode="copy")
    assert limits(copy, GPU.calib()[2]).joules_per_byte == 0.0


@pytest.mark.parametrize(
    "unlike", [{"outcome": "quality"}, {"boundary": "machine"}, {"meter_class": "estimated"}, {"workload": "gpt"}]
)
def test_only_calibration_that_ended_well_under_the_same_meters_counts(unlike: dict[str, Any]) -> None:
    known = {"workload": "calib", "mode": "matmul"} | unlike
    assert limits(GPU.cell(1.0, 0.0, **known)).is_empty


def test_another_precision_than_was_calibrated_has_no_roof() -> None:
    line = stands(GPU.cell(1e12, 1e9, precision="fp32"), limits(*GPU.calib()))
    assert (line.mfu, line.bound, line.floor_joules_per_unit, line.sentence) == (None,) * 4
    assert line.mbu is not None


def test_work_without_arithmetic_needs_no_roof_of_arithmetic() -> None:
    line = stands(GPU.cell(0.0, 1e9, slower=2.0), limits(*GPU.calib()[1:]))
    assert (line.mfu, line.bound) == (0.0, "memory")
    assert line.sentence == "memory-bound: 50 % of this machine's bandwidth, 1.3x its energy floor"


def test_cells_of_calib_itself_have_no_place_below_the_roofs() -> None:
    cells = (*GPU.calib(), GPU.cell(1e12, 1e9))
    lines = [line for _, line in explained(result(*cells), "device")]
    assert lines[:3] == [None, None, None]
    assert lines[3] is not None


def test_a_cell_without_a_score_has_no_line() -> None:
    failed = GPU.cell(1e12, 1e9, outcome="oom")
    assert explained(result(*GPU.calib(), failed), "device")[-1] == (failed, None)


PLAIN = Roofline(
    meter_class="measured", mfu=0.43, mbu=0.08, bound="compute", floor_joules_per_unit=1.0, excess=1.9,
    excess_low=1.8, excess_high=2.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        ({}, "compute-bound: 43 % of this machine's matrix-product rate, 1.9x its energy floor"),
        (
            {"mfu": 0.02, "mbu": 0.71, "bound": "memory", "excess": 1.6},
            "memory-bound: 71 % of this machine's bandwidth, 1.6x its energy floor",
        ),
        (
            {"mfu": 0.12, "excess": 6.3, "excess_high": 7.0},
            "limited by neither: 12 % of the matrix-product rate and 8.0 % of the bandwidth, 6.3x its energy floor: "
            "small operations, or what stands between them",
        ),
        (
            {"excess": None, "excess_low": None, "excess_high": None},
            "compute-bound: 43 % of this machine's matrix-product rate",
        ),
        (
            {"mfu": 1.2, "excess": 0.8, "excess_low": 0.7, "excess_high": 0.9},
            "compute-bound: 120 % of this machine's matrix-product rate, above the calibrated rate, "
            "0.80x its energy floor, below the calibrated one",
        ),
        (
            {"meter_class": "estimated"},
            "compute-bound: 43 % of this machine's matrix-product rate, an estimated 1.8x to 2.0x its energy floor",
        ),
        (
            {"meter_class": "simulated"},
            "compute-bound: 43 % of this machine's matrix-product rate, a simulated 1.9x its energy floor",
        ),
        ({"mbu": None, "bound": None}, None),
    ],
)
def test_one_sentence_says_it(known: dict[str, Any], sentence: str | None) -> None:
    assert replace(PLAIN, **known).sentence == sentence


def test_a_share_that_rounds_to_all_of_it_is_not_above_it() -> None:
    assert "above" not in (replace(PLAIN, mfu=1.004).sentence or "above")
