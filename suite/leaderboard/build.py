"""Read the results, write the site: of both, only what changed since the last build."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from suite.check.findings import Checked, Finding
from suite.check.single import another_name
from suite.folders import result_files
from suite.leaderboard import decisions, own, spare
from suite.leaderboard.cache import Cache, cache_of, code_version, opened
from suite.leaderboard.content import Entry, Refused, Site
from suite.leaderboard.kept import Digest, Record
from suite.leaderboard.once import Once, newest_first
from suite.leaderboard.pages import foreign, tools
from suite.leaderboard.pages.score_files import write_files
from suite.leaderboard.pages.scores import scorings
from suite.leaderboard.pages.site import write_not_found, write_site
from suite.leaderboard.pages.trust import tell
from suite.leaderboard.ranking.boards import boards_of, in_order
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.trust import Trust
from suite.leaderboard.reading import Reader
from suite.leaderboard.render import Pages
from suite.leaderboard.seen import Seen
from suite.leaderboard.shelves import Shelves
from suite.leaderboard.spare import Spare
from suite.leaderboard.stretches import write_rows
from suite.leaderboard.swap import refuse_foreign, replacing
from suite.leaderboard.trust_files import signers_name
from suite.leaderboard.workers import Limits, digests, read
from suite.signatures import ALLOWED_SIGNERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build made, the files it left out, and how many of all it took from the cache."""

    pages: int
    rows: int
    files: int
    cached: int
    skipped: tuple[Checked, ...]


def build(results: Path, site: Path, out: Path, limits: Limits | None = None, base: str = "") -> Built:
    """Pages of every acceptable file below `results`, with the templates and static files of `site`, into `out`.

    The same files give the same bytes, whatever of them is cached beside `out` and however many processes read them.
    `base` is the path that the site is served at: its page for what is not there answers at every address. `out` is
    replaced in one step, and only if a site made here stands there: FileExistsError otherwise. NotADirectoryError when
    `results` or `site` is none; ValueError naming the line of a decision that is none;
    OSError where it cannot be written.
    """
    for folder in (results, site / "templates", site / "static"):
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "no such folder", str(folder))
    refuse_foreign(out)
    decided = decisions.read(results)
    gone = decisions.withdrawn(decided)
    with _unsearched(), opened(cache_of(out), code_version(site / "templates")) as cache:
        allowed = results / ALLOWED_SIGNERS
        reader = Reader(cache.folder.parent, cache.folder.name, site / "templates", allowed, signers_name(allowed))
        left = Spare(cache)
        found = _found(results, cache, reader, left, limits or Limits())
        others = foreign.references(results)
        with replacing(out, within=cache.folder.parent, leave=partial(spare.leave, cache)) as fresh:
            shutil.copytree(site / "static", fresh / "static")
            pages = Pages(site / "templates", fresh, cache)
            left.place(found.records, fresh)
            rows = in_order(row for row in found.rows if row.result not in gone)
            audited = decisions.audited(decided)
            trust = found.trust(gone, audited)
            boards = boards_of(rows, trust)
            content = Site(entries=found.entries, boards=boards, refused=found.refused, foreign=others.alike(boards))
            scores = scorings(content.boards)
            write_site(content, found.digests, scores, pages)
            write_not_found(content.date, base, pages)
            foreign.write(others, content.date, pages)
            tools.write(content, pages, fresh, decided)
            tell(found.records, trust, audited, site / "templates", cache, fresh)
            tools.mark(found.own_files, decided, site / "templates", fresh)
            write_files(scores, content.date, fresh / "data")
            shown = [one for one in found.records if one.entry is not None and one.entry.id not in gone]
            write_rows(shown, content.date, cache, fresh / "data")
    return Built(
        pages=pages.count + found.own_pages,
        rows=len(rows),
        files=found.files,
        cached=found.cached,
        skipped=(*(one.checked for one in found.refused), *others.skipped),
    )


@contextmanager
def _unsearched() -> Iterator[None]:
    """What comes about in here is plain values that stay until the end and hardly form cycles: Python need not search
    it for some, again and again while it grows, which takes a tenth of a rebuild's time. 2,000 files that are read and
    drawn in this very process take as much memory with the search as without (264 MiB).

    When the search begins again, all these values would be the youngest generation, and looked through at once: they
    are set aside and taken back as the oldest."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.freeze()
            gc.unfreeze()
            gc.enable()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The accepted files' records, newest first, and the refused files."""

    records: tuple[Record, ...]
    entries: tuple[Entry, ...]
    refused: tuple[Refused, ...]
    files: int
    cached: int

    @property
    def rows(self) -> Iterator[Row]:
        return (row for record in self.records for row in record.rows)

    @property
    def own_files(self) -> dict[str, tuple[str, ...]]:
        """A result's id to the paths of its own pages and other files."""
        return {
            entry.id: tuple(file.path for file in record.files)
            for entry, record in zip(self.entries, self.records, strict=True)
        }

    @property
    def own_pages(self) -> int:
        """How many pages the results have of their own."""
        return sum(file.path.endswith(".html") for record in self.records for file in record.files)

    def trust(self, gone: Container[str], audited: Container[str]) -> Trust:
        """The steps of all rows, those that are gone set apart."""
        own = {entry.id: record for entry, record in zip(self.entries, self.records, strict=True)}
        return Trust(
            {result: record.voucher for result, record in own.items()},
            {result: record.costs for result, record in own.items() if result not in gone},
            audited,
        )

    @property
    def digests(self) -> dict[str, Digest]:
        """A result's id to the digest of its file."""
        return {entry.id: record.sha256 for entry, record in zip(self.entries, self.records, strict=True)}


def _found(results: Path, cache: Cache, reader: Reader, left: Spare, limits: Limits) -> _Found:
    paths = result_files(results)
    known, read_now = _records(paths, cache, reader, left, limits)
    accepted: list[tuple[Entry, Record]] = []
    once = Once()
    refused: list[Refused] = []
    for path in paths:
        one = known[path]
        findings = one.findings if isinstance(one, Record) else one
        if isinstance(one, Record) and one.entry is not None and one.journal is not None:
            # a record is of the bytes, whatever their file is called
            unfit = another_name(path, one.entry.file_name) or once.admit(one.entry.id, one.journal)
            if unfit is None:
                accepted.append((one.entry, one))
                continue
            findings = (*findings, unfit)
        refused.append(Refused(name=_name(path, results), checked=Checked(path, None, findings)))
    ordered = sorted(accepted, key=lambda pair: newest_first(pair[0].date, pair[0].id))
    return _Found(
        records=tuple(record for _, record in ordered),
        entries=tuple(entry for entry, _ in ordered),
        refused=tuple(refused),
        files=len(paths),
        cached=len(paths) - read_now,
    )


def _records(
    paths: list[Path], cache: Cache, reader: Reader, left: Spare, limits: Limits
) -> tuple[dict[Path, Record | tuple[Finding, ...]], int]:
    """Each file's record, or why it cannot be read at all; and how many files had to be read for it."""
    seen, shelves, today = Seen(cache.folder.parent, time.time_ns(), paths), Shelves(cache), date.today()
    # Where nothing is kept each file is read once, by the processes that check it, and not for its digest before.
    now = dict(digests(paths, reader.signers, seen)) if cache.holds_any else {}
    old = (shelves.get(digest) for digest in now.values() if isinstance(digest, str))
    found = {one.sha256: one for one in old if one is not None and one.holds(today) and left.holds(one)}
    unknown = [path for path in paths if path not in now or (isinstance(now[path], str) and now[path] not in found)]
    now.update(read(unknown, reader, limits))
    for path, digest in now.items():
        if isinstance(digest, str):
            seen.keep(path, digest)
    seen.save()
    cache.look()
    known: dict[Path, Record | tuple[Finding, ...]] = {}
    for path, digest in now.items():
        known[path] = digest if isinstance(digest, tuple) else found.get(digest) or _new(shelves, digest)
    kept = {one.sha256: one for one in known.values() if isinstance(one, Record)}
    shelves.save(kept.values())
    own.sweep(cache, kept)
    return known, len(unknown)


def _new(shelves: Shelves, digest: Digest) -> Record:
    record = shelves.get(digest)
    if record is None:
        raise OSError(errno.EIO, "the cache does not hold what was just put there", digest)
    return record


def _name(path: Path, results: Path) -> str:
    """The file's name below the results folder; bytes that are no text are marked, not lost."""
    return os.fsencode(path.relative_to(results)).decode("utf-8", "replace")
