"""Where processes cannot share semaphores, files cannot be read side by side: that is one line, not a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from suite import exits


def test_a_check_that_can_start_no_processes_says_why(
    compiled: Callable[..., Path], tmp_path: Path, synthetic: ModuleType
) -> None:
    shared = compiled("no_semaphores.c", tmp_path / "no_semaphores.so", "-Wall", "-Werror")
    (path,) = synthetic.write(tmp_path, 1, 3)
    done = subprocess.run(
        [sys.executable, "-m", "suite", "check", str(path)],
        env={**os.environ, "LD_PRELOAD": str(shared)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.CANNOT_WRITE, "", 1), done.stderr
    assert "/dev/shm" in done.stderr
