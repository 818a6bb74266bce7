"""Which bytes a file held when it was last read, by what the file system says of it: most files need no reading again.

As git's index does it. A file is taken for unchanged while its size, its inode and both its instants are what they were
before it was read. One that was touched so shortly before that a later change could bear the same instants is not kept.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from suite.leaderboard.cache import sha256
from suite.record import write_atomically

NAME = "seen"

RACY_NS = 2_000_000_000
"""File systems tell instants in steps of up to two seconds (FAT)."""

Mark = tuple[int, ...]
"""Device, inode, size, and the instants of the last change of content and of anything, in nanoseconds."""


def mark_of(path: Path) -> Mark | None:
    """What the file system says of a plain file without a signature beside it; None of anything else."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode) or os.path.lexists(f"{path}.sig"):
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Seen:
    """The files of the last build and what they held, and those of this one, which began at `begun_ns` since 1970.

    It looks at `paths` as it is made, which is before any of them is read."""

    def __init__(self, folder: Path, begun_ns: int, paths: Iterable[Path]) -> None:
        self._file = folder / NAME
        self._before = _read(self._file)
        self._now: dict[str, tuple[Mark, str]] = {}
        self._begun_ns = begun_ns
        self._marks = {path: mark_of(path) for path in paths}

    def digest(self, path: Path) -> str | None:
        """The digest that was kept of this file; None where it may hold something else by now."""
        found, mark = self._before.get(str(path)), self._marks[path]
        return found[1] if found is not None and mark is not None and found[0] == mark else None

    def keep(self, path: Path, digest: str) -> None:
        """What the file's bytes were."""
        mark = self._marks[path]
        if mark is not None and max(mark[-2:]) < self._begun_ns - RACY_NS:
            self._now[str(path)] = (mark, digest)

    def save(self) -> None:
        """For the next build; files that are no more are forgotten."""
        if self._now != self._before:
            text = json.dumps(self._now, separators=(",", ":")).encode("ascii")
            write_atomically(self._file, f"{sha256(text)}\n".encode() + text)


def _read(file: Path) -> Mapping[str, tuple[Mark, str]]:
    """Nothing where there is none or it is not as it was written."""
    try:
        said, _, text = file.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return {}
    if said.decode("ascii", "replace") != sha256(text):
        return {}
    return {path: (tuple(mark), digest) for path, (mark, digest) in json.loads(text).items()}
