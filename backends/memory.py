"""How much memory the process that asks has held."""

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
