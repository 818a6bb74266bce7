"""A site built from what an earlier build found out is the site built from nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import Built, build
from suite.leaderboard.cache import Cache, cache_of, code_version, sha256
from suite.leaderboard.kept import Record, packed, unpacked
from suite.leaderboard.reading import Reader
from suite.leaderboard.workers import FEW_FILES, Limits, read
from suite.record import Result

ROOT = Path(__file__).parents[3]
NAME = "0" * 64 + ".page"
Build = Callable[[], Built]


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def inodes(out: Path) -> dict[str, int]:
    return {path.relative_to(out).as_posix(): path.stat().st_ino for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def three(synthetic: ModuleType) -> list[Result]:
    """Results of a simulated machine, small and quickly read."""
    (index,) = [number for number, machine in enumerate(synthetic.MACHINES) if machine.backend == "simulated"]
    return [synthetic.result(index + turn * len(synthetic.MACHINES), 1) for turn in range(3)]


@pytest.fixture
def source(three: list[Result], synthetic: ModuleType, tmp_path: Path) -> Path:
    """Three results and a damaged file."""
    folder = tmp_path / "results"
    folder.mkdir()
    for number, result in enumerate(three):
        (folder / f"{number}.json").write_bytes(synthetic.dumps(result))
    (folder / "damaged.json").write_text("{")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def make(source: Path, site: Path, out: Path) -> Build:
    return lambda: build(source, site, out, Limits(processes=1))


def from_nothing(source: Path, site: Path, tmp_path: Path) -> dict[str, bytes]:
    build(source, site, tmp_path / "afresh", Limits(processes=1))
    return contents(tmp_path / "afresh")


def blobs(out: Path, kind: str) -> list[Path]:
    return sorted(path for path in cache_of(out).glob("*/*") if f".{kind}." in path.name)


def records(out: Path) -> list[Record]:
    """All that lie on the shelves."""
    return [one for blob in blobs(out, "records") for one in unpacked(blob.read_bytes())]


def overwrite(blob: Path, data: bytes) -> None:
    """As a broken disk would: the file system's own account of the file stays as it was."""
    status = blob.stat()
    blob.write_bytes(data)
    os.utime(blob, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_second_build_reads_no_file_again_and_gives_the_same_bytes(make: Build, out: Path) -> None:
    first, before = make(), contents(out)
    second = make()
    assert (first.files, first.cached, second.cached) == (4, 0, 4)
    assert contents(out) == before
    assert (second.pages, second.rows, len(second.skipped)) == (first.pages, first.rows, 1)


def test_what_did_not_change_is_not_written_again(make: Build, out: Path, source: Path, three: list[Result]) -> None:
    make()
    before = inodes(out)
    (source / "damaged.json").unlink()
    make()
    kept = {name for name, inode in inodes(out).items() if before.get(name) == inode}
    own = {
        name
        for one in three
        for end in (".html", "/1.html", "/1.svg")
        for name in (f"results/{one.id}{end}", f"data/{one.system.slug}/{one.file_name}")
    }
    assert own <= kept
    assert {name for name in before if name.startswith(("boards/", "systems/"))} <= kept
    assert {"methodology.html", "data.html"} <= kept
    assert "excluded.html" not in kept


def test_a_file_that_is_added_or_changed_or_removed_leaves_the_site_as_if_built_from_nothing(
    make: Build, source: Path, site: Path, out: Path, tmp_path: Path, synthetic: ModuleType, three: list[Result]
) -> None:
    held_back = (source / "2.json").read_bytes()
    (source / "2.json").unlink()
    make()
    for step in ("added", "changed", "removed"):
        if step == "added":
            (source / "2.json").write_bytes(held_back)
        elif step == "changed":
            changed = synthetic.sealed(three[2].model_copy(update={"date": "2026-11-01"}))
            (source / "2.json").write_bytes(synthetic.dumps(changed))
        else:
            (source / "0.json").unlink()
        made = make()
        assert made.cached == made.files - (step != "removed"), step
        assert contents(out) == from_nothing(source, site, tmp_path), step
        files = {sha256(path.read_bytes()) for path in source.iterdir()}
        assert {one.sha256 for one in records(out)} == files, step
        assert {folder.name for folder in cache_of(out).glob("*/own/*")} <= files, step
        assert not blobs(out, "record"), step


def test_a_result_of_another_machine_leaves_the_site_as_if_built_from_nothing(
    make: Build, source: Path, site: Path, out: Path, tmp_path: Path, synthetic: ModuleType, three: list[Result]
) -> None:
    make()
    system = three[2].system.model_copy(update={"slug": "another", "name": "Another"})
    other = synthetic.sealed(three[2].model_copy(update={"system": system, "journal_sha256": "ab" * 32}))
    (source / "other.json").write_bytes(synthetic.dumps(other))
    make()
    assert contents(out) == from_nothing(source, site, tmp_path)


def test_a_changed_template_makes_every_page_again(source: Path, site: Path, out: Path, tmp_path: Path) -> None:
    own = tmp_path / "site"
    shutil.copytree(site, own)
    build(source, own, out, Limits(processes=1))
    template = own / "templates" / "result.html"
    template.write_text(template.read_text().replace("<h2>Machine</h2>", "<h2>Computer</h2>"))
    assert build(source, own, out, Limits(processes=1)).cached == 0
    assert all("<h2>Computer</h2>" in page.read_text() for page in (out / "results").glob("*.html"))


def test_a_changed_rule_or_workload_or_template_is_another_code(site: Path, tmp_path: Path) -> None:
    before = code_version(site / "templates")
    shutil.copytree(site / "templates", tmp_path / "templates")
    assert code_version(tmp_path / "templates") == before
    (tmp_path / "templates" / "404.html").write_text("other")
    assert code_version(tmp_path / "templates") != before
    for package in ("suite", "workloads"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    told = "from pathlib import Path\nfrom suite.leaderboard.cache import code_version\nprint(code_version(Path('{}')))"
    command = [sys.executable, "-c", told.format(site / "templates")]

    def version() -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout.strip()

    seen = [version()]
    for source in ("suite/check/rules.py", "suite/check/devices.toml", "workloads/gpt/__init__.py"):
        with (tmp_path / source).open("a") as stream:
            stream.write("\n")
        seen.append(version())
    assert seen[0] == before
    assert len(set(seen)) == len(seen)


def test_what_other_code_found_out_is_not_used_and_does_not_stay(make: Build, out: Path) -> None:
    make()
    (folder,) = [path for path in cache_of(out).iterdir() if path.is_dir()]
    folder.rename(folder.with_name("f" * 32))
    assert make().cached == 0
    assert [path.name for path in cache_of(out).iterdir() if path.is_dir()] == [folder.name]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 40, None], ids=["empty", "foreign", "garbage", "half"])
def test_a_damaged_record_is_made_again(make: Build, out: Path, damage: bytes | None) -> None:
    make()
    before = contents(out)
    for blob in blobs(out, "records"):
        whole = blob.read_bytes()
        overwrite(blob, (whole[: len(whole) // 2] if damage is None else damage).ljust(len(whole)))
    assert make().cached == 0
    assert contents(out) == before
    assert make().cached == 4


def test_a_record_of_another_file_is_not_taken_for_a_files_own(make: Build, out: Path) -> None:
    make()
    before = contents(out)
    first, second, *_ = sorted((one for one in records(out) if one.entry), key=lambda one: one.sha256)
    for blob in blobs(out, "records"):
        if first in unpacked(blob.read_bytes()):
            Cache(cache_of(out), blob.parent.name).put(blob.name.rsplit(".", 2)[0], packed((second,)))
            blob.unlink()
    assert make().cached == 3
    assert contents(out) == before


def test_a_page_of_the_site_that_somebody_edited_is_made_again(make: Build, out: Path, three: list[Result]) -> None:
    make()
    before = contents(out)
    with (out / "results" / f"{three[0].id}.html").open("a") as stream:
        stream.write("<p>edited</p>")
    with (out / "data" / three[1].system.slug / three[1].file_name).open("a") as stream:
        stream.write(" ")
    board = next((out / "boards").rglob("*.html"))
    board.write_text("edited")
    assert make().cached == 2
    assert contents(out) == before


def test_a_refused_file_is_remembered_as_refused_and_listed_again(make: Build, out: Path) -> None:
    first, second = make(), make()
    assert second.cached == second.files
    assert [one.findings for one in second.skipped] == [one.findings for one in first.skipped]
    assert second.skipped[0].path.name == "damaged.json"
    assert "damaged.json" in (out / "excluded.html").read_text()


def test_a_refusal_for_its_date_is_asked_about_again_on_another_day(
    make: Build, source: Path, out: Path, synthetic: ModuleType, three: list[Result], site: Path
) -> None:
    early = synthetic.sealed(three[0].model_copy(update={"date": "9999-01-01"}))
    (source / "early.json").write_bytes(synthetic.dumps(early))
    assert [one.findings[0].rule for one in make().skipped] == ["json", "date"]
    (blob,) = [one for one in blobs(out, "records") if any(record.day for record in unpacked(one.read_bytes()))]
    today = date.today().isoformat()
    assert today in {record.day for record in unpacked(blob.read_bytes())}
    overwrite(blob, blob.read_bytes().replace(today.encode(), b"2026-01-01"))
    assert make().cached == 4
    assert make().cached == 5


def test_of_thousands_of_findings_a_few_are_kept_and_the_rest_are_counted(
    make: Build, source: Path, synthetic: ModuleType, three: list[Result]
) -> None:
    cell = three[0].cells[0].model_copy(update={"attempts": ()})
    empty = synthetic.sealed(three[0].model_copy(update={"cells": (cell,) * 100}))
    (source / "empty.json").write_bytes(synthetic.dumps(empty))
    (found,) = [one.findings for one in make().skipped if one.path.name == "empty.json"]
    assert len(found) == 21
    assert "findings in all" in found[-1].message


STEPS = ("_found", "boards_of", "write_site", "tell", "write_rows")


@pytest.mark.parametrize("step", STEPS)
def test_a_build_that_breaks_at_any_step_leaves_the_old_site_and_nothing_else(
    make: Build, source: Path, site: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    make()
    before = contents(out)
    (source / "0.json").unlink()

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    module = sys.modules["suite.leaderboard.build"]
    with monkeypatch.context() as patched:
        patched.setattr(module, step, broken)
        with pytest.raises(KeyboardInterrupt):
            make()
    assert contents(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out-cache", "out", "results"]
    make()
    assert contents(out) == from_nothing(source, site, tmp_path)


@pytest.mark.parametrize("moment", ["*/*.record.*", "out-*/static", "out-*/index.html"])
def test_a_build_killed_at_work_leaves_the_old_site_and_the_next_one_cleans_up(
    make: Build, source: Path, site: Path, out: Path, tmp_path: Path, results: Path, moment: str
) -> None:
    make()
    before, known = contents(out), set(cache_of(out).glob(moment))
    shutil.copytree(results, source / "more")
    command = [sys.executable, "-m", "suite", "site", "--results", str(source), "--site", str(site), "--out", str(out)]
    killed = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while not set(cache_of(out).glob(moment)) - known and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert contents(out) == before
    make()
    assert contents(out) == from_nothing(source, site, tmp_path)
    assert not list(cache_of(out).glob("out-*"))
    assert not list(cache_of(out).glob("*/new-*"))


def test_the_number_of_processes_changes_no_byte(results: Path, site: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "results")
    for number in range(FEW_FILES):
        (tmp_path / "results" / f"damaged-{number}.json").write_text("{" * (number + 1))
    one = build(tmp_path / "results", site, tmp_path / "one", Limits(processes=1))
    two = build(tmp_path / "results", site, tmp_path / "two", Limits(processes=2))
    assert len(one.skipped) == len(two.skipped) == FEW_FILES
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


FATAL = """
import os, signal

class Fatal:
    def __call__(self, path):
        while path.name == "slow":
            pass
        if path.name == "fatal":
            os.kill(os.getpid(), signal.SIGKILL)
        return "digest"
"""


def test_a_file_that_ends_or_holds_up_its_process_is_refused_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fatal_reader.py").write_text(FATAL)
    monkeypatch.syspath_prepend(tmp_path)
    reader: Any = __import__("fatal_reader").Fatal()
    paths = [Path(name) for name in ("slow", *map(str, range(FEW_FILES)), "fatal", "last")]
    found = dict(read(paths, reader, Limits(processes=2, processor_s=0.5)))
    assert set(found) == set(paths)
    refused = {path.name: one for path, one in found.items() if one != "digest"}
    assert {name: one[0].rule for name, one in refused.items() if isinstance(one, tuple)} == {
        "slow": "file-fatal",
        "fatal": "file-fatal",
    }


def test_a_file_that_takes_all_memory_is_refused(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise MemoryError

    monkeypatch.setattr(Reader, "_keep", full)
    (tmp_path / "a.json").write_text("{}")
    found = Reader(tmp_path, "code", site / "templates")(tmp_path / "a.json")
    assert isinstance(found, tuple)
    assert found[0].rule == "file-fatal"


def test_a_blob_that_was_cut_short_or_written_to_is_not_there(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "code")
    for change in ("ab", "abcd", "xyz"):
        cache.put(NAME, b"abc")
        assert cache.get(NAME) == b"abc"
        (blob,) = (tmp_path / "code").iterdir()
        blob.write_text(change)
        os.utime(blob, ns=(0, 0))
        assert cache.get(NAME) is None, change
        assert not cache.place(NAME, tmp_path / "elsewhere")


def test_a_blob_is_placed_as_a_copy_where_it_cannot_be_linked(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system to write to")
    cache = Cache(tmp_path, "code")
    cache.put(NAME, b"abc")
    target = other / f"joulemark-{os.getpid()}"
    try:
        assert cache.place(NAME, target)
        assert target.read_bytes() == b"abc"
    finally:
        target.unlink(missing_ok=True)


def test_a_second_build_at_the_same_time_waits_for_the_first(source: Path, site: Path, out: Path) -> None:
    command = [sys.executable, "-m", "suite", "site", "--results", str(source), "--site", str(site), "--out", str(out)]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = sorted(one.communicate()[1].split("rows from ")[1].split(" unchanged")[0] for one in both)
    assert told == ["4 files, 0 of them", "4 files, 4 of them"]


def test_the_command_ends_with_5_where_files_are_refused_and_with_0_if_it_shall_keep_going(
    source: Path, site: Path, out: Path
) -> None:
    command = [sys.executable, "-m", "suite", "site", "--results", str(source), "--site", str(site), "--out", str(out)]
    for more, code in (([], 5), (["--keep-going"], 0)):
        done = subprocess.run([*command, *more], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == code
        assert "damaged.json: json: not JSON" in done.stderr
        assert "4 files" in done.stderr
        assert "1 refused" in done.stderr
        assert (out / "index.html").is_file()
    (source / "damaged.json").unlink()
    assert subprocess.run(command, capture_output=True, cwd=ROOT).returncode == 0
