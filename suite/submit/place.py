"""A result and its signature in the folder of results: both whole, or neither the result nor a part of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from suite import exits
from suite.record import Result, write_atomically
from suite.signatures import signature_path
from suite.submit import Stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A result that passed its check, its file's bytes, and their detached signature, None where it has none."""

    result: Result
    data: bytes
    signature: bytes | None

    @property
    def branch(self) -> str:
        return f"result-{self.result.id}"

    @property
    def title(self) -> str:
        return f"Result: {self.result.system.slug} {self.result.date}"

    def signed(self, signature: bytes | None) -> Submission:
        return replace(self, signature=signature)

    def files(self, results: Path) -> dict[Path, bytes]:
        """Where each file belongs below `results`; the signature first."""
        target = results / self.result.system.slug / self.result.file_name
        signed = {} if self.signature is None else {signature_path(target): self.signature}
        return {**signed, target: self.data}


def look(submission: Submission, results: Path, *, signing: bool = False) -> None:
    """Stopped where something else stands in a file's place, before anything is written."""
    *_, target = submission.files(results)
    signature = signature_path(target)
    try:
        standing = next(folder for folder in target.parents if os.path.lexists(folder))
        if not standing.is_dir():
            told = "it is no folder. Name another folder by --results"
            raise Stopped(exits.CANNOT_WRITE, f"Cannot write below {standing}: {told}.")
        for path in (signature, target):
            if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
                raise Stopped(exits.CANNOT_WRITE, f"Cannot write {path}: it is no plain file. Remove it.")
        if target.exists() and target.read_bytes() != submission.data:
            told = f"{target} holds another file of this result. Results are only ever added: remove one of the two"
            raise Stopped(exits.CHECK_FAILED, f"Cannot place it: {told}.")
        if submission.signature is None and not signing and os.path.lexists(signature):
            told = f"{signature} lies there and does not belong to what you submit. Remove it, or use --sign KEY"
            raise Stopped(exits.CHECK_FAILED, f"Cannot place it: {told}.")
    except OSError as problem:
        raise _unwritten(target, problem) from problem


def place(submission: Submission, results: Path) -> tuple[Path, ...]:
    """Write what is not there yet, and give the places of all. Stopped where it cannot be: then no result was placed.

    The signature goes first: without its file it means nothing and harms nothing, and the next try replaces it.
    """
    look(submission, results)
    files = submission.files(results)
    for path, data in files.items():
        try:
            _sweep(path)
            if not path.exists() or path.read_bytes() != data:
                write_atomically(path, data)
        except OSError as problem:
            raise _unwritten(path, problem) from problem
    return tuple(reversed(files))


def _sweep(path: Path) -> None:
    """Remove what a try that was killed left of this file: nobody else ever writes it."""
    for torn in path.parent.glob(f".{path.name}.*"):
        torn.unlink(missing_ok=True)


def _unwritten(path: Path, problem: OSError) -> Stopped:
    told = f"Cannot write {path}: {problem.strerror}. Make room and rights there, or name another folder by --results."
    if os.path.lexists(signature_path(path)):
        told += f" Its signature lies there alone, which harms nothing: {signature_path(path)}."
    return Stopped(exits.CANNOT_WRITE, told)
