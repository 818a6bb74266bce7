"""One file's row: what its check finds, and what a look at all of them asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from suite.check.costs import costs_of
from suite.check.findings import Finding, error
from suite.check.foreign import check_foreign
from suite.check.provenance import made_by, signed
from suite.check.replays import marks_of
from suite.check.single import check_file
from suite.check.verdict import Row, lost
from suite.folders import is_foreign

MOST_FINDINGS = 200
"""More of one file help nobody."""


def made(path: Path) -> Row:
    """One file, here and now."""
    try:
        if is_foreign(path):
            return Row(path=path, id=None, findings=check_foreign(path).findings)
        checked = check_file(path)
        result, found = checked.result, checked.findings
        found = (*found, *(made_by(result) if result is not None else ()), *signed(path))
        if any(finding.severity == "error" for finding in found):
            result = None  # a refused file claims neither an id nor a trace
        if len(found) > MOST_FINDINGS:
            told = f"{len(found)} findings in all; the first {MOST_FINDINGS} are shown"
            found = (*_worst_first(found)[:MOST_FINDINGS], error("more", "", told, "Mend these first."))
        return Row(
            path=path,
            id=None if result is None else result.id,
            findings=found,
            journal=None if result is None else result.journal_sha256,
            marks=frozenset() if result is None else marks_of(result),
            costs=() if result is None else costs_of(result),
        )
    except (MemoryError, RecursionError):
        return lost(path)


def _worst_first(found: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: finding.severity != "error"))
