"""Is this file a result file at all? Bytes before any parser trusts them, then the strict schema."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from suite.check import scan, text
from suite.check.files import MAX_BYTES, REMAKE, Refused, read_bytes
from suite.check.findings import Finding, error
from suite.history import NotReadable
from suite.record import Result, loads

__all__ = ["MAX_BYTES", "Refused", "parse", "parsed", "read_bytes"]

MAX_SCHEMA_FINDINGS = 10
MAX_SCHEMA_ERRORS = 1_000
"""So many places that do not fit are told apart; of more only the number is."""

MAX_KEYS = 200
MAX_ITEMS = {"meters": 100, "cells": 1_000, "attempts": 100, "windows": 500, "events": 2_000, "stages": 2_000}
"""No run makes more; each is looked at with each of another of them."""

MAX_OTHERS = 5_000

VALUES = "values"
"""Quantities by name, each a series, in which None stands for no answer."""

SERIES: dict[str, set[type]] = {"at_ns": {int}, "energy_uj": {int}, VALUES: {int, float, type(None)}}
"""Fields as long as a trace -> what they hold."""

_SEE = "See docs/result.schema.json."


def parse(data: bytes) -> Result:
    """The result in `data`, or Refused with every reason found at the first layer that fails."""
    return parsed(data)[0]


def parsed(data: bytes) -> tuple[Result, dict[str, Any]]:
    """The result in `data` and the document as it is stored, which may be of an earlier version. Refused as `parse`."""
    scan.scan(data)
    document = _load(data)
    text.look(document)
    _sizes(document, "", "")
    try:
        return loads(data), document
    except NotReadable as problem:
        raise Refused(error("schema", "", str(problem)[: text.MAX_TEXT], REMAKE)) from problem
    except ValidationError as problem:
        raise Refused(*_schema_findings(problem)) from problem


def _load(data: bytes) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) > MAX_KEYS:
            raise Refused(error("values", "", f"an object of {len(pairs)} keys; at most {MAX_KEYS} are read", REMAKE))
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Refused(error("duplicate-key", "", "an object names a key twice", REMAKE))
        return found

    try:
        return json.loads(data, object_pairs_hook=unique)
    except ValueError as problem:
        raise Refused(error("json", "", f"not JSON: {problem}", REMAKE)) from problem


def _sizes(node: Any, pointer: str, field: str) -> None:
    """Refuse what no run makes so much of, and series that hold anything but numbers.

    The schema would tell every item that does not fit, which takes much more memory than the item.
    """
    if isinstance(node, dict):
        for key, value in node.items():
            _sizes(value, f"{pointer}/{text.escaped(key)}", VALUES if field == VALUES else key)
    elif isinstance(node, list) and field in SERIES:
        if not set(map(type, node)) <= SERIES[field]:
            raise Refused(error("schema", pointer, "a series that holds other things than its numbers", _SEE))
    elif isinstance(node, list):
        if len(node) > (most := MAX_ITEMS.get(field, MAX_OTHERS)):
            raise Refused(error("values", pointer, f"{len(node)} items; at most {most} are read", REMAKE))
        for index, value in enumerate(node):
            _sizes(value, f"{pointer}/{index}", field)


def _schema_findings(problem: ValidationError) -> list[Finding]:
    if problem.error_count() > MAX_SCHEMA_ERRORS:
        return [error("schema", "", f"{problem.error_count()} places do not fit the schema", _SEE)]
    errors = problem.errors(include_url=False, include_context=False, include_input=False)
    return [
        error("schema", "".join(f"/{text.escaped(str(part))}" for part in detail["loc"]), detail["msg"], _SEE)
        for detail in errors[:MAX_SCHEMA_FINDINGS]
    ]
