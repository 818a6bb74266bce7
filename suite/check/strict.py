"""Any JSON document of a stranger's, read by the rules of bytes that results meet, whatever its format is."""

from __future__ import annotations

import json
from typing import Any

from suite.check import scan
from suite.check.files import Refused
from suite.check.findings import error
from suite.check.sizes import MAX_KEYS, MAX_OTHERS

_CURE = "Take it from its source again."


def load(data: bytes) -> Any:
    """The document, or Refused: UTF-8 of bearable depth and size with finite numbers, in which no key stands twice."""
    scan.scan(data)
    document = loads(data, _CURE)
    _sizes(document)
    return document


def loads(data: bytes, cure: str) -> Any:
    """The document in bytes that were scanned; Refused where they are no JSON, or an object's keys are odd."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) > MAX_KEYS:
            raise Refused(error("values", "", f"an object of {len(pairs)} keys; at most {MAX_KEYS} are read", cure))
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Refused(error("duplicate-key", "", "an object names a key twice", cure))
        return found

    try:
        return json.loads(data, object_pairs_hook=unique)
    except ValueError as problem:
        raise Refused(error("json", "", f"not JSON: {problem}", cure)) from problem


def text_of(data: bytes) -> str:
    """The text of a file that is no JSON, or Refused: UTF-8 without a mark of byte order and without a NUL."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Refused(error("encoding", "", f"not UTF-8 at byte {problem.start}", _CURE)) from problem
    if text.startswith("\ufeff") or "\0" in text:
        raise Refused(error("encoding", "", "starts with a byte order mark, or holds a NUL", _CURE))
    return text


def _sizes(node: Any) -> None:
    """Refuse what no source has so much of: each item would be told on its own, which takes more than the item."""
    if isinstance(node, list) and len(node) > MAX_OTHERS:
        raise Refused(error("values", "", f"a list of {len(node)} items; at most {MAX_OTHERS} are read", _CURE))
    if isinstance(node, (dict, list)):
        for value in node.values() if isinstance(node, dict) else node:
            _sizes(value)
