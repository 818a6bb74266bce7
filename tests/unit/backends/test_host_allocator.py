"""A worker on the host keeps the memory it frees, gives it back when it is asked to, and does neither elsewhere."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backends import host_allocator

BLOCK_MIB = 256
LIFE = """
import re, resource
from pathlib import Path

def held_mib():
    return int(re.search(r"VmRSS:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def use():
    bytearray(b"x") * (BLOCK_MIB << 20)

BEGIN
empty = held_mib()
use()
freed, before = held_mib() - empty, faults()
use()
again = faults() - before
RELEASE
print(freed, again, held_mib() - empty)
"""
"""Prints what the process held of a block that it had freed, the pages that a second such block had to get anew, and
what it held once all was given back."""


def needs_glibc() -> None:
    if not (sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "malloc_trim")):
        pytest.skip("not glibc")


def life(begin: str, release: str) -> tuple[int, int, int]:
    needs_glibc()
    script = LIFE.replace("BLOCK_MIB", str(BLOCK_MIB)).replace("BEGIN", begin).replace("RELEASE", release)
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    freed_mib, pages, left_mib = map(int, told.split())
    return freed_mib, pages, left_mib


def test_what_is_freed_is_kept_used_again_and_given_back_when_asked() -> None:
    freed_mib, pages, left_mib = life(
        "from backends import host_allocator; assert host_allocator.keep_freed_memory()",
        "assert host_allocator.give_freed_memory_back()",
    )
    assert freed_mib > 0.9 * BLOCK_MIB
    assert pages < 100
    assert left_mib < 0.1 * BLOCK_MIB


def test_left_to_itself_the_allocator_gives_a_large_block_back_at_once() -> None:
    freed_mib, pages, _ = life("", "")
    assert freed_mib < 0.1 * BLOCK_MIB
    assert pages > 100


@pytest.fixture
def other_library(tmp_path: Path) -> ctypes.CDLL:
    """A C library that has none of glibc's own functions."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a C compiler")
        pytest.skip("no C compiler")
    source, made = tmp_path / "other.c", tmp_path / "other.so"
    source.write_text("void *malloc(unsigned long bytes) { return 0; }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-nostdlib", "-o", made, source], check=True)
    return ctypes.CDLL(str(made))


def test_with_another_c_library_nothing_is_done(other_library: ctypes.CDLL) -> None:
    assert not host_allocator.keep_freed_memory(other_library)
    assert not host_allocator.give_freed_memory_back(other_library)


def test_a_torch_worker_on_the_cpu_keeps_what_it_frees_until_its_runtime_releases_it() -> None:
    freed_mib, pages, left_mib = life(
        "from backends.cpu import attach; runtime = attach('torch')", "runtime.release_memory()"
    )
    assert freed_mib > 0.9 * BLOCK_MIB
    assert pages < 1000
    assert left_mib < 0.1 * BLOCK_MIB
