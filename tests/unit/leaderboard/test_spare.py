"""Files of a site that was replaced are taken up again where they are still what they were, and only there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from suite.leaderboard import own, spare
from suite.leaderboard.cache import Cache
from suite.leaderboard.kept import Record
from suite.leaderboard.spare import Spare

FILES = {
    "a": {"results/a.html": "a", "results/a/1.html": "one of a", "data/m/a.json": "{}"},
    "c": {"results/c/1.html": "one of c"},
}
"""Result -> its own files and what stands in them."""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", "code")


@pytest.fixture
def records(cache: Cache) -> list[Record]:
    return [record(cache, name, files) for name, files in FILES.items()]


def record(cache: Cache, name: str, files: Mapping[str, str]) -> Record:
    kept = own.keep(cache, name, ((path, text.encode()) for path, text in files.items()))
    return Record(sha256=name, day=None, findings=(), entry=None, rows=(), files=kept)


def site(cache: Cache, folder: Path, records: list[Record]) -> Path:
    """A new site of these results, as a build makes it."""
    folder.mkdir()
    Spare(cache).place(records, folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def texts(*names: str) -> dict[str, str]:
    return {path: text for name in names for path, text in FILES[name].items()}


def inode(path: Path) -> int:
    return path.stat().st_ino


def test_files_that_stand_are_not_linked_anew_and_others_take_their_place(
    cache: Cache, records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = site(cache, tmp_path / "old", records)
    (old / "data" / "results.csv").write_text("made anew by each build")
    folder = inode(old / "results" / "a")
    spare.leave(cache, old)
    linked: list[str] = []
    monkeypatch.setattr(own, "link", lambda file, target: linked.append(Path(target).name) or os.link(file, target))
    (tmp_path / "cache" / "code" / "spare" / "results" / "e").mkdir()
    made = record(cache, "e", {"results/e/1.html": "one of e"})
    new = site(cache, tmp_path / "new", [records[0], made])
    assert contents(new) == texts("a") | {"results/e/1.html": "one of e"}
    assert linked == ["1.html"]
    assert inode(new / "results" / "a") == folder
    assert not (new / "results" / "c").exists()


def in_place(page: Path) -> None:
    page.write_text(page.read_text() + ".")


def exchanged(page: Path) -> None:
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


@pytest.mark.parametrize("change", [Path.unlink, exchanged, linked, folder, file])
def test_a_page_that_was_exchanged_is_put_in_its_place_again(
    cache: Cache, records: list[Record], tmp_path: Path, change: Callable[[Path], object]
) -> None:
    old = site(cache, tmp_path / "old", records)
    change(old / "results" / "a" / "1.html")
    (old / "results" / "added.html").write_text("added")
    spare.leave(cache, old)
    assert all(map(Spare(cache).holds, records))
    new = site(cache, tmp_path / "new", records)
    assert contents(new) == texts("a", "c")
    assert inode(new / "results" / "a" / "1.html") == inode(tmp_path / "cache" / "code" / "own" / "a" / "1")


def test_a_result_whose_file_was_written_to_does_not_hold(cache: Cache, records: list[Record], tmp_path: Path) -> None:
    old = site(cache, tmp_path / "old", records)
    in_place(old / "results" / "a" / "1.html")
    spare.leave(cache, old)
    assert [Spare(cache).holds(one) for one in records] == [False, True]
    again = record(cache, "a", FILES["a"])
    assert contents(site(cache, tmp_path / "new", [again, records[1]])) == texts("a", "c")


def test_what_the_site_lacks_is_asked_of_the_cache(cache: Cache, records: list[Record]) -> None:
    assert all(map(Spare(cache).holds, records))
    (cache.folder / "own" / "a" / "2").unlink()
    assert [Spare(cache).holds(one) for one in records] == [False, True]
    moved = records[1].files[0]._replace(size=3)
    assert not Spare(cache).holds(replace(records[1], files=(moved,)))


def test_a_link_in_place_of_the_pages_leads_nowhere(cache: Cache, records: list[Record], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "own.txt").write_text("somebody's")
    old = tmp_path / "old"
    old.mkdir()
    (old / "results").symlink_to(elsewhere)
    spare.leave(cache, old)
    assert contents(site(cache, tmp_path / "new", records)) == texts("a", "c")
    assert contents(elsewhere) == {"own.txt": "somebody's"}


def test_folders_of_results_that_are_no_more_are_removed(cache: Cache, records: list[Record]) -> None:
    own.sweep(cache, {"c"})
    assert [folder.name for folder in (cache.folder / "own").iterdir()] == ["c"]
    assert [Spare(cache).holds(one) for one in records] == [False, True]
