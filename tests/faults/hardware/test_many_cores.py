"""A machine of many cores reads a file within the same limits as any other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from suite import exits

WORK = {
    "a check": "from suite.check.batch import alone\nrow = alone([path])[path]",
    "a share": "from suite.check.batch import LIMITS\nfrom suite.check.workers import Task, each\n"
    "from suite.contribution.shares import share_of\n"
    "row = dict(each([path], Task(work=share_of, lost=print), LIMITS))[path].row",
}


@pytest.fixture(scope="session")
def many_cores(compiled: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    shared = compiled("many_cores.c", tmp_path_factory.mktemp("cores") / "many_cores.so", "-Wall", "-Werror")
    return {**os.environ, "LD_PRELOAD": str(shared)}


def test_the_machine_shows_64_cores(many_cores: dict[str, str]) -> None:
    asked = "import os; print(os.cpu_count(), len(os.sched_getaffinity(0)))"
    assert subprocess.check_output([sys.executable, "-c", asked], env=many_cores, text=True) == "64 64\n"


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_true_file_is_read_within_its_limits(
    work: str, many_cores: dict[str, str], tmp_path: Path, synthetic: ModuleType
) -> None:
    (path,) = synthetic.write(tmp_path, 1, 3)
    script = f"from pathlib import Path\npath = Path({str(path)!r})\n{work}\nprint(row.id, row.acceptable)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=many_cores, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (exits.OK, "")
    assert done.stdout.endswith(" True\n")
