"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from suite.record import Result

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule that a file breaks: where (a JSON pointer), how, and what would help."""

    rule: str
    severity: Severity
    pointer: str
    message: str
    cure: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A file after its check. `result` is there only when no finding is an error."""

    path: Path
    result: Result | None
    findings: tuple[Finding, ...]

    @property
    def acceptable(self) -> bool:
        return self.result is not None

    @property
    def cause(self) -> Finding:
        """Of a file with findings: the first that refuses it, or the first of its warnings."""
        return next((one for one in self.findings if one.severity == "error"), self.findings[0])


def error(rule: str, pointer: str, message: str, cure: str) -> Finding:
    return Finding(rule=rule, severity="error", pointer=pointer, message=message, cure=cure)


def warning(rule: str, pointer: str, message: str, cure: str) -> Finding:
    return Finding(rule=rule, severity="warning", pointer=pointer, message=message, cure=cure)
