"""A result's name is what it holds: two files of one id say the same, and none can be changed under its id. Pure.

The id shows that a file is as it was written, not that what it says is true: whoever changes a file can name it anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import rfc8785

from suite.record import Result

SEALED_SINCE = 4
"""Files of an earlier `schema_version` keep the id that was made up when their run began."""

UNSEALED = "0" * 12
"""The id of a result that is still being made."""

MOST = 2**53 - 1
"""Beyond it, JSON parsers differ."""


def content_id(document: Mapping[str, Any]) -> str:
    """The first 12 hex digits of the SHA-256 of the document's canonical form, without its `id`.

    Nothing else is left out: no other field depends on the id. The document is the file as it is stored, not as a
    later version reads it. Layout, order of keys and spelling of numbers make no difference. ValueError as `canonical`.
    """
    content = {key: value for key, value in document.items() if key != "id"}
    return hashlib.sha256(canonical(content)).hexdigest()[: len(UNSEALED)]


def sealed(result: Result) -> Result:
    """The result under its content's id."""
    return result.model_copy(update={"id": content_id(result.model_dump(mode="json"))})


def canonical(value: Any) -> bytes:
    """A JSON value in its one canonical form. Source: RFC 8785, "JSON Canonicalization Scheme (JCS)".

    ValueError for what not every JSON parser reads alike: whole numbers beyond 2**53 - 1, numbers that are not finite,
    text that is not Unicode.
    """
    if isinstance(value, dict):
        return b"{" + b",".join([key + _part(value[name]) for name, key in _keys(tuple(value))]) + b"}"
    if isinstance(value, (list, tuple)):
        kinds = set(map(type, value))
        inner = _part if kinds & _NESTED else _scalar
        return _whole(value) if kinds == {int} else b"[" + b",".join(map(inner, value)) + b"]"
    return _scalar(value)


_NESTED = frozenset({dict, list, tuple})


def _part(value: Any) -> bytes:
    return canonical(value) if type(value) in _NESTED else _scalar(value)


@lru_cache(maxsize=4096, typed=True)
def _scalar(value: Any) -> bytes:
    """A number, a text or a constant; most of a file's occur many times in it."""
    if type(value) is float:
        shortest = repr(value)
        if "e" not in shortest and "n" not in shortest:  # the same digits, and no exponent in either form
            return b"0" if value == 0 else shortest.removesuffix(".0").encode()
    return rfc8785.dumps(value)


@lru_cache(maxsize=1024)
def _keys(names: tuple[str, ...]) -> tuple[tuple[str, bytes], ...]:
    """The names in canonical order, each with how it is written: a file has few kinds of objects."""
    ordered = sorted(names, key=lambda name: name.encode("utf-16-be"))
    return tuple((name, rfc8785.dumps(name) + b":") for name in ordered)


def _whole(values: Sequence[int]) -> bytes:
    """Whole numbers, which are nine tenths of a file: Python's own writer gives the same bytes, only much sooner."""
    if not -MOST <= min(values) <= max(values) <= MOST:
        rfc8785.dumps([min(values), max(values)])  # refuses it
    return repr(list(values)).replace(" ", "").encode()
