"""One file to what the build needs of it: what the check found, its rows, who signed it, and its own files on the site.

All of it is kept in the cache and read from there, also by a build that began with an empty one: both show the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from suite.check.commits import code_at
from suite.check.costs import costs_of
from suite.check.document import Refused as Unreadable
from suite.check.document import read_bytes
from suite.check.findings import Checked, Finding, error
from suite.check.provenance import named_commit
from suite.check.single import check_bytes
from suite.leaderboard import own, shelves
from suite.leaderboard.cache import Cache
from suite.leaderboard.content import entry
from suite.leaderboard.kept import Digest, Record
from suite.leaderboard.pages.tool_data import result_script
from suite.leaderboard.ranking.frame import rows_of
from suite.leaderboard.render import Pages
from suite.leaderboard.result.pages import write_pages
from suite.leaderboard.trust_files import Beside, beside, with_origin
from suite.record import Result
from suite.roofline import Calibration, Meters, calibrations
from suite.signatures import Signature

MOST_FINDINGS = 20
"""More of one file help nobody."""

Read = Digest | tuple[Finding, ...]
"""What a file's record is kept under, or why it has none."""

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
        checked = _checked(cache, path, data, lies)
        known = {} if checked.result is None else calibrations(checked.result)
        record = _record(checked, known, digest, lies.signature(data, self.allowed))
        if checked.result is not None:
            files = _OwnFiles(self.templates, cache.folder)
            list(write_pages(checked, checked.result, known, files, record.voucher))
            _put_files(files, checked.result, record, data, lies)
            record = replace(record, files=own.keep(cache, digest, files.found))
        shelves.keep(cache, record)
        return digest


class _OwnFiles(Pages):
    """A result's own files, held until all are made."""

    def __init__(self, templates: Path, out: Path) -> None:
        super().__init__(templates, out)
        self.found: list[tuple[str, bytes]] = []

    def write(self, path: str, template: str, **context: object) -> None:
        self.put(path, self.rendered(path, template, context))

    def put(self, path: str, data: bytes) -> None:
        self.found.append((path, data))


def _checked(cache: Cache, path: Path, data: bytes, lies: Beside) -> Checked:
    """A file is checked under a name that says nothing; its signature is verified beside a copy of what was read."""
    if lies.held is None:
        return with_origin(check_bytes(cache.folder / _BYTES, data), path, lies)
    with tempfile.TemporaryDirectory(dir=cache.folder, prefix="new-") as folder:
        copy = Path(folder, _BYTES)
        copy.write_bytes(data)
        return with_origin(check_bytes(copy, data), path, lies)


def _record(checked: Checked, known: Mapping[Meters, Calibration], digest: Digest, signature: Signature) -> Record:
    result, found = checked.result, checked.findings
    dated = any(one.rule == "date" for one in found)
    commit = None if result is None else named_commit(result)
    return Record(
        sha256=digest,
        day=date.today().isoformat() if dated else None,
        findings=found if len(found) <= MOST_FINDINGS else (*found[:MOST_FINDINGS], _more(len(found))),
        entry=None if result is None else entry(result, signed=signature.state == "valid"),
        rows=() if result is None else tuple(rows_of(result, known)),
        files=(),
        costs=() if result is None else costs_of(result),
        signature=signature,
        journal=None if result is None else result.journal_sha256,
        origin=None if commit is None else (commit, code_at(commit)),
    )


def _put_files(files: _OwnFiles, result: Result, record: Record, data: bytes, lies: Beside) -> None:
    """What a result has besides its pages: the file as it was submitted, its signature, its rows for the tools."""
    shown = entry(result)
    files.put(shown.raw_path, data)
    if record.signature.state == "valid" and lies.held is not None:
        files.put(shown.signature_path, lies.held)
    files.put(shown.rows_path, result_script(result, record.rows).encode("ascii"))


def _more(count: int) -> Finding:
    told = f"{count} findings in all; the first {MOST_FINDINGS} are shown"
    return error("more", "", told, "`python -m suite check` lists every one.")


def _too_much(what: str) -> Finding:
    return error("file-fatal", "", f"reading it ended in {what}", "Submit the file as the suite wrote it.")
