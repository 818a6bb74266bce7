"""Long lists over several pages, each with an address of its own that needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")

NEIGHBOURS = 2
"""Pages on either side that a page links to, besides the first and the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The way to another page. `gap`: pages are left out before it."""

    number: int
    path: str
    gap: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list: `items` are those from `first` to `last`, counted from 1, of `count`."""

    number: int
    pages: int
    base: str
    items: tuple[T, ...]
    first: int
    count: int

    @property
    def last(self) -> int:
        return self.first + len(self.items) - 1

    @property
    def path(self) -> str:
        return path_of(self.base, self.number)

    @property
    def earlier(self) -> str | None:
        return path_of(self.base, self.number - 1) if self.number > 1 else None

    @property
    def later(self) -> str | None:
        return path_of(self.base, self.number + 1) if self.number < self.pages else None

    @property
    def links(self) -> tuple[Link, ...]:
        """The first, the last, this one and its neighbours."""
        near = range(self.number - NEIGHBOURS, self.number + NEIGHBOURS + 1)
        shown = sorted({1, self.pages, *near} & set(range(1, self.pages + 1)))
        gaps = [False, *(later > earlier + 1 for earlier, later in pairwise(shown))]
        return tuple(
            Link(number=number, path=path_of(self.base, number), gap=gap)
            for number, gap in zip(shown, gaps, strict=True)
        )


def path_of(base: str, number: int) -> str:
    """The first page keeps the list's own address. No name of anything holds an underscore, so no two pages meet."""
    return base if number == 1 else f"{base.removesuffix('.html')}_{number}.html"


def paged(base: str, items: Sequence[T], size: int) -> tuple[Page[T], ...]:
    """`items` over pages of `size`; one empty page where there are none."""
    starts = range(0, max(1, len(items)), size)
    return tuple(
        Page(
            number=number,
            pages=len(starts),
            base=base,
            items=tuple(items[start : start + size]),
            first=start + 1,
            count=len(items),
        )
        for number, start in enumerate(starts, start=1)
    )
