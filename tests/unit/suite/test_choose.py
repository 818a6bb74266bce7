"""What will run here, and what is said where something cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

import workloads
from backends.base import Device
from backends.cpu import CpuBackend
from suite.choose import NothingToRun, Unknown, Wish, _that_fit, choose
from suite.forecast import memory_bytes_of
from suite.record import Cell
from suite.units import memory

CELL = Cell(
    workload="gpt",
    version=workloads.specs("gpt")["train"].version,
    mode="train",
    size="m",
    backend="cpu",
    framework="torch",
    precision="fp32",
    batch=8,
    technique="eager",
    device=0,
)
SMALL = CELL.model_copy(update={"size": "s"})
NEEDED = memory_bytes_of(CELL)


def device(memory_bytes: int | None) -> Device:
    return Device(index=0, name="a device", memory_bytes=memory_bytes)


def test_a_size_that_does_not_fit_is_left_out_with_both_figures() -> None:
    there = round(NEEDED) - 1
    cells, lines = _that_fit([SMALL, CELL], device(there))
    assert cells == (SMALL,)
    assert len(lines) == 1
    assert CELL.key in lines[0]
    assert memory(round(NEEDED)) in lines[0]
    assert memory(there) in lines[0]


@pytest.mark.parametrize("memory_bytes", [None, round(NEEDED) + 1])
def test_what_fits_or_cannot_be_told_stays(memory_bytes: int | None) -> None:
    assert _that_fit([SMALL, CELL], device(memory_bytes)) == ((SMALL, CELL), ())


@pytest.mark.fault("size larger than the device's memory", "refused with both figures")
def test_where_nothing_fits_there_is_nothing_to_run() -> None:
    with pytest.raises(NothingToRun, match=r"needs about .* of memory; this device has 100 MiB"):
        _that_fit([CELL], device(100 * 2**20))


def test_training_in_bfloat16_needs_room_for_its_proof_in_float32() -> None:
    assert memory_bytes_of(CELL.model_copy(update={"precision": "bf16"})) == NEEDED
    prefill = CELL.model_copy(update={"mode": "prefill"})
    assert memory_bytes_of(prefill.model_copy(update={"precision": "bf16"})) < memory_bytes_of(prefill)


def test_every_workload_fits_a_device_of_80_gb_at_the_largest_size() -> None:
    for name in workloads.names():
        for mode, spec in workloads.specs(name).items():
            cell = CELL.model_copy(update={"workload": name, "mode": mode, "size": "l", "precision": "bf16"})
            assert memory_bytes_of(cell) < 80e9, (name, mode, spec.sizes["l"])


def test_larger_sizes_need_more_memory_in_every_model_and_mode() -> None:
    for name in set(workloads.names()) - {"calib"}:
        for mode in workloads.specs(name):
            needed = [
                memory_bytes_of(CELL.model_copy(update={"workload": name, "mode": mode, "size": size}))
                for size in workloads.SIZES
            ]
            assert needed[0] < needed[1] <= min(needed[2:]), (name, mode)


def cpuinfo(tmp_path: Path, flags: str) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text(f"vendor_id\t: GenuineIntel\nmodel name\t: A processor\nflags\t\t: fpu {flags}\n\n")
    return path


def torch_support(path: Path) -> object:
    return next(one for one in CpuBackend(cpuinfo=path).frameworks() if one.framework == "torch")


def test_bfloat16_that_is_only_emulated_is_not_chosen_and_says_why(tmp_path: Path) -> None:
    without = torch_support(cpuinfo(tmp_path, "avx2"))
    assert without.precisions == ("fp32",)  # type: ignore[attr-defined]
    assert without.emulated == ("bf16",)  # type: ignore[attr-defined]
    assert "only emulates bf16" in without.note  # type: ignore[attr-defined]


def test_bfloat16_in_hardware_comes_first(tmp_path: Path) -> None:
    native = torch_support(cpuinfo(tmp_path, "avx2 avx512_bf16"))
    assert native.precisions[0] == "bf16"  # type: ignore[attr-defined]
    assert "emulates" not in native.note  # type: ignore[attr-defined]


def test_fp16_is_no_precision_here_and_says_why() -> None:
    with pytest.raises(Unknown, match=r"fp32, bf16\. Processors only emulate fp16"):
        choose(Wish(precision="fp16"), 600)
