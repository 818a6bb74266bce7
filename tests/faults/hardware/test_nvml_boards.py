"""Boards as the driver lists them, and what the backend says when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from backends import nvml
from backends.base import BackendUnavailable

NOT_SUPPORTED, LOST, RESET_REQUIRED = 3, 15, 16


def test_a_board_that_shares_the_hosts_memory_has_none_of_its_own(driver: Any) -> None:
    driver.set(gpu0_memory_return=NOT_SUPPORTED, gpu0_mig_return=NOT_SUPPORTED)
    shared, own = nvml.boards({})
    assert shared.memory_bytes is None
    assert not shared.mig
    assert own.memory_bytes == 80 * 2**30


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(LOST, "GPU is lost", marks=pytest.mark.fault("GPU lost before the start", "no_device")),
        pytest.param(RESET_REQUIRED, "restart", marks=pytest.mark.fault("GPU wants a reset at the start", "no_device")),
    ],
)
def test_a_board_lost_before_the_start_makes_the_backend_unavailable(driver: Any, code: int, said: str) -> None:
    driver.set(gpu1_return=code)
    with pytest.raises(BackendUnavailable, match=said) as caught:
        nvml.boards({})
    assert caught.value.missing.code == "no_device"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(9, "Driver Not Loaded", marks=pytest.mark.fault("NVIDIA driver not loaded", "nvml_absent")),
        pytest.param(18, "mismatch", marks=pytest.mark.fault("driver and its library of two versions", "nvml_absent")),
        pytest.param(999, "Unknown Error", marks=pytest.mark.fault("NVML that does not start", "nvml_absent")),
    ],
)
def test_a_driver_that_does_not_start_is_named_with_its_cure(driver: Any, code: int, said: str) -> None:
    driver.set(init=code)
    with pytest.raises(BackendUnavailable, match=rf"{said}.*Install the NVIDIA driver") as caught:
        nvml.boards({})
    assert caught.value.missing.code == "nvml_absent"


@pytest.mark.fault("driver without a GPU", "no_device")
def test_a_driver_without_a_board_is_no_gpu(driver: Any) -> None:
    driver.set(count=0)
    with pytest.raises(BackendUnavailable, match="no GPU") as caught:
        nvml.boards({})
    assert caught.value.missing.code == "no_device"


@pytest.mark.fault("GPU name that is not UTF-8", "name with replacement characters")
def test_a_name_of_broken_bytes_is_shown_as_far_as_it_can_be_read(driver: Any) -> None:
    driver.set(gpu0_name=b"Fake \xff\xfeH100".decode(errors="surrogateescape"))
    assert [board.name for board in nvml.boards({})] == ["Fake \ufffd\ufffdH100", "Fake H100"]


@pytest.mark.fault("slice of MIG named in CUDA_VISIBLE_DEVICES", "mig_enabled")
def test_a_slice_is_refused_by_its_name(driver: Any) -> None:
    with pytest.raises(BackendUnavailable, match="whole GPU") as caught:
        nvml.boards({"CUDA_VISIBLE_DEVICES": "MIG-5f1c"})
    assert caught.value.missing.code == "mig_enabled"


@pytest.mark.fault("handle of a board that was lost and came back", "right answers")
def test_a_link_looks_its_board_up_again_when_the_handle_is_worth_nothing(driver: Any) -> None:
    link = nvml.Link("GPU-1-0000-0000-0000")
    power_limit = lambda pynvml, handle: pynvml.nvmlDeviceGetEnforcedPowerLimit(handle)  # noqa: E731
    assert link.ask(power_limit) == 700_000
    driver.set(gpu1_epoch=1)
    with pytest.raises(link.pynvml.NVMLError_InvalidArgument):
        link.ask(power_limit)
    assert link.ask(power_limit) == 700_000
    link.close()
