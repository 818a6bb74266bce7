"""How much of the host's memory a process here may take: a container's limit, where it is under what there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

MEMBERSHIP = Path("/proc/self/cgroup")
CGROUPS = Path("/sys/fs/cgroup")


def usable_bytes(membership: Path = MEMBERSHIP, cgroups: Path = CGROUPS) -> int:
    return min((psutil.virtual_memory().total, *_limits(membership, cgroups)))


def _limits(membership: Path, cgroups: Path) -> Iterator[int]:
    """Those of this process's control group and of all around it, for each of them holds. None: nothing is yielded."""
    for folder in _folders(membership, cgroups):
        for name in ("memory.max", "memory.limit_in_bytes"):  # version 2, version 1
            try:
                limit = int((folder / name).read_text())
            except (OSError, ValueError):
                continue  # absent, or "max"
            if limit > 0:
                yield limit


def _folders(membership: Path, cgroups: Path) -> Iterator[Path]:
    """A container may be told its path on the host and see its own group as the root: what is not there is passed over.

    suite.check.processors does the same for processors. It cannot do it through here: checks need no hardware.
    """
    if not membership.exists():
        return
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or "memory" in controllers.split(","):
            root = cgroups / "memory" if controllers else cgroups
            parts = [part for part in path.split("/") if part not in ("", "..")]
            yield from (root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1))
