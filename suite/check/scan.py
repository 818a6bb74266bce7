"""What bytes show before a parser reads them: encoding, depth, how much there is, and numbers that no float holds.

Every step is linear in the bytes, whatever they are.
"""

from __future__ import annotations

import codecs
import re

from suite.check.files import REMAKE, Refused
from suite.check.findings import error

MAX_DEPTH = 16
MAX_BRACKETS = 50_000
MAX_VALUES = 500_000
"""A file of the largest size with nothing but instants and readings has 350,000."""

MAX_QUOTES = 400_000
"""Of which a key has two: a file of the largest size with every trace it can hold has a tenth of that."""

MAX_DIGITS = 18
"""Nanoseconds of thirty years and microjoules of a gigawatt-hour both fit."""

MAX_EXPONENT = 30
"""Operations of a step stay below 1e24, and what is smaller than 1e-99 is no measure of anything."""

_STRING = re.compile(rb'(?s)"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)')
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_SHAPES = bytes.maketrans(b"0123456789[:, \t\n\r\v\f", b"0000000000,,,,,,,,,")
"""Every digit alike, and all that may stand before a number but its sign."""

_LONG = b"0" * (MAX_DIGITS + 1)
_POWER = re.compile(rb"[eE]([+-]?)0*([0-9]{2,})")
_CONSTANT = re.compile(rb"-?(?:NaN|Infinity)")


def scan(data: bytes) -> None:
    """Refused for the first thing that no result file has."""
    bare_of(data)


def bare_of(data: bytes) -> bytes:
    """The bytes with every text in them made empty; Refused for the first thing that no result file has."""
    _encoding(data)
    if (count := data.count(b'"')) > MAX_QUOTES:
        raise Refused(error("values", "", f"{count} quotation marks; at most {MAX_QUOTES} are read", REMAKE))
    bare = _STRING.sub(b'""', data)
    _depth(bare)
    _numbers(bare)
    return bare


def _encoding(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Refused(error("encoding", "", f"not UTF-8 at byte {problem.start}", REMAKE)) from problem
    if data.startswith(codecs.BOM_UTF8):
        raise Refused(error("encoding", "", "starts with a byte order mark", REMAKE))
    if b"\0" in data:
        raise Refused(error("encoding", "", f"a NUL at byte {data.index(0)}", REMAKE))


def _depth(bare: bytes) -> None:
    depth = 0
    for number, bracket in enumerate(bare.translate(None, _NO_BRACKET)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Refused(error("depth", "", f"nested deeper than {MAX_DEPTH}", REMAKE))
        if number > 2 * MAX_BRACKETS:
            raise Refused(error("values", "", f"more than {MAX_BRACKETS} objects and arrays", REMAKE))
    if (count := bare.count(b",")) > MAX_VALUES:
        raise Refused(error("values", "", f"{count} values; at most {MAX_VALUES} are read", REMAKE))


def _numbers(bare: bytes) -> None:
    if (b"NaN" in bare or b"Infinity" in bare) and (found := _CONSTANT.search(bare)):
        raise Refused(error("number", "", f"{found.group().decode()} is no JSON number", REMAKE))
    if _is_long(bare):
        raise Refused(error("number", "", f"an integer of more than {MAX_DIGITS} digits", REMAKE))
    for sign, digits in _POWER.findall(bare):
        if len(digits) > 2 or (sign != b"-" and int(digits) > MAX_EXPONENT):
            raise Refused(
                error("number", "", f"a number with the exponent {sign.decode()}{digits[:9].decode()}", REMAKE)
            )


def _is_long(bare: bytes) -> bool:
    """Whether so many digits follow each other, but behind a decimal point. A regex would take ten times as long."""
    shapes = bare.translate(_SHAPES)
    return shapes.startswith(_LONG) or b"," + _LONG in shapes or b"-" + _LONG in shapes
