"""Many files at once, each in a process of limited memory and time: one that ends its process costs itself only."""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import pickle
import resource
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar

from suite.check.processors import usable_processors

Found = TypeVar("Found")

AHEAD = 2
"""Files handed out for each process: one is worked on, one waits."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the work on files may take.

    processes     at once; None: as many as there are processors for them
    memory_bytes  address space of each, beside what it holds when it begins
    processor_s   of one file; the slowest honest one needs a few seconds
    wall_s        of one file, in case it waits for something that does not come
    """

    processes: int | None = None
    memory_bytes: int = 6 * 2**30
    processor_s: float = 120.0
    wall_s: float = 600.0

    @property
    def count(self) -> int:
        return usable_processors() if self.processes is None else self.processes


@dataclass(frozen=True, kw_only=True)
class Task(Generic[Found]):
    """What to do with a file. `work` and what it gives go from process to process: plain values, functions of a module.

    lost     what stands for a file that ended its process
    failed   what stands for one on which `work` raised; None: the exception goes on
    modules  names of those that `work` imports only when it is called
    """

    work: Callable[[Path], Found]
    lost: Callable[[Path], Found]
    failed: Callable[[Path, BaseException], Found] | None = None
    modules: Sequence[str] = ()

    def outcome(self, path: Path, done: Future[Found]) -> Found:
        """Of a task that has ended. BrokenProcessPool where its process has, whoever is to blame."""
        problem = done.exception()
        if problem is None or isinstance(problem, BrokenProcessPool) or self.failed is None:
            return done.result()
        return self.failed(path, problem)


def each(paths: Sequence[Path], task: Task[Found], limits: Limits) -> Iterator[tuple[Path, Found]]:
    """What the task makes of each file, in any order."""
    waiting = deque(paths)
    while waiting:
        for path in (yield from _until_broken(waiting, task, limits)):
            yield path, _alone(path, task, limits)


def _until_broken(
    waiting: deque[Path], task: Task[Found], limits: Limits
) -> Generator[tuple[Path, Found], None, list[Path]]:
    """Go on until all is done or a process dies; then the files that were handed out, one of which is to blame."""
    flying: dict[Future[Found], Path] = {}
    count = limits.count
    pool = _pool(task, limits, min(count, len(waiting)))
    try:
        while waiting or flying:
            while waiting and len(flying) < AHEAD * count:
                with _uninterrupted():
                    flying[pool.submit(_limited, task.work, waiting[0], limits)] = waiting[0]
                waiting.popleft()
            for done in wait(flying, return_when=FIRST_COMPLETED).done:
                found = task.outcome(flying[done], done)
                yield flying.pop(done), found
        return []
    except BrokenProcessPool:
        return list(flying.values())
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(path: Path, task: Task[Found], limits: Limits) -> Found:
    with _pool(task, limits, 1) as pool:
        with _uninterrupted():
            done = pool.submit(_limited, task.work, path, limits)
        try:
            return task.outcome(path, done)
        except BrokenProcessPool:
            return task.lost(path)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A process that begins in here leaves Ctrl-C to its parent while it still loads, before `_begin` can say so."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pool(task: Task[Found], limits: Limits, count: int) -> ProcessPoolExecutor:
    """Processes that begin afresh: a fork would copy what threads hold. OSError (ENOSYS) where none can be had."""
    begin = partial(_begin, pickle.dumps(task.work), task.modules, limits.memory_bytes)
    try:
        return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=begin)
    except OSError as problem:  # of the semaphores that they share; some sandboxes have no place for these
        told = f"processes that read files cannot share semaphores there ({problem.strerror})"
        raise OSError(errno.ENOSYS, told, "/dev/shm") from problem  # noqa: S108 - named, not written to


def _begin(work: bytes, modules: Sequence[str], memory_bytes: int) -> None:
    """Such a process leaves Ctrl-C to its parent, does not outlive it, and cannot take all memory.

    What its work imports is loaded before: a library's memory is not the file's. And numpy's own threads, which take
    40 MiB of address space each, have nothing to do here: as many processes run as there are cores.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    pickle.loads(work)  # noqa: S301 - its parent's
    for module in modules:
        import_module(module)
    gc.freeze()  # looked through neither while files are read, nor when the process ends, which took it 0.15 s
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    held_bytes = _held_bytes()
    if held_bytes is not None:  # else no limit can be named that leaves room for what is loaded already
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = held_bytes + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _held_bytes(statm: Path = Path("/proc/self/statm")) -> int | None:
    """The address space of this process; None where the system does not tell."""
    return int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else None


def _limited(work: Callable[[Path], Found], path: Path, limits: Limits) -> Found:
    """The alarms' own action ends the process, whatever it is at."""
    signal.setitimer(signal.ITIMER_PROF, limits.processor_s)
    signal.setitimer(signal.ITIMER_REAL, limits.wall_s)
    try:
        return work(path)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
