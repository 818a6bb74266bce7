"""Fields of a stranger's record, each by its name: what is there, and one line about what is not as it should be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.check.files import Refused
from suite.check.findings import error
from suite.check.text import escaped
from suite.foreign import ForeignRow

CURE = "Take the file from its source again; docs/interchange.md says which one."

_NOTHING = frozenset({"", "-", "n/a", "none"})
"""What sources write for a name that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The figures of a source's file, and how many of its records hold none that is read."""

    rows: tuple[ForeignRow, ...]
    left_out: int


def odd(pointer: str, told: str) -> Refused:
    """What is raised where a source's file is not in its format."""
    return Refused(error("foreign-source", pointer, told, CURE))


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of a source and where it stands in the file (a JSON pointer)."""

    values: Mapping[str, Any]
    pointer: str

    def __contains__(self, key: str) -> bool:
        return self.values.get(key) not in (None, "")

    def name(self, key: str) -> str:
        """A name that must be there."""
        found = self.maybe_name(key)
        if found is None:
            raise self.odd(key, "no name")
        return found

    def maybe_name(self, key: str) -> str | None:
        """A name with its white space made plain; None where there is none. A number is told as it stands."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise self.odd(key, "no name")
        told = " ".join(str(value).split())
        return None if told.lower() in _NOTHING else told

    def count(self, key: str) -> int | None:
        """How many, where that is told as a whole number above zero, in digits or as a number."""
        value = self.values.get(key)
        told = str(value).strip()
        whole = not isinstance(value, bool) and told.isascii() and told.isdigit() and len(told) < 10
        return int(told) or None if whole else None

    def positive(self, key: str) -> float:
        """A figure that must be there: finite and above zero, since nothing runs on no energy."""
        value = self.values.get(key)
        try:
            found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        except ValueError:
            found = None
        if found is None or not math.isfinite(found) or found <= 0:
            raise self.odd(key, "no figure above zero")
        return found

    def odd(self, key: str, told: str) -> Refused:
        return odd(f"{self.pointer}/{escaped(key)}", told)


def objects(node: Any, pointer: str) -> list[Fields]:
    """The objects of a list, each with its place."""
    if not isinstance(node, list):
        raise odd(pointer, "no list of records")
    found = []
    for index, one in enumerate(node):
        if not isinstance(one, dict):
            raise odd(f"{pointer}/{index}", "no record")
        found.append(Fields(one, f"{pointer}/{index}"))
    return found


def told(fields: Fields, keys: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """ "words value" of each field that is there."""
    return tuple(f"{words} {fields.maybe_name(key)}".strip() for key, words in keys if fields.maybe_name(key))
