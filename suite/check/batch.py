"""Many files checked: each alone in a process of its own limits, then what only a look at all of them shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from suite.check.findings import Finding, error
from suite.check.population import far
from suite.check.verdict import Row, failed, lost
from suite.check.workers import Limits, Task, each
from suite.folders import foreign_files, result_files

_HEAVY = "suite.check.row"
"""What looks into a file takes half a second to load, and each process loads its own."""

LIMITS = Limits(memory_bytes=256 * 2**20, processor_s=20.0)
"""The largest file that is read at all needs half of it."""


def check_all(paths: Iterable[Path], limits: Limits = LIMITS) -> list[Row]:
    """A row for each result file at or below the paths, in their order, each file once; none where there is none.

    Foreign references there have rows of their own, behind the results.

    Never raises for what a file holds, nor for what checking it does to a process.
    """
    files = list(dict.fromkeys(file for path in paths for file in (*result_files(path), *foreign_files(path))))
    rows = alone(files, limits)
    return together([rows[file] for file in files])


def alone(files: Sequence[Path], limits: Limits = LIMITS) -> dict[Path, Row]:
    """The row of each file by itself, each in a process of its own limits."""
    return dict(each(files, Task(work=row_of, lost=lost, failed=failed, modules=[_HEAVY]), limits))


def together(rows: Sequence[Row]) -> list[Row]:
    """The rows of files that were each looked at alone, with what only a look at all of them shows, in this order."""
    return _among(list(_once(rows)))


def row_of(path: Path) -> Row:
    """One file, here and now."""
    from suite.check.row import made  # _HEAVY: who only gathers rows does without

    return made(path)


def _once(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows with what is wrong about one beside those before it."""
    ids: dict[str, Path] = {}
    journals: dict[str, Path] = {}
    traces: dict[str, Path] = {}
    for row in rows:
        if row.id in ids:
            told = f"{ids[row.id]} already holds result {row.id}"
            yield _refused(row, error("id-twice", "/id", told, "Keep one of the two files."))
            continue
        if row.journal in journals:
            told = f"{journals[row.journal]} already holds this run, under another id"
            cure = "A result is never changed: keep the first, and have it withdrawn if it is wrong."
            yield _refused(row, error("journal-twice", "/journal_sha256", told, cure))
            continue
        twin = next((traces[mark] for mark in sorted(row.marks) if mark in traces), None)
        if row.id is not None:
            ids[row.id] = row.path
        if row.journal is not None:
            journals[row.journal] = row.path
        for mark in row.marks:  # a difference of sets would look through all that is known, for each file anew
            traces.setdefault(mark, row.path)
        if twin is None:
            yield row
        else:
            told = f"a trace of it is in {twin} too"
            yield _refused(row, error("replayed", "/cells", told, "Submit what was measured in this run."))


def _among(rows: Sequence[Row]) -> list[Row]:
    """The rows with what their place among the others of the same cell asks for."""
    asked = far([row.costs if row.acceptable else () for row in rows])
    return [replace(row, findings=(*row.findings, *more)) for row, more in zip(rows, asked, strict=True)]


def _refused(row: Row, finding: Finding) -> Row:
    return replace(row, findings=(*row.findings, finding))
