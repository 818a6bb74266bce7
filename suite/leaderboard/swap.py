"""Put a new folder where an old one stands, in one step."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MARKER = ".joulemark-site"
"""Only folders with this file in them are ever replaced."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def exchange(one: Path, other: Path) -> bool:
    """Swap two folders' names at once (Linux's renameat2); False where libc or the file system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def refuse_foreign(out: Path) -> None:
    """FileExistsError when `out` holds something that is not a site made here."""
    if out.exists() and not (out / MARKER).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(errno.EEXIST, "not a Joulemark site, so not replaced", str(out))


@contextmanager
def replacing(
    out: Path,
    *,
    within: Path | None = None,
    exchange: Callable[[Path, Path], bool] = exchange,
    leave: Callable[[Path], None] = lambda _: None,
) -> Iterator[Path]:
    """A fresh folder that takes the place of `out` when the block ends well; whatever happens, `out` is whole.

    The fresh folder is made beside `out`, or `within` a folder on the same file system. `leave` may take what it likes
    of the folder that was replaced before the rest is removed.
    FileExistsError when `out` holds something that is not a site made here; OSError where it cannot be written.
    """
    refuse_foreign(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=within or out.parent, prefix=f"{out.name}-"))
    try:
        fresh.chmod(0o755)
        (fresh / MARKER).touch()
        yield fresh
        if not out.exists():
            fresh.rename(out)
        else:
            if not exchange(fresh, out):
                _replace_in_steps(fresh, out)
            leave(fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _replace_in_steps(fresh: Path, out: Path) -> None:
    """Where nothing can exchange two names: for an instant the old site is whole under another name only."""
    old = out.with_name(f"{fresh.name}-old")
    out.rename(old)
    fresh.rename(out)
    old.rename(fresh)
