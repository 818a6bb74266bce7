"""The peak memory of a process is its own: not its parent's, and from a chosen moment on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backends import memory

ASK = "from backends.memory import process_peak_bytes; print(process_peak_bytes())"

ASK_ANEW = """
from backends import memory
large = bytearray(b"x") * 400_000_000
with_it = memory.process_peak_bytes()
del large
memory.forget_process_peak()
print(with_it, memory.process_peak_bytes())
"""


def test_a_process_is_not_charged_with_what_its_parent_held() -> None:
    held = np.ones(2**26)  # 512 MiB, held while the child starts
    asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert 2**20 < int(asked.stdout) < held.nbytes / 4


def test_the_peak_starts_anew_where_the_kernel_can() -> None:
    if not memory.CLEAR_REFS.exists():
        pytest.skip("not Linux")
    # in a process of its own: a worker's allocator, once set, keeps what is freed
    asked = subprocess.run([sys.executable, "-c", ASK_ANEW], capture_output=True, text=True, check=True)
    with_it, without = map(int, asked.stdout.split())
    assert without < with_it - 300_000_000


def test_where_it_cannot_the_peak_goes_on(tmp_path: Path) -> None:
    before = memory.process_peak_bytes()
    memory.forget_process_peak(tmp_path / "absent")
    memory.forget_process_peak(tmp_path)  # refuses to be written
    assert memory.process_peak_bytes() >= before - 2**20


@pytest.mark.parametrize("text", [None, "Name:\tpython3\n"])
def test_a_kernel_that_does_not_tell_is_asked_another_way(tmp_path: Path, text: str | None) -> None:
    status = tmp_path / "status"
    if text is not None:
        status.write_text(text)
    assert memory.process_peak_bytes(status) >= memory.process_peak_bytes() - 2**20


@pytest.mark.parametrize(
    "problem", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), OSError("can't allocate memory: 9")]
)
def test_a_lack_of_memory_is_known_whoever_reports_it(problem: BaseException) -> None:
    assert memory.is_out_of_memory(problem)


def test_other_problems_are_not_taken_for_it() -> None:
    assert not memory.is_out_of_memory(RuntimeError("invalid argument"))
