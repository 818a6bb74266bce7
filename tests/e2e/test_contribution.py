"""Pull requests from clone to site, with real repositories and the base branch's own code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from pull_stage import agrees  # noqa: E402
from simulate_pr import SCENES  # noqa: E402


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What was found in each scene."""
    folder = tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, str(BENCH / "simulate_pr.py")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.stderr == ""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[2:]]
    return {name: found for name, _, found in rows}


@pytest.mark.parametrize("name", SCENES)
def test_a_pull_request_ends_as_it_should(played: dict[str, str], name: str) -> None:
    expected, _ = SCENES[name]
    assert agrees(played[name], expected), played[name]
