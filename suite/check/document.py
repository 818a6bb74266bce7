"""Is this file a result file at all? Bytes before any parser trusts them, then the strict schema."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import from_json

from suite.check import quick, scan, sizes, strict, text
from suite.check.files import MAX_BYTES, REMAKE, Refused, read_bytes
from suite.check.findings import Finding, error
from suite.history import NotReadable
from suite.record import Result, loads

__all__ = ["MAX_BYTES", "Refused", "parse", "parsed", "read_bytes"]

(_NEWEST,) = get_args(Result.model_fields["schema_version"].annotation)

MAX_SCHEMA_FINDINGS = 10
MAX_SCHEMA_ERRORS = 1_000
"""So many places that do not fit are told apart; of more only the number is."""


def parse(data: bytes) -> Result:
    """The result in `data`, or Refused with every reason found at the first layer that fails."""
    return parsed(data)[0]


def parsed(data: bytes) -> tuple[Result, dict[str, Any]]:
    """The result in `data` and the document as it is stored, which may be of an earlier version. Refused as `parse`."""
    document = _document(data, scan.bare_of(data))
    version = document.get("schema_version") if isinstance(document, dict) else None
    if type(version) is int and version > _NEWEST:
        told = f"version {version} of the format; this suite reads versions 1 to {_NEWEST}"
        raise Refused(error("schema", "/schema_version", told, "Check it by a newer Joulemark: git pull."))
    try:
        return loads(data), document
    except NotReadable as problem:
        raise Refused(error("schema", "", str(problem)[: text.MAX_TEXT], REMAKE)) from problem
    except ValidationError as problem:
        raise Refused(*_schema_findings(problem)) from problem


def _document(data: bytes, bare: bytes) -> Any:
    """The document as it is stored. One quick look tells whether all of it is well; if not, careful ones say what."""
    sound = _sound(data, keys=bare.count(b":"))  # outside of texts a colon stands behind keys only
    if sound is not None:
        return sound
    document = strict.loads(data, REMAKE)
    text.look(document)
    sizes.look(document)
    return document


def _sound(data: bytes, *, keys: int) -> dict[str, Any] | None:
    try:
        found: Any = from_json(data, allow_inf_nan=False)
    except ValueError:
        return None
    return found if isinstance(found, dict) and quick.is_sound(found, keys=keys) else None


def _schema_findings(problem: ValidationError) -> list[Finding]:
    if problem.error_count() > MAX_SCHEMA_ERRORS:
        return [error("schema", "", f"{problem.error_count()} places do not fit the schema", sizes.SEE)]
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    return [
        error("schema", "".join(f"/{text.escaped(str(part))}" for part in detail["loc"]), detail["msg"], sizes.SEE)
        for detail in errors[:MAX_SCHEMA_FINDINGS]
    ]
