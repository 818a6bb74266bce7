"""Is this result file acceptable, and if not, which rule does it break and why?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from suite.check.document import Refused, parsed, read_bytes
from suite.check.files import REMAKE
from suite.check.findings import Checked, Finding, error
from suite.check.rules import examine
from suite.folders import RESULT_NAME
from suite.identity import SEALED_SINCE, content_id
from suite.record import Result


def check_file(path: Path) -> Checked:
    """Read and examine one file. Never raises for what the file holds: a bad file is findings, not an error."""
    try:
        data = read_bytes(path)
    except Refused as refused:
        return Checked(path, None, refused.findings)
    return check_bytes(path, data)


def check_bytes(path: Path, data: bytes) -> Checked:
    """Examine what was read at `path`. Raises as little as `check_file`."""
    try:
        result, found = check_data(data, date.today())
    except Refused as refused:
        return Checked(path, None, refused.findings)
    misnamed = another_name(path, result.file_name)
    findings = (*(() if misnamed is None else (misnamed,)), *found)
    acceptable = not any(finding.severity == "error" for finding in findings)
    return Checked(path, result if acceptable else None, findings)


def check_data(data: bytes, today: date) -> tuple[Result, tuple[Finding, ...]]:
    """The result in a file's bytes, and all findings but those about the file's name. Refused where there is none."""
    result, document = parsed(data)
    return result, (*_sealed(document), *examine(result, today))


def another_name(path: Path, own: str) -> Finding | None:
    """What is wrong where the file of a result called `own` has the name of another; any other name tells nothing."""
    if not RESULT_NAME.fullmatch(path.name) or path.name == own:
        return None
    told = f"the file holds {own.removesuffix('.json')}"
    return error("file-other", "/id", told, "Name it after its own date and id.")


def _sealed(document: Mapping[str, Any]) -> Iterator[Finding]:
    """A file is named by its content: one that was changed shows it, by whomever and why ever it was changed."""
    if document["schema_version"] < SEALED_SINCE:
        return
    try:
        own = content_id(document)
    except ValueError as problem:
        yield error("id-not-content", "/id", f"its content has no canonical form: {problem}", REMAKE)
        return
    if document["id"] != own:
        told = "the content is another than the id was made of: it was changed after the suite wrote it"
        yield error("id-not-content", "/id", told, REMAKE)
