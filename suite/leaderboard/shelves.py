"""Records of many files together: a build that reads none anew opens a few shelves, and not a record for each file.

A record that was just made lies singly, so that a build that is killed loses none; the build that reads the last file
puts all onto their shelves. A shelf is a blob of the cache: one that is damaged counts as empty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property

from suite.leaderboard.cache import Cache
from suite.leaderboard.kept import Digest, Record, packed, unpacked

SHELVES = 64
"""One new file costs the writing of one shelf, and an unchanged site the reading of all of them."""


def keep(cache: Cache, record: Record) -> None:
    """A record on its own."""
    cache.put(_single(record.sha256), packed((record,)))


class Shelves:
    """The records of an earlier build."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    @cached_property
    def _stored(self) -> dict[str, dict[Digest, Record]]:
        """Shelf by shelf."""
        names = map("{:02x}".format, range(SHELVES))
        return {name: {one.sha256: one for one in _records(self._cache, _shelf(name))} for name in names}

    def get(self, digest: Digest) -> Record | None:
        """The record of these bytes; None where there is none or it is damaged."""
        single = {one.sha256: one for one in _records(self._cache, _single(digest))}
        return single.get(digest) or self._stored[_name(digest)].get(digest)

    def save(self, records: Iterable[Record]) -> None:
        """For the next build: these and no others. Shelves that hold the same already are not written again."""
        found: dict[str, dict[Digest, Record]] = defaultdict(dict)
        for record in records:
            found[_name(record.sha256)][record.sha256] = record
        for name, before in self._stored.items():
            _write(self._cache, _shelf(name), found[name], before)
        for digest in (digest for shelf in found.values() for digest in shelf):
            self._cache.drop(_single(digest))


def _write(cache: Cache, name: str, now: Mapping[Digest, Record], before: Mapping[Digest, Record]) -> None:
    if any(before.get(digest) is not record for digest, record in now.items()) or len(now) != len(before):
        cache.drop(name)
        cache.put(name, packed(tuple(now[digest] for digest in sorted(now))))


def _records(cache: Cache, name: str) -> tuple[Record, ...]:
    data = cache.get(name)
    if data is None:
        return ()
    try:
        return unpacked(data)
    except ValueError:
        cache.drop(name)
        return ()


def _name(digest: Digest) -> str:
    return f"{int(digest[:2], 16) % SHELVES:02x}"


def _shelf(name: str) -> str:
    return f"{name}.records"


def _single(digest: Digest) -> str:
    return f"{digest}.record"
