"""A file that did not change is not read again, and one that may have changed is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.leaderboard.cache import sha256
from suite.leaderboard.seen import NAME, RACY_NS, Seen
from suite.leaderboard.workers import digests


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.json"
    path.write_bytes(b"before")
    return path


def kept(folder: Path, path: Path) -> str | None:
    """What a next build knows of the file without reading it."""
    return Seen(folder, time.time_ns(), [path]).digest(path)


def look(folder: Path, path: Path, *, later_ns: int = 2 * RACY_NS) -> None:
    """As a build does that begins so much later."""
    known = Seen(folder, time.time_ns() + later_ns, [path])
    assert dict(digests([path], "", known)) == {path: sha256(path.read_bytes())}
    known.keep(path, sha256(path.read_bytes()))
    known.save()


def test_a_file_is_known_by_what_the_file_system_says_of_it(file: Path, tmp_path: Path) -> None:
    assert kept(tmp_path, file) is None
    look(tmp_path, file)
    assert kept(tmp_path, file) == sha256(b"before")
    look(tmp_path, file)
    assert kept(tmp_path, file) == sha256(b"before")


def rewritten(path: Path) -> None:
    """The same size and instant of its content; the file system's own instant tells."""
    status = path.stat()
    path.write_bytes(b"behind")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def exchanged(path: Path) -> None:
    other = path.with_name("b.json")
    other.write_bytes(b"behind")
    other.replace(path)


def signed(path: Path) -> None:
    path.with_name("a.json.sig").write_text("a signature")


def linked(path: Path) -> None:
    path.rename(path.with_name("b.json"))
    path.symlink_to("b.json")


@pytest.mark.parametrize("change", [rewritten, exchanged, signed, linked, Path.unlink])
def test_a_file_that_was_changed_in_any_way_is_read_again(
    file: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    look(tmp_path, file)
    time.sleep(0.02)  # file systems tell instants by the tick of their kernel
    change(file)
    assert kept(tmp_path, file) is None


def test_a_file_that_was_touched_just_before_it_was_read_is_read_again(file: Path, tmp_path: Path) -> None:
    look(tmp_path, file, later_ns=0)
    assert kept(tmp_path, file) is None


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff\n{}"])
def test_a_damaged_list_is_no_list(file: Path, tmp_path: Path, damage: bytes) -> None:
    look(tmp_path, file)
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[:-3] if damage == b"x" else damage)
    assert kept(tmp_path, file) is None
    look(tmp_path, file)
    assert kept(tmp_path, file) is not None


def test_files_that_are_no_more_are_forgotten(file: Path, tmp_path: Path) -> None:
    look(tmp_path, file)
    known = Seen(tmp_path, time.time_ns(), [])
    assert not dict(digests([], "", known))
    known.save()
    assert kept(tmp_path, file) is None
