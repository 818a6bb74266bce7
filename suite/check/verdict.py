"""What a check makes of one file, and what stands for a file that could not be checked. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from suite.check.findings import Finding, error
from suite.check.population import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A file after its check. `id` is that of the result, None where it is none; `journal` and `marks` tell its run."""

    path: Path
    id: str | None
    findings: tuple[Finding, ...]
    journal: str | None = None
    marks: frozenset[str] = frozenset()
    costs: tuple[Cost, ...] = ()

    @property
    def acceptable(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)


def lost(path: Path) -> Row:
    """The row of a file that ended the process that checked it."""
    return Row(path=path, id=None, findings=(fatal(),))


def failed(path: Path, problem: BaseException) -> Row:
    """The row of a file that no rule foresaw: it is refused, and the others are checked."""
    told = f"checking it ended in {type(problem).__name__}, which is a defect of the check"
    cure = "Submit the file as the suite wrote it; if it is, report it."
    return Row(path=path, id=None, findings=(error("check-failed", "", told, cure),))


def fatal() -> Finding:
    told = "checking it took more memory or time than any result needs, and was ended"
    return error("file-fatal", "", told, "Submit the file as the suite wrote it.")
