"""Answers of pure functions, kept for as long as the value lives that was asked about."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import ref

Owner = TypeVar("Owner")
More = ParamSpec("More")
Found = TypeVar("Found")


def remembered(ask: Callable[Concatenate[Owner, More], Found]) -> Callable[Concatenate[Owner, More], Found]:
    """`ask`, which computes each answer once for the very object that is its first argument.

    A hash of a result would read all its traces, and a cache of some size would hold them after their time. The owner
    must be frozen and allow weak references, the other arguments have hashes, and no answer holds its owner.
    """
    kept: dict[int, tuple[ref[Owner], dict[object, Found]]] = {}

    def answers(owner: Owner) -> dict[object, Found]:
        number = id(owner)
        if number not in kept:
            kept[number] = (ref(owner, lambda _: kept.pop(number)), {})
        return kept[number][1]

    @wraps(ask)
    def asked(owner: Owner, /, *more: More.args, **named: More.kwargs) -> Found:
        found, key = answers(owner), (more, *named.items())
        if key not in found:
            found[key] = ask(owner, *more, **named)
        return found[key]

    return asked
