"""What a check found, one line per finding, for people, for programs and for GitHub. Pure.

All text in it may come from a stranger's file: whatever could move a cursor or give orders to a build log is escaped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Literal

from suite.check.findings import Finding
from suite.check.text import printable
from suite.check.verdict import Row

Format = Literal["text", "json", "github"]


def lines(rows: Sequence[Row], form: Format) -> Iterator[str]:
    """The report in this form."""
    if form == "json":
        yield json.dumps([_as_json(row) for row in rows], indent=2)
    elif form == "github":
        for row in rows:
            yield from (_annotation(row, finding) for finding in row.findings)
    else:
        for row in rows:
            yield f"{'ok     ' if row.acceptable else 'REFUSED'} {name_of(row)}"
            yield from (text_line(row, finding) for finding in row.findings)


def text_line(row: Row, finding: Finding) -> str:
    """file: severity rule at pointer: message. cure"""
    where = f" at {finding.pointer}" if finding.pointer else ""
    told = f"{finding.severity} {finding.rule}{where}: {finding.message}. {finding.cure}"
    return f"  {name_of(row)}: {printable(told)}"


def name_of(row: Row) -> str:
    """The file's path; bytes that are no text are marked, not lost."""
    return printable(os.fsencode(row.path).decode("utf-8", "replace"))


def _as_json(row: Row) -> dict[str, object]:
    return {"path": name_of(row), "ok": row.acceptable, "findings": [asdict(finding) for finding in row.findings]}


def _annotation(row: Row, finding: Finding) -> str:
    """A workflow command. Source: GitHub Docs, "Workflow commands for GitHub Actions"."""
    where = f"{finding.pointer}: " if finding.pointer else ""
    told = _message(printable(f"{where}{finding.message}. {finding.cure}"))
    return f"::{finding.severity} file={_property(name_of(row))},line=1,title={_property(finding.rule)}::{told}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
