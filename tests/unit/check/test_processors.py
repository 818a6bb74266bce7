"""A container's share of the processors counts as what there is; where none is set it is all this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from suite.check import workers
from suite.check.processors import usable_processors
from suite.check.workers import Limits

MANY = 64


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MANY)), raising=False)


def usable(tmp_path: Path, membership: str, files: dict[str, str]) -> int:
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return usable_processors(tmp_path / "cgroup", tmp_path / "fs")


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        pytest.param("0::/\n", {"cpu.max": "200000 100000"}, 2, id="version 2, its own group as the root"),
        pytest.param("0::/a/b\n", {"a/b/cpu.max": "150000 100000"}, 2, id="version 2, a part of one counts as one"),
        pytest.param("0::/\n", {"cpu.max": "1000 100000"}, 1, id="version 2, less than one"),
        pytest.param(
            "0::/a/b\n",
            {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"},
            3,
            id="version 2, a share around it",
        ),
        pytest.param(
            "2:cpu,cpuacct:/docker/1\n",
            {"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"},
            4,
            id="version 1, told its path on the host",
        ),
        pytest.param(
            "2:cpu:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"},
            MANY,
            id="version 1, none",
        ),
        pytest.param("0::/a\n", {"a/cpu.max": "max 100000"}, MANY, id="version 2, none"),
        pytest.param("0::/\n", {"cpu.max": "9900000 100000"}, MANY, id="more than there are"),
        pytest.param("0::/\n", {}, MANY, id="no file"),
    ],
)
def test_the_least_of_all_shares_is_what_there_is(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
) -> None:
    assert usable(tmp_path, membership, files) == expected


def test_a_system_without_control_groups_has_all(tmp_path: Path) -> None:
    assert usable_processors(tmp_path / "none", tmp_path) == MANY


def test_as_many_processes_read_files_unless_a_number_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "usable_processors", lambda: 3)
    assert (Limits().count, Limits(processes=7).count) == (3, 7)
