"""Many files read at once, each by a process of limited memory and time: a file that ends its process is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from suite.check.document import Refused as Unreadable
from suite.check.document import read_bytes
from suite.check.verdict import fatal
from suite.check.workers import Limits, Task, each
from suite.leaderboard.reading import Read, Reader
from suite.leaderboard.seen import Seen
from suite.leaderboard.trust_files import beside

__all__ = ["FEW_FILES", "Limits", "digests", "read"]

FEW_FILES = 16
"""So few are read sooner than other processes start."""


def digests(paths: Sequence[Path], signers: str, seen: Seen) -> Iterator[tuple[Path, Read]]:
    """What each file is now; one that was seen before is not read again."""
    before = {path: seen.digest(path) for path in paths}
    unseen = [path for path, digest in before.items() if digest is None]
    with ThreadPoolExecutor(max_workers=8) as pool:  # reading and hashing leave Python free, so threads are enough
        yield from zip(unseen, pool.map(lambda path: _digest(path, signers), unseen), strict=True)
    yield from ((path, digest) for path, digest in before.items() if digest is not None)


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
