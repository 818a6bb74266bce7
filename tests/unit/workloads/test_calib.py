"""What the `calib` specs promise without any framework: sizes, inputs and the formulas of the roofline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import workloads
from workloads.base import Arrays
from workloads.calib.data import Memory, Multiples, Products
from workloads.calib.idle import Idle
from workloads.calib.scaling import Scaling

SPECS = workloads.specs("calib")
MATMUL, COPY, LAUNCH, IDLE = (SPECS[mode] for mode in ("matmul", "copy", "launch", "idle"))
LARGEST_CACHE_BYTES = 512 * 2**20
each_size = pytest.mark.parametrize("size", workloads.SIZES)


def digest(arrays: Arrays) -> str:
    text = hashlib.sha256()
    for name, values in sorted(arrays.items()):
        text.update(name.encode() + values.tobytes())
    return text.hexdigest()[:16]


def test_the_units_are_those_the_roofline_is_drawn_in() -> None:
    assert {mode: spec.unit for mode, spec in SPECS.items()} == {
        "matmul": "flop",
        "copy": "byte",
        "launch": "launch",
        "idle": "ms",
    }


@each_size
def test_a_unit_is_one_operation_one_byte_one_launch_one_millisecond(size: str) -> None:
    chain, buffer, launch, pause = (spec.sizes[size] for spec in (MATMUL, COPY, LAUNCH, IDLE))
    assert MATMUL.units_per_step(chain) == MATMUL.flops_per_step(chain)
    assert COPY.units_per_step(buffer) == COPY.bytes_per_step(buffer, "fp32")
    assert LAUNCH.units_per_step(launch) == len(LAUNCH.source_at(size).inputs(0, 1)[0]["levels"])
    assert IDLE.units_per_step(pause) == pause.milliseconds


def test_operations_are_those_counted_product_by_product() -> None:
    chain = MATMUL.sizes["xs"]
    source = MATMUL.source_at("xs")
    x, counted, moved = source.constants()["start"], 0, 0
    for matrix in source.weights().values():
        before, x = x, x @ matrix
        counted += 2 * x.size * matrix.shape[0]
        moved += before.nbytes + matrix.nbytes + x.nbytes
    assert MATMUL.flops_per_step(chain) == counted
    assert MATMUL.bytes_per_step(chain, "fp32") == moved == 2 * MATMUL.bytes_per_step(chain, "bf16")
    assert MATMUL.parameters(chain) == sum(matrix.size for matrix in source.weights().values())


@each_size
def test_matrices_are_square_and_so_is_what_they_multiply(size: str) -> None:
    chain = MATMUL.sizes[size]
    assert chain.width == chain.batch
    assert MATMUL.flops_per_step(chain) == chain.products * 2 * chain.width**3
    assert MATMUL.bytes_per_step(chain, "bf16") == chain.products * 3 * chain.width**2 * 2


@each_size
def test_bytes_are_those_of_reading_and_writing_every_number(size: str) -> None:
    for spec in (COPY, LAUNCH):
        config = spec.sizes[size]
        assert spec.bytes_per_step(config, "bf16") == config.launches * 2 * spec.memory_bytes(config, "bf16")


@pytest.mark.parametrize("size", ["s", "m", "l"])
def test_no_cache_holds_what_is_copied(size: str) -> None:
    assert COPY.memory_bytes(COPY.sizes[size], "fp32") >= 2 * LARGEST_CACHE_BYTES


def test_memory_is_within_what_the_sizes_are_for() -> None:
    for spec in SPECS.values():
        needed = {size: spec.memory_bytes(config, "bf16") for size, config in spec.sizes.items()}
        assert needed["s"] < 4e9
        assert needed["m"] < 16e9
        assert needed["l"] < 80e9


def test_products_keep_numbers_of_order_one() -> None:
    """So that neither precision overflows, and the arithmetic has the digits of real work."""
    source = MATMUL.source_at("xs")
    x = source.constants()["start"] * source.inputs(0, 1)[0]["scale"]
    for matrix in source.weights().values():
        x = x @ matrix
        assert 0.5 < np.sqrt(np.square(x).mean()) < 2


@pytest.mark.parametrize("spec", [MATMUL, COPY, LAUNCH], ids=lambda spec: str(spec.mode))
def test_steps_differ_and_do_not_depend_on_how_they_are_asked_for(spec: Any) -> None:
    source = spec.source_at("xs")
    made = source.inputs(155, 12)  # levels are drawn in blocks: at launches of 100, 163 steps long
    assert [digest(step) for step in made] == [digest(source.inputs(155 + number, 1)[0]) for number in range(12)]
    assert all(digest(one) != digest(next_one) for one, next_one in pairwise(made))
    assert digest(source.audit()) not in {digest(step) for step in made}


def test_the_first_row_is_the_same_whatever_the_batch() -> None:
    chain = MATMUL.sizes["xs"]
    few, many = (Products(config=replace(chain, batch=batch), seed=MATMUL.seed) for batch in (1, 64))
    assert np.array_equal(few.constants()["start"][0], many.constants()["start"][0])
    assert digest(few.inputs(3, 1)[0]) == digest(many.inputs(3, 1)[0])


@pytest.mark.parametrize("launches", [1, 10])
def test_no_level_is_that_before_it_nor_the_first(launches: int) -> None:
    """A launch that is left out leaves the numbers where they were: that must always be wrong."""
    source = Multiples(config=Memory(rows=1, columns=4, launches=launches), seed=COPY.seed)
    levels = np.concatenate([np.float32([1]), *(step["levels"] for step in source.inputs(0, 200))])
    assert (levels[1:] != levels[:-1]).all()
    assert (levels[1:] != 1).all()


def test_any_number_of_launches_is_exact_in_float32() -> None:
    source = COPY.source_at("xs")
    tile = source.weights()["tile"]
    numbers, before = tile.copy(), np.float32(1)
    for step in source.inputs(0, 1000):
        numbers *= step["levels"][0] / before
        before = step["levels"][0]
    assert np.array_equal(numbers, tile * before)


def test_nothing_is_zero_and_nothing_is_constant() -> None:
    for arrays in (MATMUL.source_at("xs").weights(), MATMUL.source_at("xs").constants(), COPY.source_at("s").weights()):
        for values in arrays.values():
            assert values.all()
            assert np.unique(values).size > 0.9 * values.size


def test_inputs_are_bit_identical_everywhere() -> None:
    products = MATMUL.source_at("xs")
    assert digest(products.weights()) == "2a08c91f0c4324e4"
    assert digest(products.constants() | products.inputs(5, 1)[0]) == "5324404a610cad5b"
    assert digest(COPY.source_at("xs").weights()) == "9f436a585f525e5b"
    assert digest(LAUNCH.source_at("xs").inputs(5, 1)[0]) == "e6ee44078c098884"


def slept(factor: float, monkeypatch: pytest.MonkeyPatch) -> Idle:
    """A pause whose clock says that each sleep took `factor` times as long as wanted."""
    now_s = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += factor * seconds

    monkeypatch.setattr("workloads.calib.idle.time.sleep", sleep)
    monkeypatch.setattr("workloads.calib.idle.time.monotonic", lambda: now_s)
    program = Idle(IDLE, "xs", None)
    program.step(witnessed=True)
    return program


@pytest.mark.parametrize(("factor", "holds"), [(0.5, False), (1.0, True), (1.05, True), (1.5, False)])
def test_a_sleep_that_is_too_short_or_too_long_is_seen(
    factor: float, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = slept(factor, monkeypatch)
    assert IDLE.band("xs", "fp32").holds(program.quality()) == holds
    assert (program.proof() < IDLE.proof_limits["fp32"]) == holds


class InNumpy:
    """Scaling's numbers without a framework; `share` of the rows are worked on."""

    def __init__(self, share: float) -> None:
        config = COPY.sizes["xs"]
        self.numbers = np.tile(COPY.source_at("xs").weights()["tile"], (config.rows, 1))
        self.worked_on = self.numbers[: round(share * config.rows)]

    @property
    def multiply(self) -> Callable[[Any], Any]:
        return self._multiply

    def _multiply(self, factor: Any) -> None:
        self.worked_on *= factor

    def factor(self, value: float) -> np.float32:
        return np.float32(value)

    def read(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.numbers[rows, columns]
        return found


@pytest.mark.parametrize(("share", "holds"), [(1.0, True), (0.75, False), (0.5, False), (0.0, False)])
def test_a_pass_over_a_part_of_the_memory_is_seen(share: float, holds: bool) -> None:
    program = Scaling(COPY, "xs", InNumpy(share))
    program.prepare(3)
    for step in range(3):
        program.step(witnessed=step == 1)
    assert (program.proof() < COPY.proof_limits["fp32"]) == holds
    assert COPY.band("xs", "fp32").holds(program.quality()) == holds
