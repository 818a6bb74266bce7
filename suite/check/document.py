"""Is this file a result file at all? Bytes before any parser trusts them, then the strict schema."""

from __future__ import annotations

import codecs
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from suite.check.findings import Finding, error
from suite.history import NotReadable
from suite.record import Result, loads

MAX_BYTES = 4 * 2**20
MAX_DEPTH = 16
MAX_SCHEMA_FINDINGS = 10
MAX_TEXT = 300
MAX_DIGITS = 18
"""Nanoseconds of thirty years and microjoules of a gigawatt-hour both fit."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(rb"[\[\]{}]")
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_REMAKE = "Submit the file as the suite wrote it."


class Refused(Exception):
    """The document cannot be read further; `findings` say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(findings[0].message)
        self.findings = findings


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file of bearable size."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused(error("file-kind", "", "not a regular file", "Submit a plain file, not a link or a folder."))
        if status.st_size > MAX_BYTES:
            raise Refused(error("file-size", "", f"{status.st_size} bytes; at most {MAX_BYTES} are read", _REMAKE))
        return path.read_bytes()
    except OSError as problem:
        raise Refused(
            error("file-unreadable", "", str(problem.strerror), "Check the path and its rights.")
        ) from problem


def parse(data: bytes) -> Result:
    """The result in `data`, or Refused with every reason found at the first layer that fails."""
    _scan(data)
    _walk(_load(data))
    try:
        return loads(data)
    except NotReadable as problem:
        raise Refused(error("schema", "", str(problem)[:MAX_TEXT], _REMAKE)) from problem
    except ValidationError as problem:
        raise Refused(*_schema_findings(problem)) from problem


def _scan(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Refused(error("encoding", "", f"not UTF-8 at byte {problem.start}", _REMAKE)) from problem
    if data.startswith(codecs.BOM_UTF8):
        raise Refused(error("encoding", "", "starts with a byte order mark", _REMAKE))
    depth = 0
    for match in _BRACKET.finditer(_STRING.sub(b"", data)):
        depth += 1 if match.group() in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Refused(error("depth", "", f"nested deeper than {MAX_DEPTH}", _REMAKE))


def _load(data: bytes) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Refused(error("duplicate-key", "", "an object names a key twice", _REMAKE))
        return found

    def integer(digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise Refused(error("number", "", f"an integer of {len(digits)} digits", _REMAKE))
        return int(digits)

    def no_constant(name: str) -> None:
        raise Refused(error("number", "", f"{name} is no JSON number", _REMAKE))

    try:
        return json.loads(data, object_pairs_hook=unique, parse_constant=no_constant, parse_int=integer)
    except ValueError as problem:
        raise Refused(error("json", "", f"not JSON: {problem}", _REMAKE)) from problem


def _walk(document: Any) -> None:
    """Refuse text that hides or reorders itself, anywhere, keys included."""
    for pointer, text in _strings(document, ""):
        if len(text) > MAX_TEXT:
            raise Refused(error("text", pointer, f"longer than {MAX_TEXT} characters", _REMAKE))
        if _HIDDEN.search(text):
            raise Refused(error("text", pointer, "holds a control, invisible or bidirectional character", _REMAKE))


def _strings(node: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield pointer, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield pointer, key
            yield from _strings(value, f"{pointer}/{key}")
    elif isinstance(node, list) and not (node and isinstance(node[0], int)):
        for index, value in enumerate(node):
            yield from _strings(value, f"{pointer}/{index}")


def _schema_findings(problem: ValidationError) -> list[Finding]:
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    return [
        error("schema", "".join(f"/{part}" for part in detail["loc"]), detail["msg"], "See docs/result.schema.json.")
        for detail in errors[:MAX_SCHEMA_FINDINGS]
    ]
