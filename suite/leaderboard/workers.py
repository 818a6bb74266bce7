"""Many files read at once, each by a process of limited memory and time: a file that ends its process is refused."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from suite.check.document import Refused as Unreadable
from suite.check.document import read_bytes
from suite.check.findings import error
from suite.leaderboard.cache import sha256
from suite.leaderboard.reading import Read, Reader

FEW_FILES = 16
"""So few are read sooner than other processes start."""

AHEAD = 2
"""Files handed out for each process: one is read, one waits."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What reading may take: processes in all (None: the cores there are), address space of each, seconds per file.

    The largest file needs a tenth of the address space beside the libraries, the slowest honest one a few seconds.
    """

    processes: int | None = None
    memory_bytes: int = 6 * 2**30
    processor_s: float = 120.0

    @property
    def count(self) -> int:
        return self.processes or len(os.sched_getaffinity(0))


def digests(paths: Sequence[Path]) -> Iterator[Read]:
    """What each file is now, in order. Reading and hashing leave Python free, so threads are enough."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield from pool.map(_digest, paths)


def _digest(path: Path) -> Read:
    try:
        return sha256(read_bytes(path))
    except Unreadable as unreadable:
        return unreadable.findings


def read(paths: Sequence[Path], reader: Reader, limits: Limits) -> Iterator[tuple[Path, Read]]:
    """Each file read, in any order."""
    if len(paths) <= FEW_FILES or limits.count == 1:
        yield from ((path, reader(path)) for path in paths)
        return
    waiting = deque(paths)
    while waiting:
        for path in (yield from _until_broken(waiting, reader, limits)):
            yield path, _alone(path, reader, limits)


def _until_broken(
    waiting: deque[Path], reader: Reader, limits: Limits
) -> Generator[tuple[Path, Read], None, list[Path]]:
    """Read until all is read or a process dies; then the files that were handed out, one of which is to blame."""
    flying: dict[Future[Read], Path] = {}
    pool = _pool(limits, limits.count)
    try:
        while waiting or flying:
            while waiting and len(flying) < AHEAD * limits.count:
                flying[pool.submit(_limited, reader, waiting[0], limits.processor_s)] = waiting[0]
                waiting.popleft()
            for done in wait(flying, return_when=FIRST_COMPLETED).done:
                found = done.result()
                yield flying.pop(done), found
        return []
    except BrokenProcessPool:
        return list(flying.values())
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(path: Path, reader: Reader, limits: Limits) -> Read:
    with _pool(limits, 1) as pool:
        try:
            return pool.submit(_limited, reader, path, limits.processor_s).result()
        except BrokenProcessPool:
            told = "checking it took more memory or time than any result needs, and was ended"
            return (error("file-fatal", "", told, "Submit the file as the suite wrote it."),)


def _pool(limits: Limits, count: int) -> ProcessPoolExecutor:
    """Processes that begin afresh: a fork would copy what threads hold."""
    context = get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(limits.memory_bytes,))


def _begin(memory_bytes: int) -> None:
    """A reading process leaves Ctrl-C to its parent, does not outlive it, and cannot take all memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _limited(reader: Reader, path: Path, processor_s: float) -> Read:
    """The alarm's own action ends the process, whatever it is at."""
    signal.setitimer(signal.ITIMER_PROF, processor_s)
    try:
        return reader(path)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
