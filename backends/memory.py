"""How much memory the process that asks has held, and whether it asked for more than there was."""

from __future__ import annotations

import contextlib
import re
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


def process_peak_bytes(status: Path = STATUS) -> int:
    """Most memory this process has held at once: programs, libraries and data together.

    On Linux the peak of the program itself (VmHWM, proc_pid_status(5)). getrusage(2) answers elsewhere: on Linux its
    figure lives through execve(2), so a child would be charged with what the process that started it held.
    """
    if status.exists() and (own := re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)):
        return int(own[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_process_peak(switch: Path = CLEAR_REFS) -> None:
    """Let the kernel count this process's peak from now on: Linux only (proc_pid_clear_refs(5)); else it stays."""
    if switch.exists():
        with contextlib.suppress(OSError):  # a sandbox may show the file and refuse it: the peak then stays
            switch.write_text("5")


def is_out_of_memory(problem: BaseException) -> bool:
    """Each framework has its own type for it, and none may be imported to ask."""
    kind, text = type(problem).__name__, str(problem)
    return (
        isinstance(problem, MemoryError)
        or "OutOfMemory" in kind
        or any(sign in text for sign in ("RESOURCE_EXHAUSTED", "out of memory", "can't allocate memory"))
    )
