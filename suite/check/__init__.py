"""Is a result file acceptable, and if not, which rule does it break and why?

One code for three moments: before the suite writes a result, when `check` reads one, and when the site is built.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from suite.check.document import Refused, parse, read_bytes
from suite.check.findings import Checked, Finding
from suite.check.rules import examine

__all__ = ["Checked", "Finding", "check_file", "examine", "result_files"]


def check_file(path: Path) -> Checked:
    """Read and examine one file. Never raises for what the file holds: a bad file is findings, not an error."""
    try:
        result = parse(read_bytes(path))
    except Refused as refused:
        return Checked(path, None, refused.findings)
    findings = examine(result, today=date.today())
    acceptable = not any(finding.severity == "error" for finding in findings)
    return Checked(path, result if acceptable else None, findings)


def result_files(root: Path) -> list[Path]:
    """Every *.json below `root`, or `root` itself if it is a file, in a fixed order; hidden names are not results."""
    if not root.is_dir():
        return [root]
    found = (path for path in root.rglob("*.json") if not path.is_dir())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))
