"""CUDA_VISIBLE_DEVICES is read as CUDA reads it, without CUDA."""

from __future__ import annotations

import pytest

from backends.base import BackendUnavailable
from backends.nvml import Board, visible


def board(uuid: str, name: str = "H100") -> Board:
    return Board(uuid=uuid, name=name, memory_bytes=1, capability=(9, 0), mig=False)


ALIKE = (board("GPU-a1"), board("GPU-a2"), board("GPU-b3"))
UNLIKE = (board("GPU-a1"), board("GPU-b3", "RTX 4090"))


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (None, ["GPU-a1", "GPU-a2", "GPU-b3"]),
        ("", []),
        ("-1", []),
        ("0", ["GPU-a1"]),
        ("2,0", ["GPU-b3", "GPU-a1"]),
        (" 1 , 2 ", ["GPU-a2", "GPU-b3"]),
        ("1,-1,0", ["GPU-a2"]),
        ("1,7,0", ["GPU-a2"]),
        ("0,0", []),
        ("0,GPU-a1", []),
        ("GPU-b3,1", ["GPU-b3", "GPU-a2"]),
        ("GPU-b", ["GPU-b3"]),
        ("GPU-a", []),
        ("GPU-c", []),
    ],
)
def test_the_variable_names_boards_in_its_own_order(wanted: str | None, shown: list[str]) -> None:
    environ = {} if wanted is None else {"CUDA_VISIBLE_DEVICES": wanted}
    assert [one.uuid for one in visible(ALIKE, environ)] == shown


def test_an_index_among_unlike_boards_is_not_guessed() -> None:
    with pytest.raises(BackendUnavailable, match="CUDA_DEVICE_ORDER=PCI_BUS_ID") as caught:
        visible(UNLIKE, {"CUDA_VISIBLE_DEVICES": "0"})
    assert caught.value.missing.code == "gpu_order_unknown"


def test_unlike_boards_are_known_by_bus_order_or_by_uuid() -> None:
    by_bus = {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert visible(UNLIKE, by_bus) == (UNLIKE[1],)
    assert visible(UNLIKE, {"CUDA_VISIBLE_DEVICES": "GPU-b3"}) == (UNLIKE[1],)
    assert visible(UNLIKE, {}) == UNLIKE


def test_a_mig_slice_is_refused() -> None:
    with pytest.raises(BackendUnavailable) as caught:
        visible(ALIKE, {"CUDA_VISIBLE_DEVICES": "MIG-5f1c"})
    assert caught.value.missing.code == "mig_enabled"
