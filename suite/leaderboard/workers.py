"""Many files read at once, each by a process of limited memory and time: a file that ends its process is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from suite.check.batch import fatal
from suite.check.document import Refused as Unreadable
from suite.check.document import read_bytes
from suite.check.workers import Limits, Task, each
from suite.leaderboard.reading import Read, Reader
from suite.leaderboard.trust_files import beside

__all__ = ["FEW_FILES", "Limits", "digests", "read"]

FEW_FILES = 16
"""So few are read sooner than other processes start."""


def digests(paths: Sequence[Path], signers: str) -> Iterator[Read]:
    """What each file is now, in order. Reading and hashing leave Python free, so threads are enough."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield from pool.map(lambda path: _digest(path, signers), paths)


def _digest(path: Path, signers: str) -> Read:
    try:
        return beside(path).name(read_bytes(path), signers)
    except Unreadable as unreadable:
        return unreadable.findings


def read(paths: Sequence[Path], reader: Reader, limits: Limits) -> Iterator[tuple[Path, Read]]:
    """Each file read, in any order."""
    if len(paths) <= FEW_FILES or limits.count == 1:
        yield from ((path, reader(path)) for path in paths)
    else:
        task: Task[Read] = Task(work=reader, lost=lambda _: (fatal(),))
        yield from each(paths, task, limits)
