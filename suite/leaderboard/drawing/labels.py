"""Names beside the marks of a drawing, as many as there is room for: none over another, and none over a mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LETTER, LINE = 5.8, 12.0
"""About how wide a letter and how high a line is, in the drawing's own units."""

GAP = 8.0
"""From a mark's middle to its name."""

MARK = 6.0
"""Half of the square around a mark that no name may touch."""

LONGEST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text and where it begins ("start") or ends ("end"), on its base line."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class Field:
    """The drawing's inside, which no name leaves."""

    left: float
    top: float
    right: float
    bottom: float


def labels(wanted: Mapping[int, str], marks: Sequence[tuple[float, float]], field: Field) -> dict[int, Label]:
    """Number of a mark -> its name, where a place is free; those that are asked for first choose first."""
    taken = [_Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in marks]
    found: dict[int, Label] = {}
    for number, text in wanted.items():
        for label in _places(*marks[number], _short(text)):
            box = _box(label)
            if _is_inside(box, field) and not any(box.meets(other) for other in taken):
                found[number] = label
                taken.append(box)
                break
    return found


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


def _places(x: float, y: float, text: str) -> Iterable[Label]:
    """A little above the mark, where no line that runs through it is met; then beside it and below."""
    for rise in (8.0, -4.0, -12.0):
        yield Label(x=round(x + GAP, 1), y=round(y - rise, 1), anchor="start", text=text)
        yield Label(x=round(x - GAP, 1), y=round(y - rise, 1), anchor="end", text=text)


def _box(label: Label) -> _Box:
    width = LETTER * len(label.text)
    left = label.x if label.anchor == "start" else label.x - width
    return _Box(left, label.y - LINE + 3, left + width, label.y + 3)


def _is_inside(box: _Box, field: Field) -> bool:
    within = field.left <= box.left and box.right <= field.right
    return within and field.top <= box.top and box.bottom <= field.bottom
