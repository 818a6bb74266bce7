"""docs/faults.md says what the tests hold, and enough of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def table() -> str:
    command = [sys.executable, str(ROOT / "bench" / "faults.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT / "tests").stdout


def test_the_published_table_is_current(table: str) -> None:
    published = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert published == table, "run: python bench/faults.py > docs/faults.md"


def test_at_least_sixty_distinct_faults_are_injected(table: str) -> None:
    faults = re.findall(r"^\| (.+?) \| .+? \| `tests/faults/", table, flags=re.MULTILINE)
    assert len(set(faults)) >= 60
