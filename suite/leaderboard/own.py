"""A result's own files in the cache: a folder for each result, which is there as a whole or not at all.

Pages of the site are further names of these files (hard links) where the file system can do that. A record says of each
how long it is and when it was written, and one that was cut short or written to since counts as absent.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Container, Iterable
from pathlib import Path

from suite.leaderboard.cache import Cache, link
from suite.leaderboard.kept import Digest, Own

FOLDER = "own"

Mark = tuple[int, int]
"""A file's size, and the instant of the last change of its content."""


def mark_of(status: os.stat_result) -> Mark:
    return status.st_size, status.st_mtime_ns


def keep(cache: Cache, digest: Digest, files: Iterable[tuple[str, bytes]]) -> tuple[Own, ...]:
    """Paths below the site's root, and what shall stand there."""
    written = cache.folder / f"new-{os.getpid()}-{FOLDER}"  # if there is one, a build that broke has left it
    shutil.rmtree(written, ignore_errors=True)
    written.mkdir()
    kept = tuple(_put(written / str(number), path, data) for number, (path, data) in enumerate(files))
    folder = _folder(cache, digest)
    if folder.exists():
        shutil.rmtree(folder)
    folder.parent.mkdir(exist_ok=True)
    written.rename(folder)
    return kept


def _put(target: Path, path: str, data: bytes) -> Own:
    with target.open("wb") as stream:
        os.fchmod(stream.fileno(), 0o644)
        stream.write(data)
        stream.flush()
        return Own(path, *mark_of(os.fstat(stream.fileno())))


def has(cache: Cache, digest: Digest, number: int, own: Own) -> bool:
    """Whether the result's n-th file is as it was put."""
    try:
        return mark_of(os.lstat(_file(cache, digest, number))) == (own.size, own.written_ns)
    except OSError:
        return False


def place(cache: Cache, digest: Digest, number: int, target: str) -> None:
    """The result's n-th file under another name too, or a copy of it where that cannot be.

    `target` is plain text: a path made for each of a site's files takes longer than linking them.
    """
    file = _file(cache, digest, number)
    try:
        link(file, target)
    except FileExistsError:  # a folder: all files that do not belong there are gone
        shutil.rmtree(target)
        link(file, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(file, target)


def sweep(cache: Cache, used: Container[Digest]) -> None:
    """Remove the folders of results that are no more."""
    folder = cache.reserved(FOLDER)
    if folder.is_dir():
        for stale in [entry.path for entry in os.scandir(folder) if entry.name not in used]:
            shutil.rmtree(stale, ignore_errors=True)


def _folder(cache: Cache, digest: Digest) -> Path:
    return cache.folder / FOLDER / digest


def _file(cache: Cache, digest: Digest, number: int) -> str:
    return f"{cache.folder}/{FOLDER}/{digest}/{number}"
