"""The results' pages of the site before the last one, taken up again: few of them need a link anew.

A page there is a further name of a blob of the cache, as everywhere on a site. Which blob it is, its inode tells: pages
that were changed, exchanged or added by hand are of no blob, and go.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from suite.leaderboard.cache import Cache

FOLDER = "results"
"""Below a site's root."""

NAME = "spare"


def leave(cache: Cache, old: Path) -> None:
    """Keep the pages of a site that was replaced, for the next build."""
    with suppress(OSError):  # then the next build links all pages anew
        (old / FOLDER).rename(cache.reserved(NAME))


def place(cache: Cache, files: Iterable[tuple[str, str]], fresh: Path) -> Iterator[str]:
    """Every file, a path below the new site's root and a blob, stands there; blobs that vanished are named instead."""
    standing = dict(_taken(cache.reserved(NAME), fresh))
    lacking = [(path, blob) for path, blob in files if not _stands(standing, path, cache.inode(blob))]
    _clear(fresh, standing)
    for path, blob in lacking:
        if not _placed(cache, blob, fresh / path):
            yield blob


def _stands(standing: dict[str, int], path: str, inode: int | None) -> bool:
    """Whether this file is there already; then it is no longer among those to be cleared away."""
    if inode is None or standing.get(path) != inode:
        return False
    del standing[path]
    return True


def _placed(cache: Cache, blob: str, target: Path) -> bool:
    try:
        return cache.place(blob, target)
    except FileExistsError:  # a folder by now: all files that do not belong there are gone
        shutil.rmtree(target)
        return cache.place(blob, target)


def _taken(spare: Path, fresh: Path) -> Iterator[tuple[str, int]]:
    """Each file that stands below the new site by now, with its inode; nothing where no pages were left."""
    if spare.is_symlink():  # somebody's, in place of the folder: what it leads to is no page of ours
        spare.unlink()
    try:
        spare.rename(fresh / FOLDER)
        yield from list(_files(fresh, FOLDER))
    except FileNotFoundError:
        return
    except OSError:
        shutil.rmtree(fresh / FOLDER)


def _files(root: Path, folder: str) -> Iterator[tuple[str, int]]:
    """All plain files below; whatever else lies there is removed."""
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _files(root, path)
            elif entry.is_file(follow_symlinks=False):
                yield path, entry.inode()
            else:
                Path(entry.path).unlink()


def _clear(fresh: Path, paths: Iterable[str]) -> None:
    """Without files that belong to no result, and without the folders that are empty then."""
    for path in paths:
        (fresh / path).unlink()
    for folder in {(fresh / path).parent for path in paths} - {fresh / FOLDER}:
        with suppress(OSError):  # not empty: other pages stand there
            folder.rmdir()
