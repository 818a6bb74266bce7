"""The journal of a run: what happened, one line an event, on disk before the next thing starts.

A result file is a pure function of these events (see suite.assemble). A line torn by a crash is dropped on the next
opening; the lock is the kernel's and ends with the process.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Event = dict[str, Any]


class Busy(Exception):
    """Another process carries this run out."""


class Journal:
    """Append-only events of one run, each chained to the one before by its hash."""

    def __init__(self, path: Path) -> None:
        """Open or create. Busy when another process holds it; OSError when it cannot be written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            os.close(self._descriptor)
            raise Busy(f"another run is writing {path}") from problem
        lines = _whole_lines(path.read_bytes())
        self.events: list[Event] = [json.loads(line) for line in lines]
        self._hash = _chain(lines)
        self._length = sum(len(line) + 1 for line in lines)
        self._cut()

    @property
    def sha256(self) -> str:
        """The hash of all events so far."""
        return self._hash

    def append(self, kind: str, **fields: Any) -> Event:
        """Add an event; returns once it is on disk.

        Ctrl-C may come at any point. What is written counts before the long wait for the disk, or the next event would
        continue the chain from the one before; what is written in part does not, and the next event takes its place.
        """
        event = {"seq": len(self.events), "previous": self._hash, "kind": kind} | fields
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        digest, length = _chain([line], self._hash), self._length + len(line) + 1
        self._cut()
        _write_all(self._descriptor, line + b"\n")
        self._hash, self._length = digest, length
        self.events.append(event)
        os.fsync(self._descriptor)
        return event

    def restart(self) -> None:
        """Forget every event."""
        self.events, self._hash, self._length = [], _chain([]), 0
        self._cut()

    def _cut(self) -> None:
        """Remove what follows the last whole event, and write from there."""
        os.ftruncate(self._descriptor, self._length)
        os.lseek(self._descriptor, self._length, os.SEEK_SET)

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _whole_lines(data: bytes) -> list[bytes]:
    """The lines up to the first that is torn or does not continue the chain."""
    lines: list[bytes] = []
    previous = _chain([])
    for line in data.split(b"\n")[:-1]:
        try:
            event = json.loads(line)
        except ValueError:
            break
        if not isinstance(event, dict) or event.get("seq") != len(lines) or event.get("previous") != previous:
            break
        lines.append(line)
        previous = _chain([line], previous)
    return lines


def _chain(lines: list[bytes], start: str = "0" * 64) -> str:
    digest = start
    for line in lines:
        digest = hashlib.sha256(digest.encode() + line).hexdigest()
    return digest


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
