"""Foreign references: held to the same rules of bytes and text as results, and to a few of their own.

Nothing of them can be computed again: what is asked is that they are whole, safe to show, and say where they come from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from suite.check import strict, text
from suite.check.files import Refused, read_bytes
from suite.check.findings import Finding, error
from suite.foreign import Foreign, loads

IMPORT = "Make it by `python -m suite import` (docs/interchange.md)."

MOST_FINDINGS = 10
"""More places that do not fit help nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedForeign:
    """A file after its check. `foreign` is there only when nothing was found."""

    path: Path
    foreign: Foreign | None
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The file's name; bytes that are no text are marked, not lost."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")


def check_foreign(path: Path, today: date | None = None) -> CheckedForeign:
    """Read and examine one file of results/foreign/. Never raises for what it holds."""
    try:
        foreign = parsed(read_bytes(path))
    except Refused as refused:
        return CheckedForeign(path=path, foreign=None, findings=refused.findings)
    found = tuple(examined(path, foreign, today or date.today()))
    return CheckedForeign(path=path, foreign=None if found else foreign, findings=found)


def parsed(data: bytes) -> Foreign:
    """The reference in a file's bytes, or Refused with every reason found at the first layer that fails."""
    document = strict.load(data)
    text.look(_without_url(document))
    try:
        return loads(data)
    except ValidationError as problem:
        raise Refused(*_schema_findings(problem)) from problem


def _without_url(document: Any) -> Any:
    """An address is held to its own form, which admits what a name may not hold."""
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key != "url"}


def _schema_findings(problem: ValidationError) -> Iterator[Finding]:
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    for detail in errors[:MOST_FINDINGS]:
        pointer = "".join(f"/{text.escaped(str(part))}" for part in detail["loc"])
        yield error("foreign-schema", pointer, detail["msg"], IMPORT)


def examined(path: Path, foreign: Foreign, today: date) -> Iterator[Finding]:
    """What is wrong about a reference beside its form: its name, and the day it was retrieved."""
    if path.name != foreign.file_name:
        told = f"its content is that of {foreign.file_name}: it was renamed, or changed after it was imported"
        yield error("foreign-name", "", told, IMPORT)
    try:
        retrieved = date.fromisoformat(foreign.retrieved)
    except ValueError:
        yield error("foreign-date", "/retrieved", f"{foreign.retrieved} is no day", IMPORT)
        return
    if retrieved > today + timedelta(days=1):
        yield error("foreign-date", "/retrieved", f"it was retrieved on {retrieved}, after tomorrow", IMPORT)
