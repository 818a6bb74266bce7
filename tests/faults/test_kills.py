"""Commands killed at random instants: nothing unreadable, nothing half done, and the next try ends well.

The same as bench/kills.py does a thousand times.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from kills import frozen, play  # noqa: E402
from victims import VICTIMS  # noqa: E402


@pytest.mark.parametrize(
    ("name", "kills"),
    [
        pytest.param("check", 5, marks=pytest.mark.fault("check killed at random instants", "nothing written")),
        pytest.param(
            "submit", 5, marks=pytest.mark.fault("submit killed at random instants", "git sane, the next try ends well")
        ),
        pytest.param(
            "site", 4, marks=pytest.mark.fault("site killed at random instants", "the old site or the new one")
        ),
        pytest.param(
            "run", 2, marks=pytest.mark.fault("run killed at random instants", "at most the cell in flight lost")
        ),
    ],
)
def test_a_command_killed_at_random_instants_leaves_nothing_broken(tmp_path: Path, name: str, kills: int) -> None:
    tally = play(VICTIMS[name](tmp_path, frozen(tmp_path)), kills, random.Random(f"test/{name}"))
    assert tally.wrong == []
    assert tally.kills == kills
