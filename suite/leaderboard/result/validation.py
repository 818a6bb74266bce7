"""What the check looked at in a result, and what it found: the report on the result's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.check.findings import Checked, Finding
from suite.record import Attempt, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """How much of each was held against the rules, and the warnings, which refuse nothing."""

    joules: int  # energies of windows, each computed again from the readings
    windows: int
    readings: int  # ticks of all meters
    proofs: int  # steps inside windows that were done again in float32, and runs on constant inputs
    qualities: int
    warnings: tuple[Finding, ...]


def validation(checked: Checked, result: Result) -> Validation:
    """Of all attempts, those that ended badly too: they were checked alike."""
    attempts = [attempt for cell in result.cells for attempt in cell.attempts]
    return Validation(
        joules=sum(len(window) for attempt in attempts for window in attempt.energies),
        windows=sum(len(attempt.windows) for attempt in attempts),
        readings=sum(len(ticks.at_ns) for attempt in attempts for ticks in attempt.ticks),
        proofs=sum(len(attempt.audits) for attempt in attempts),
        qualities=_judged(attempts),
        warnings=checked.findings,
    )


def _judged(attempts: Sequence[Attempt]) -> int:
    return sum(attempt.quality is not None for attempt in attempts)
