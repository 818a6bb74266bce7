"""What surrounded the energy of an attempt: each domain's quantities as least, median and greatest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from suite.leaderboard.drawing.quantities import described, known
from suite.record import Attempt
from suite.trace import Conditions, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityLine:
    """One quantity as text. `span` is least, median and greatest; None where it did not answer."""

    label: str
    span: tuple[str, str, str] | None
    answers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """One domain's quantities."""

    domain: str
    lines: tuple[QuantityLine, ...]


def surroundings(attempt: Attempt) -> tuple[Surroundings, ...]:
    """Over the samples while windows were open; over all of them where the attempt has no window."""
    return tuple(_domain(one, attempt.windows) for one in attempt.conditions if one.values)


def _domain(conditions: Conditions, windows: Sequence[Window]) -> Surroundings:
    inside = [index for index, at_ns in enumerate(conditions.at_ns) if not windows or _open(at_ns, windows)]
    return Surroundings(
        domain=conditions.domain,
        lines=tuple(_line(name, [values[index] for index in inside]) for name, values in conditions.values.items()),
    )


def _open(at_ns: int, windows: Sequence[Window]) -> bool:
    return any(window.start_ns <= at_ns <= window.end_ns for window in windows)


def _line(name: str, values: Sequence[float | None]) -> QuantityLine:
    words, found = described(name), known(values)
    return QuantityLine(
        label=words.label,
        span=(words.text(min(found)), words.text(median(found)), words.text(max(found))) if found else None,
        answers=str(len(found)) if len(found) == len(values) else f"{len(found)} of {len(values)}",
    )
