"""True results changed at random: values of another kind, keys lost, added and renamed, numbers swapped and bent."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Node = dict[str, Any] | list[Any]
Change = Callable[[Node, Any, random.Random], None]

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53, 2**63, -(2**63), 10**17, 0.0, -0.0, 0.5, 1e-9, 1e30, -1e30, "", "a", "0",
    "x" * 299, "../up", "<b>", "\u202e", "\ud800", [], {}, [[]], [None], {"a": 1}, [0] * 100,
)  # fmt: skip
MOST_CHANGES = 4


def mutated(document: dict[str, Any], source: random.Random) -> dict[str, Any]:
    """A copy with one to four changes, most of them one; it is never the document itself."""
    made = deepcopy(document)
    while made == document:
        for _ in range(min(MOST_CHANGES, 1 + int(source.expovariate(1.2)))):
            node, key = _place(made, source)
            source.choice(CHANGES)(node, key, source)
    return made


def _place(document: dict[str, Any], source: random.Random) -> tuple[Node, Any]:
    """A key or an index anywhere. Fields are as likely as numbers of a long series are together."""
    node: Any = document
    while True:
        key = source.choice(list(node)) if isinstance(node, dict) else source.randrange(len(node))
        inner = node[key]
        if not isinstance(inner, dict | list) or not inner or source.random() < 0.08:
            return node, key
        node = inner


def _replace(node: Node, key: Any, source: random.Random) -> None:
    node[key] = deepcopy(source.choice(ODD))


def _drop(node: Node, key: Any, _: random.Random) -> None:
    del node[key]


def _add(node: Node, _: Any, source: random.Random) -> None:
    value = deepcopy(source.choice(ODD))
    if isinstance(node, dict):
        node[source.choice(("extra", "__class__", "units", "joules", "meter", "\u202e"))] = value
    else:
        node.insert(source.randrange(len(node) + 1), value)


def _rename(node: Node, key: Any, source: random.Random) -> None:
    if isinstance(node, dict):
        node[source.choice((f"{key}_", str(key).upper(), f" {key}"))] = node.pop(key)


def _swap(node: Node, key: Any, source: random.Random) -> None:
    other = source.choice(list(node)) if isinstance(node, dict) else source.randrange(len(node))
    node[key], node[other] = node[other], node[key]


def _double(node: Node, key: Any, _: random.Random) -> None:
    if isinstance(node, list):
        node.insert(key, deepcopy(node[key]))


def _bend(node: Node, key: Any, source: random.Random) -> None:
    """Numbers by a factor, texts by a letter."""
    value = node[key]
    if isinstance(value, bool) or value is None:
        node[key] = not value
    elif isinstance(value, int):
        node[key] = round(value * source.choice((-1, 0, 0.5, 0.999, 1.001, 2, 1000)))
    elif isinstance(value, float):
        node[key] = value * source.choice((-1.0, 0.0, 0.5, 0.999, 1.001, 2.0, 1000.0))
    elif isinstance(value, str):
        node[key] = value[: source.randrange(len(value) + 1)] + source.choice("\0\x1b a1.<-")


CHANGES: tuple[Change, ...] = (_replace, _drop, _add, _rename, _swap, _double, _bend, _bend)
