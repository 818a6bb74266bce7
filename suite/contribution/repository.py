"""A git repository read by its objects: nothing is checked out, and no hook, filter or attribute of it is obeyed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from suite.contribution.changes import Change, parse

AT_ONCE = 50
"""Blobs held in memory at a time."""

_NO_RENAMES = ("-c", "merge.renames=false", "-c", "merge.directoryRenames=false")
"""A path stays a path: what looks like a renamed folder must not move anybody's file."""

_OF_ANOTHER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Variables by which a hook would lead git to another repository than the one that is named."""


class NoRepository(Exception):
    """Not a repository, or not a commit of it. The message says which."""


class OldGit(Exception):
    """The git here cannot merge without a work tree."""


_USAGE = 129
"""git's exit code for a command or an option that it does not know."""


class Repository:
    """The repository in `folder`. Whatever git refuses to tell is NoRepository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def commit(self, name: str) -> str:
        """The full id of the commit of this name."""
        return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", of=name).strip()

    def merged(self, base: str, head: str) -> str | None:
        """The tree that merging `head` into `base` would make; None where they conflict or share no history. OldGit.

        That tree, and not a difference to where their histories parted: with two such points a removal shows in
        neither one's difference alone.
        """
        done = self._run(*_NO_RENAMES, "merge-tree", "--write-tree", "--no-messages", base, head)
        if done.returncode == _USAGE:
            raise OldGit(self._git("version", of="git").strip())
        return done.stdout.split(b"\n")[0].decode() if done.returncode == 0 else None

    def changes(self, base: str, tree: str) -> tuple[Change, ...]:
        """Every path that differs between two trees."""
        done = self._run("diff-tree", "--raw", "-r", "-z", "--no-renames", "--no-abbrev", base, tree)
        return parse(self._whole(done, base))

    def files(self, commit: str, below: str) -> dict[str, str]:
        """The plain files below a folder: path -> blob."""
        told = self._git("ls-tree", "-r", "-z", commit, "--", below, of=commit)
        lines = (line.partition("\t") for line in told.split("\0") if line.startswith("100644 blob "))
        return {path: head.split(" ")[2] for head, _, path in lines}

    def sizes(self, blobs: Sequence[str]) -> dict[str, int]:
        """The sizes of blobs in bytes; what they hold is not read."""
        told = self._git("cat-file", "--batch-check=%(objectsize)", of="a blob", given="\n".join([*blobs, ""]))
        return {blob: int(size) for blob, size in zip(blobs, told.split(), strict=True)}

    def extract(self, files: Mapping[str, str], root: Path) -> list[Path]:
        """Write blobs to their paths below `root`. The paths must be safe: ones that were matched whole."""
        placed = []
        for path, data in zip(files, self._contents(list(files.values())), strict=True):
            placed.append(root / path)
            placed[-1].parent.mkdir(parents=True, exist_ok=True)
            placed[-1].write_bytes(data)
        return placed

    def read(self, blob: str) -> bytes:
        """What a blob holds."""
        return next(self._contents([blob]))

    def _contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        """Each answer is a line "<id> blob <size>", the bytes, and a line's end."""
        for start in range(0, len(blobs), AT_ONCE):
            some = blobs[start : start + AT_ONCE]
            told = self._whole(self._run("cat-file", "--batch", given="\n".join([*some, ""])), "a blob")
            for _ in some:
                head, _, rest = told.partition(b"\n")
                size = int(head.split()[-1])
                yield rest[:size]
                told = rest[size + 1 :]

    def _git(self, *arguments: str, of: str, given: str = "") -> str:
        return self._whole(self._run(*arguments, given=given), of).decode("utf-8", "surrogateescape")

    def _whole(self, done: subprocess.CompletedProcess[bytes], of: str) -> bytes:
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").splitlines()
            raise NoRepository(said[0] if said else f"{of} is no commit of {self._folder}")
        return done.stdout

    def _run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(self._folder), *arguments]
        own = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER}
        try:
            return subprocess.run(command, input=given.encode(), capture_output=True, env=own, check=False)
        except FileNotFoundError as problem:
            raise NoRepository("git is not installed") from problem
