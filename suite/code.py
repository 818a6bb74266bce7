"""One name for the code that runs: a hash over every file of the program.

A commit and the word "modified" are what git says of a checkout; this is what lies on the disk. It says which code a
result claims to come from, not that this code ran: like every word of a file it can be made up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
"""Where the three rooms of the program lie: a checkout, or the folder that it was installed to."""

ROOMS = ("suite", "backends", "workloads")

KINDS = frozenset({".py", ".toml", ".json"})
"""Code, and the tables it reads. What else may lie there (bytecode, notes) is no part of the program."""


def is_code(path: str) -> bool:
    """Whether a plain file at this path, from the root and with forward slashes, is part of the program."""
    place = PurePosixPath(path)
    apart = any(part.startswith(".") or part == "__pycache__" for part in place.parts)
    return place.parts[0] in ROOMS and place.suffix in KINDS and not apart


def code_sha256(files: Iterable[tuple[str, bytes]]) -> str:
    """The hash of files given in any order as (path, bytes), without those for which `is_code` does not hold. Pure.

    SHA-256, in hexadecimal, over the files in the order of their paths in UTF-8: of each its path, a NUL, the number of
    its bytes in decimal, a NUL, and its bytes. So a checkout and a copy that was installed from it agree.
    """
    digest = hashlib.sha256()
    named = ((path.encode("utf-8", "surrogateescape"), data) for path, data in files if is_code(path))
    for path, data in sorted(named):
        digest.update(b"%b\0%d\0%b" % (path, len(data), data))
    return digest.hexdigest()


def code_here(root: Path = ROOT) -> str:
    """The hash of the program that lies below `root`, read now. OSError where a file cannot be read.

    A file counts whether git tracks it or not: Python would import it. A link does not: git keeps where it leads only.
    """
    return code_sha256(_files(root))


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for room in ROOMS:
        for path in (root / room).rglob("*"):
            name = path.relative_to(root).as_posix()
            if is_code(name) and path.is_file() and not path.is_symlink():
                yield name, path.read_bytes()
