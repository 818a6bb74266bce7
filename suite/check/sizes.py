"""How much of everything a file may hold, and that its series are numbers: asked before the schema looks at items."""

from __future__ import annotations

from typing import Any

from suite.check.files import REMAKE, Refused
from suite.check.findings import error
from suite.check.text import escaped

MAX_KEYS = 200
MAX_ITEMS = {"meters": 100, "cells": 1_000, "attempts": 100, "windows": 500, "events": 2_000, "stages": 2_000}
"""No run makes more; each is looked at with each of another of them."""

MAX_OTHERS = 5_000

VALUES = "values"
"""Quantities by name, each a series, in which None stands for no answer."""

SERIES: dict[str, set[type]] = {"at_ns": {int}, "energy_uj": {int}, VALUES: {int, float, type(None)}}
"""Fields as long as a trace -> what they hold."""

SEE = "See docs/result.schema.json."


def look(document: Any) -> None:
    """Refused for the first that is too much."""
    _look(document, "", "")


def _look(node: Any, pointer: str, field: str) -> None:
    """Refuse what no run makes so much of, and series that hold anything but numbers.

    The schema would tell every item that does not fit, which takes much more memory than the item.
    """
    if isinstance(node, dict):
        for key, value in node.items():
            _look(value, f"{pointer}/{escaped(key)}", VALUES if field == VALUES else key)
    elif isinstance(node, list) and field in SERIES:
        if not set(map(type, node)) <= SERIES[field]:
            raise Refused(error("schema", pointer, "a series that holds other things than its numbers", SEE))
    elif isinstance(node, list):
        if len(node) > (most := MAX_ITEMS.get(field, MAX_OTHERS)):
            raise Refused(error("values", pointer, f"{len(node)} items; at most {most} are read", REMAKE))
        for index, value in enumerate(node):
            _look(value, f"{pointer}/{index}", field)
