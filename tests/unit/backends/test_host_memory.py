"""A container's limit counts as the memory there is; where none is set it is the machine's."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from backends import host_memory
from backends.cpu import CpuBackend

TOTAL = psutil.virtual_memory().total
MIB = 2**20


def usable(tmp_path: Path, membership: str, files: dict[str, str]) -> int:
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return host_memory.usable_bytes(tmp_path / "cgroup", tmp_path / "fs")


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        pytest.param("0::/\n", {"memory.max": f"{64 * MIB}"}, 64 * MIB, id="version 2, its own group as the root"),
        pytest.param("0::/a/b\n", {"a/b/memory.max": f"{64 * MIB}"}, 64 * MIB, id="version 2, a group of its own"),
        pytest.param(
            "0::/a/b\n",
            {"a/b/memory.max": "max", "a/memory.max": f"{32 * MIB}"},
            32 * MIB,
            id="version 2, a limit around it",
        ),
        pytest.param("0::/../..\n", {"memory.max": f"{64 * MIB}"}, 64 * MIB, id="version 2, above what it may see"),
        pytest.param(
            "4:memory:/docker/1\n0::/\n",
            {"memory/memory.limit_in_bytes": f"{16 * MIB}"},
            16 * MIB,
            id="version 1, told its path on the host",
        ),
        pytest.param(
            "4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, TOTAL, id="version 1, none"
        ),
        pytest.param("0::/a\n", {"a/memory.max": "max"}, TOTAL, id="version 2, none"),
        pytest.param("0::/\n", {}, TOTAL, id="no file"),
        pytest.param("0::/\n", {"memory.max": "0"}, TOTAL, id="nothing that a process could run in"),
        pytest.param("5:cpu:/a\n", {"memory/a/memory.limit_in_bytes": "5"}, TOTAL, id="another controller's group"),
    ],
)
def test_the_least_of_all_limits_is_what_there_is(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
) -> None:
    assert usable(tmp_path, membership, files) == expected


def test_a_system_without_control_groups_has_its_own_memory(tmp_path: Path) -> None:
    assert host_memory.usable_bytes(tmp_path / "none", tmp_path) == TOTAL


def test_the_device_has_what_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_memory, "usable_bytes", lambda: 5 * MIB)
    assert CpuBackend().devices()[0].memory_bytes == 5 * MIB
