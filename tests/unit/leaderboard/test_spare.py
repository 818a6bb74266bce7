"""Pages of a site that was replaced are taken up again where they are still what they were, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.leaderboard import spare
from suite.leaderboard.cache import Cache

PAGES = {"results/a.html": "a.own", "results/a/1.html": "b.own", "results/c/1.html": "c.own"}
OTHERS = {"data/a.json": "d.own"}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = Cache(tmp_path / "cache", "code")
    for name in (*PAGES.values(), *OTHERS.values()):
        made.put(name, name.encode())
    return made


def site(cache: Cache, folder: Path, files: dict[str, str]) -> Path:
    """A new site of these files, as a build makes it."""
    folder.mkdir()
    assert all(map(cache.has, files.values()))
    assert list(spare.place(cache, files.items(), folder)) == []
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def inode(path: Path) -> int:
    return path.stat().st_ino


def test_pages_that_stand_are_not_linked_anew_and_others_take_their_place(cache: Cache, tmp_path: Path) -> None:
    old = site(cache, tmp_path / "old", PAGES | OTHERS)
    folder = inode(old / "results" / "a")
    spare.leave(cache, old)
    cache.put("e.own", b"e.own")
    wanted = {**PAGES, **OTHERS, "results/a.html": "e.own", "results/e/1.html": "e.own"}
    del wanted["results/c/1.html"]
    new = site(cache, tmp_path / "new", wanted)
    assert contents(new) == wanted
    assert inode(new / "results" / "a") == folder
    assert not (new / "results" / "c").exists()
    assert (tmp_path / "cache" / "code" / spare.NAME).exists() is False


def edited(page: Path) -> None:
    text = page.read_text()
    page.unlink()
    page.write_text(text)


def linked(page: Path) -> None:
    page.unlink()
    page.symlink_to("/etc/hostname")


def folder(page: Path) -> None:
    page.unlink()
    page.mkdir()


def file(page: Path) -> None:
    page.unlink()
    page.parent.rmdir()
    page.parent.write_text("a file where a folder was")


@pytest.mark.parametrize("change", [Path.unlink, edited, linked, folder, file])
def test_a_page_that_was_touched_is_put_in_its_place_again(
    cache: Cache, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    old = site(cache, tmp_path / "old", PAGES)
    change(old / "results" / "a" / "1.html")
    (old / "results" / "added.html").write_text("added")
    spare.leave(cache, old)
    new = site(cache, tmp_path / "new", PAGES)
    assert contents(new) == PAGES
    assert inode(new / "results" / "a" / "1.html") == cache.inode("b.own")


def test_a_link_in_place_of_the_pages_leads_nowhere(cache: Cache, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own.txt").write_text("somebody's")
    old = tmp_path / "old"
    old.mkdir()
    (old / "results").symlink_to(elsewhere)
    spare.leave(cache, old)
    assert contents(site(cache, tmp_path / "new", PAGES)) == PAGES
    assert contents(elsewhere) == {"own.txt": "somebody's"}


def test_a_blob_that_vanished_is_named(cache: Cache, tmp_path: Path) -> None:
    assert all(map(cache.has, PAGES.values()))
    for blob in (tmp_path / "cache" / "code").glob("b.own.*"):
        blob.unlink()
    assert list(spare.place(cache, PAGES.items(), tmp_path / "new")) == ["b.own"]
