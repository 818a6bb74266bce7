"""One file to what the build needs of it: what the check found, its rows, who signed it, and its own files on the site.

All of it is kept in the cache and read from there, also by a build that began with an empty one: both show the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from suite.check import Checked, check_file
from suite.check.document import Refused as Unreadable
from suite.check.document import read_bytes
from suite.check.findings import Finding, error
from suite.check.population import Cost, costs_of
from suite.leaderboard.cache import Cache
from suite.leaderboard.content import Entry, entry
from suite.leaderboard.downloads import csv_lines, json_lines
from suite.leaderboard.pages.tool_data import result_script, write_script
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.leaderboard.ranking.trust import Voucher
from suite.leaderboard.result.pages import write_pages
from suite.leaderboard.trust_files import UNSIGNED, Beside, beside, with_origin
from suite.record import Result
from suite.roofline import Calibration, Meters, calibrations
from suite.signatures import Signature

MOST_FINDINGS = 20
"""More of one file help nobody."""

Digest = str
Read = Digest | tuple[Finding, ...]
"""The SHA-256 of a file's bytes, and of the signature beside it where there is one; or why it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A file's share of the site. `entry` is None where it is refused; `day` is set where that holds for a day only.

    `files` are the paths below the site's root of what is the file's own: its pages, its badges and itself. The n-th
    is a blob of the cache.
    """

    sha256: Digest
    day: str | None
    findings: tuple[Finding, ...]
    entry: Entry | None
    rows: tuple[Row, ...]
    files: tuple[str, ...]
    costs: tuple[Cost, ...] = ()
    signature: Signature = UNSIGNED

    @property
    def voucher(self) -> Voucher:
        return Voucher(warned=bool(self.findings), signature=self.signature)

    @property
    def blobs(self) -> tuple[str, ...]:
        return tuple(f"{self.sha256}-{number}.own" for number in range(len(self.files)))

    @property
    def csv(self) -> str:
        """The blob of its lines of the CSV download."""
        return f"{self.sha256}.csv"

    @property
    def json(self) -> str:
        """The blob of its rows of the JSON download."""
        return f"{self.sha256}.json"


_RECORD = TypeAdapter(Record)
_BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads files into a cache, one at a time. Made of plain values, since it goes to other processes.

    `allowed` tells whose keys are known, and `signers` is a name for what it told before the build began.
    """

    folder: Path
    code: str
    templates: Path
    allowed: Path | None = None
    signers: str = ""

    def __call__(self, path: Path) -> Read:
        """Check a file and keep its record: under the digest of the bytes that were read now."""
        try:
            return self._keep(path, read_bytes(path), beside(path))
        except Unreadable as unreadable:
            return unreadable.findings
        except (MemoryError, RecursionError) as problem:
            return (_too_much(type(problem).__name__),)

    def _keep(self, path: Path, data: bytes, lies: Beside) -> Digest:
        cache, digest = Cache(self.folder, self.code), lies.name(data, self.signers)
        with tempfile.TemporaryDirectory(dir=cache.folder, prefix="new-") as name:
            folder = Path(name)
            (folder / _BYTES).write_bytes(data)
            checked = with_origin(check_file(folder / _BYTES), path, lies)
            known = {} if checked.result is None else calibrations(checked.result)
            record = replace(_record(checked, known, digest), signature=lies.signature(data, self.allowed))
            if checked.result is not None:
                files = _own_files(checked, checked.result, known, record, self.templates, folder)
                record = replace(record, files=tuple(files))
            for own, blob in zip(record.files, record.blobs, strict=True):
                cache.take(blob, folder / own)
        cache.put(record.csv, csv_lines(record.rows).encode())
        cache.put(record.json, json_lines(record.rows).encode())
        cache.put(f"{digest}.record", _RECORD.dump_json(record))
        return digest


def _record(checked: Checked, known: Mapping[Meters, Calibration], digest: Digest) -> Record:
    result, found = checked.result, checked.findings
    dated = any(one.rule == "date" for one in found)
    return Record(
        sha256=digest,
        day=date.today().isoformat() if dated else None,
        findings=found if len(found) <= MOST_FINDINGS else (*found[:MOST_FINDINGS], _more(len(found))),
        entry=None if result is None else entry(result),
        rows=() if result is None else tuple(rows_of(result, known)),
        files=(),
        costs=() if result is None else costs_of(result),
    )


def _own_files(
    checked: Checked,
    result: Result,
    known: Mapping[Meters, Calibration],
    record: Record,
    templates: Path,
    folder: Path,
) -> Iterator[str]:
    """What a result has of its own is put in its place below `folder`, and named."""
    shown = entry(result)
    yield from write_pages(checked, result, known, templates, folder, record.voucher)
    raw = folder / shown.raw_path
    raw.parent.mkdir(parents=True, exist_ok=True)
    (folder / _BYTES).rename(raw)
    yield shown.raw_path
    write_script(folder / shown.rows_path, result_script(result, record.rows))
    yield shown.rows_path


def recorded(cache: Cache, digest: Digest) -> Record | None:
    """The record of these bytes; None where there is none, it is damaged, or no longer holds."""
    data = cache.get(f"{digest}.record")
    if data is None:
        return None
    try:
        record = _RECORD.validate_json(data)
    except ValidationError:
        record = None
    if record is not None and _holds(record, digest) and all(map(cache.has, (record.csv, record.json, *record.blobs))):
        return record
    cache.drop(f"{digest}.record")
    return None


def _holds(record: Record, digest: Digest) -> bool:
    return record.sha256 == digest and record.day in (None, date.today().isoformat())


def _more(count: int) -> Finding:
    told = f"{count} findings in all; the first {MOST_FINDINGS} are shown"
    return error("more", "", told, "`python -m suite check` lists every one.")


def _too_much(what: str) -> Finding:
    return error("file-fatal", "", f"reading it ended in {what}", "Submit the file as the suite wrote it.")
