"""The results' own files of the site before the last one, taken up again: few of them need a link anew.

A file there is a further name of one of the cache, as everywhere on a site. Its size and the instant it was written
tell whether it still is: files that were changed, exchanged or added by hand belong to no result, and go.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from suite.leaderboard import own
from suite.leaderboard.cache import Cache
from suite.leaderboard.kept import Own, Record

FOLDERS = ("results", "data")
"""Below a site's root: where results have files of their own."""

NAME = "spare"


def leave(cache: Cache, old: Path) -> None:
    """Keep those folders of a site that was replaced, for the next build."""
    with suppress(OSError):  # then the next build links all files anew
        spare = cache.reserved(NAME)
        spare.mkdir(exist_ok=True)
        for name in FOLDERS:
            (old / name).rename(spare / name)


class Spare:
    """What stands there, and what the cache holds besides."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._folder = cache.reserved(NAME)

    @cached_property
    def standing(self) -> Mapping[str, Own | None]:
        """Each file by its path below the site's root, as it is now; None of what is no plain file."""
        for folder in (self._folder, *(self._folder / name for name in FOLDERS)):
            if folder.is_symlink() or folder.is_file():  # somebody's: what a link leads to is no page of ours
                folder.unlink()
        return dict(found for name in FOLDERS for found in _files(self._folder, name))

    @cached_property
    def _whole(self) -> frozenset[Own]:
        return frozenset(filter(None, self.standing.values()))

    def holds(self, record: Record) -> bool:
        """Whether all of the result's own files are at hand, here or in the cache, as they were put."""
        return all(own.has(self._cache, record.sha256, number, file) for number, file in self._lacking(record))

    def _lacking(self, record: Record) -> list[tuple[int, Own]]:
        if self._whole.issuperset(record.files):
            return []
        return [(number, file) for number, file in enumerate(record.files) if file not in self._whole]

    def place(self, records: Iterable[Record], fresh: Path) -> None:
        """Every result's own files stand below the new site's root, and nothing else does. FileNotFoundError."""
        records = list(records)
        lacking = [(one.sha256, number, file.path) for one in records for number, file in self._lacking(one)]
        stale = self.standing.keys() - {file.path for one in records for file in one.files}
        stale |= self.standing.keys() & {path for _, _, path in lacking}
        for name in FOLDERS:
            with suppress(FileNotFoundError):
                (self._folder / name).rename(fresh / name)
        _clear(fresh, stale)
        for digest, number, path in lacking:
            own.place(self._cache, digest, number, f"{fresh}/{path}")


def _files(root: Path, folder: str) -> Iterator[tuple[str, Own | None]]:
    """All files below a folder. One that cannot be looked into, or is none, has none."""
    folders = [folder]
    while folders:
        folder = folders.pop()
        with suppress(OSError), os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                else:
                    plain = entry.is_file(follow_symlinks=False)
                    yield path, Own(path, *own.mark_of(entry.stat(follow_symlinks=False))) if plain else None


def _clear(fresh: Path, paths: Iterable[str]) -> None:
    """Without files that belong to no result, and without the folders that are empty then."""
    for path in paths:
        (fresh / path).unlink()
    for folder in {(fresh / path).parent for path in paths} - {fresh / name for name in FOLDERS}:
        with suppress(OSError):  # not empty: other pages stand there
            folder.rmdir()
