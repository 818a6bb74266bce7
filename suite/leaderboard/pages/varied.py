"""A few of many boards for one table, so that they tell of many models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from suite.leaderboard.ranking.boards import Board

T = TypeVar("T")

OF_ONE_WORKLOAD = 2


def varied(offered: Iterable[T], board_of: Callable[[T], Board], most: int) -> list[T]:
    """The first `most`, but of one workload no more than OF_ONE_WORKLOAD."""
    chosen: list[T] = []
    taken = Counter[str]()
    for one in offered:
        workload = board_of(one).workload
        if len(chosen) < most and taken[workload] < OF_ONE_WORKLOAD:
            chosen.append(one)
            taken[workload] += 1
    return chosen
