"""The code of a commit, where the suite itself lies in a checkout that has the commit in its history.

Read from git's objects: nothing is checked out, nothing is fetched, and no file of the commit is run.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from suite.code import ROOMS, ROOT, code_sha256

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

_PLAIN = ("100644 blob", "100755 blob")
"""How git lists plain files: no links, no submodules."""

_OFFLINE = {"GIT_NO_LAZY_FETCH": "1"}
"""A partial clone would fetch what it lacks."""

_WINDOW = ("-c", "core.packedGitWindowSize=16m")
"""A check has little address space, and git would map a gigabyte of it."""

_TIMEOUT_S = 30


@lru_cache(maxsize=256)
def code_at(commit: str, root: Path = ROOT) -> str | None:
    """The hash (`suite.code`) of the program at a commit, by its full id; None where the commit is not known here.

    Known is what a branch or tag of the checkout at `root` reaches: not each object that was fetched into it.
    """
    if not _COMMIT.fullmatch(commit) or commit not in _history(root):
        return None
    listed = _git(root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *ROOMS)
    if listed is None:
        return None
    lines = (line.partition("\t") for line in os.fsdecode(listed).split("\0") if line.startswith(_PLAIN))
    blobs = {path: told.split(" ")[2] for told, _, path in lines}
    held = _git(root, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs.values()))
    return None if held is None else code_sha256(zip(blobs, _contents(held, len(blobs)), strict=True))


@lru_cache(maxsize=16)
def _history(root: Path) -> frozenset[str]:
    """All of it at once: files may name as many commits as there are files."""
    if not (root / ".git").exists():  # an installed copy; what lies around it is another project's
        return frozenset()
    return frozenset((_git(root, "rev-list", "--all") or b"").decode("ascii").split())


def _contents(held: bytes, count: int) -> Iterator[bytes]:
    """Each answer is a line "<id> blob <size>", the bytes, and a line's end."""
    start = 0
    for _ in range(count):
        end = held.index(b"\n", start)
        size = int(held[start:end].split()[-1])
        yield held[end + 1 : end + 1 + size]
        start = end + 1 + size + 1


def _git(root: Path, *arguments: str, given: str = "") -> bytes | None:
    """What git printed; None where there is none, or it could not tell."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # a hook's lead elsewhere
    command = ["git", "-C", str(root), *_WINDOW, *arguments]
    try:
        done = subprocess.run(
            command, input=given.encode(), capture_output=True, env=own | _OFFLINE, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
