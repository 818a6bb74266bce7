"""Which faults the tests inject and where each ends: python bench/faults.py > docs/faults.md

The table is read from the marks on the tests themselves, so it cannot promise what no test holds.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PLACES = (ROOT / "tests" / "faults", ROOT / "tests" / "unit")

HEAD = """# Faults and where they end

Made by `python bench/faults.py > docs/faults.md` from the marks on the tests: each line is a test that breaks
something and holds the suite to what comes of it. A code is explained by `python -m suite explain CODE`; a joule is
never silently wrong: it is right, or unknown with its reason.
"""


class Collector:
    """Gathers the marks of all collected tests."""

    def __init__(self) -> None:
        self.faults: dict[tuple[str, str], str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("fault"):
                name, outcome = mark.args
                self.faults[name, outcome] = item.path.relative_to(ROOT).as_posix()


def collect() -> dict[tuple[str, str], str]:
    """(fault, outcome) -> the file whose test holds it."""
    collector = Collector()
    with contextlib.redirect_stdout(io.StringIO()):
        where = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), *map(str, PLACES)]
        how = ["--collect-only", "-q", "-m", "fault", "-p", "no:cacheprovider"]
        code = pytest.main(how + where, plugins=[collector])
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"the tests could not be collected (pytest exit {int(code)})")
    return collector.faults


def table(faults: dict[tuple[str, str], str]) -> str:
    lines = [HEAD, f"{len(faults)} faults.", "", "| fault | ends in | test |", "|---|---|---|"]
    lines += [
        f"| {name} | {outcome} | `{path}` |"
        for (name, outcome), path in sorted(faults.items(), key=lambda item: (item[1], item[0]))
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(collect()))
