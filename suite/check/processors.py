"""How many processors a process here may keep busy: a container's share, where it is under what there is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path

MEMBERSHIP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")


def usable_processors(membership: Path = MEMBERSHIP, cgroups: Path = CGROUPS) -> int:
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min((there, *_shares(membership, cgroups)))


def _shares(membership: Path, cgroups: Path) -> Iterator[int]:
    """Those of this process's control group and of all around it, for each of them holds. None: nothing is yielded."""
    for folder in _folders(membership, cgroups):
        for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):  # version 2, version 1
            try:
                quota, period = (int(word) for name in names for word in (folder / name).read_text().split())
            except (OSError, ValueError):
                continue  # absent, or "max"
            if quota > 0 and period > 0:  # -1 is none
                yield ceil(quota / period)


def _folders(membership: Path, cgroups: Path) -> Iterator[Path]:
    """A container may be told its path on the host and see its own group as the root: what is not there is passed over.

    backends.host_memory does the same for memory. It cannot be asked from here: checks need no hardware.
    """
    if not membership.exists():
        return
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            root = cgroups / "cpu" if controllers else cgroups
            parts = [part for part in path.split("/") if part not in ("", "..")]
            yield from (root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1))
