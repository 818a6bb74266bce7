"""What an earlier build found out, by content: a file that did not change is neither checked nor rendered again.

A cache is a folder of blobs beside the site, and of the results' own files (`own`). A blob's name ends with its size
and the instant it was last written, so one that was cut short or written to since is not there; pages of the site are
further names of the same blobs (hard links) where the file system can do that. Blobs of other code, rules or templates
lie in folders of other names.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import suite
import workloads

FORMAT = 2
"""Raised when the layout of the folder or of a record changes."""

_RENDERERS = ("jinja2", "markupsafe", "msgspec", "pydantic", "numpy")


def cache_of(out: Path) -> Path:
    """Where the cache of the site `out` lies: beside it, hidden, on the same file system."""
    return out.absolute().with_name(f".{out.absolute().name}-cache")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def key_of(*parts: object) -> str:
    """A name for what is made of these parts; each must have a repr that says all of it."""
    return sha256(repr(parts).encode("utf-8", "surrogatepass"))


def code_version(templates: Path) -> str:
    """One name for everything besides a file that its page depends on: rules, workloads, templates, libraries."""
    packages = [folder for package in (suite, workloads) for folder in map(Path, package.__path__)]
    digest = hashlib.sha256(repr((FORMAT, sys.version, [(name, version(name)) for name in _RENDERERS])).encode())
    for root in (*packages, templates):
        for path in sorted(_sources(root)):
            told = f"{root.name}/{path.relative_to(root).as_posix()}"
            digest.update(f"{told}\0{sha256(path.read_bytes())}\n".encode())
    return digest.hexdigest()[:32]


def _sources(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


class Cache:
    """Blobs by name for one version of the code. A name is a digest with a kind behind a dot."""

    def __init__(self, folder: Path, code: str) -> None:
        self.folder = folder / code
        self.folder.mkdir(parents=True, exist_ok=True)
        self._found: dict[str, str] | None = None  # plain paths: a large site has thousands of pages
        self._used: set[str] = set()

    @property
    def _blobs(self) -> dict[str, str]:
        """The blobs that lay there at the first question, and those put since."""
        if self._found is None:
            entries = (entry for entry in os.scandir(self.folder) if entry.name.count(".") == 3)
            self._found = {entry.name.rsplit(".", 2)[0]: entry.path for entry in entries}
        return self._found

    @property
    def holds_any(self) -> bool:
        """Whether there is any blob: one that an earlier build left, whole or broken off."""
        return bool(self._blobs)

    def look(self) -> None:
        """See again what lies there: other processes add blobs."""
        self._found = None

    def put(self, name: str, data: bytes) -> None:
        """Keep a blob. It is there as a whole or not at all."""
        written = self.folder / f"new-{os.getpid()}"  # if there is one, a build that broke has left it
        with written.open("wb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(data)
            stream.flush()
            blob = self._stamped(name, os.fstat(stream.fileno()))
        written.rename(blob)

    def adopt(self, name: str, written: Path) -> None:
        """Keep a file of the new site as a blob too, by a hard link; where there are none, it is not kept."""
        with suppress(OSError):
            os.link(written, self._stamped(name, written.stat()))

    def _stamped(self, name: str, status: os.stat_result) -> str:
        """Where a blob of this name lies that is of this size and was written at this instant."""
        blob = f"{name}.{status.st_size}.{status.st_mtime_ns}"
        self._used.add(blob)
        if self._found is not None:
            self._found[name] = f"{self.folder}/{blob}"
        return f"{self.folder}/{blob}"

    def has(self, name: str) -> bool:
        """Whether `get` and `place` would find it."""
        return self._whole(name) is not None

    def get(self, name: str) -> bytes | None:
        """A blob's bytes; None where it is absent or not as it was put."""
        blob = self._whole(name)
        return None if blob is None else Path(blob).read_bytes()

    def place(self, name: str, target: Path) -> bool:
        """The blob under another name too, or a copy of it where that cannot be; False where `get` would give None."""
        blob = self._whole(name)
        if blob is None:
            return False
        try:
            link(blob, target)
        except FileExistsError:
            raise
        except OSError:
            shutil.copyfile(blob, target)
        return True

    def reserved(self, name: str) -> Path:
        """A place below this folder for something else than a blob; it is not swept."""
        self._used.add(name)
        return self.folder / name

    def drop(self, name: str) -> None:
        """Remove a blob that is of no use: another may be put under its name."""
        blob = self._blobs.pop(name, None)
        if blob is not None:
            self._used.discard(blob.rpartition("/")[2])
            Path(blob).unlink(missing_ok=True)

    def _whole(self, name: str) -> str | None:
        blob = self._blobs.get(name)
        if blob is None:
            return None
        if not _is_as_put(blob):
            self.drop(name)
            return None
        self._used.add(blob.rpartition("/")[2])
        return blob

    def sweep(self) -> None:
        """Remove the blobs that nobody asked for, those of other code, and what broken builds left behind."""
        with os.scandir(self.folder) as own, os.scandir(self.folder.parent) as others:
            stale = [entry for entry in own if entry.name not in self._used]
            stale += [entry for entry in others if entry.is_dir() and entry.name != self.folder.name]
        for entry in stale:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def link(blob: str, target: str | Path) -> None:
    """The folder is made where it lacks: most blobs go where others went before."""
    try:
        os.link(blob, target)
    except FileNotFoundError:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        os.link(blob, target)


def _is_as_put(blob: str) -> bool:
    """Whether the blob is there and was not written to since."""
    _, size, written_ns = blob.rsplit(".", 2)
    try:
        status = os.lstat(blob)
    except OSError:
        return False
    return (str(status.st_size), str(status.st_mtime_ns)) == (size, written_ns)


@contextmanager
def opened(folder: Path, code: str) -> Iterator[Cache]:
    """The cache in `folder`, for this process and its children alone; a second build waits for the first.

    Stale blobs are dropped when the block ends well, so that what a broken build found out is not lost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cache = Cache(folder, code)
        yield cache
        cache.sweep()
