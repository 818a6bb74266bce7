"""A submission is placed whole or not at all, and never over another."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from suite import exits
from suite.record import Result
from suite.submit import Stopped
from suite.submit.place import Submission, place


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def names(result: Result) -> set[str]:
    return {f"{result.system.slug}/{result.file_name}", f"{result.system.slug}/{result.file_name}.sig"}


def test_the_file_and_its_signature_lie_side_by_side(tmp_path: Path, submission: Submission) -> None:
    placed = place(submission.signed(b"signature"), tmp_path)
    assert [path.suffix for path in placed] == [".json", ".sig"]
    assert [path.read_bytes() for path in placed] == [submission.data, b"signature"]
    assert everything(tmp_path) == names(submission.result)


def test_a_file_in_its_place_stays_as_it_is(tmp_path: Path, submission: Submission) -> None:
    (first,) = place(submission, tmp_path)
    before = first.stat()
    assert place(submission, tmp_path) == (first,)
    assert (first.stat().st_ino, first.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.fault("submit killed while it wrote a file", "hidden remains, removed by the next try")
def test_what_a_killed_try_left_is_removed_by_the_next(tmp_path: Path, submission: Submission) -> None:
    (first,) = submission.files(tmp_path)
    first.parent.mkdir()
    (first.parent / f".{first.name}.abc123").write_bytes(submission.data[:100])
    (first.parent / ".another.json.abc123").write_bytes(b"of another")
    place(submission, tmp_path)
    assert sorted(path.name for path in first.parent.iterdir()) == [".another.json.abc123", first.name]


def test_another_signature_takes_the_place_of_the_first(tmp_path: Path, submission: Submission) -> None:
    place(submission.signed(b"first"), tmp_path)
    _, signature = place(submission.signed(b"second"), tmp_path)
    assert signature.read_bytes() == b"second"


def stopped(submission: Submission, results: Path) -> Stopped:
    with pytest.raises(Stopped) as found:
        place(submission, results)
    assert "\n" not in str(found.value)
    return found.value


def test_another_file_of_the_same_name_is_never_overwritten(tmp_path: Path, submission: Submission) -> None:
    (first,) = place(submission, tmp_path)
    found = stopped(replace(submission, data=submission.data + b"\n", signature=b"signature"), tmp_path)
    assert (found.code, "only ever added" in str(found)) == (exits.CHECK_FAILED, True)
    assert first.read_bytes() == submission.data
    assert everything(tmp_path) == {f"{submission.result.system.slug}/{submission.result.file_name}"}


def test_a_signature_that_nobody_submits_is_not_taken_along(tmp_path: Path, submission: Submission) -> None:
    (first,) = place(submission, tmp_path)
    Path(f"{first}.sig").write_bytes(b"whose is it?")
    found = stopped(submission, tmp_path)
    assert (found.code, "--sign KEY" in str(found)) == (exits.CHECK_FAILED, True)


@pytest.mark.parametrize("where", ["the results", "the machine's folder", "the file", "the signature"])
def test_what_stands_in_the_way_is_named_and_nothing_is_written(
    tmp_path: Path, submission: Submission, where: str
) -> None:
    results = tmp_path / "results"
    target = results / submission.result.system.slug / submission.result.file_name
    obstacle = {
        "the results": results,
        "the machine's folder": target.parent,
        "the file": target / "folder",
        "the signature": Path(f"{target}.sig", "folder"),
    }[where]
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.write_text("in the way")
    found = stopped(submission.signed(b"signature"), results)
    assert found.code == exits.CANNOT_WRITE
    assert f"Cannot write {'' if 'folder' in obstacle.name else 'below '}" in str(found)
    assert everything(tmp_path) == {str(obstacle.relative_to(tmp_path))}


def test_a_link_in_a_files_place_is_not_followed(tmp_path: Path, submission: Submission) -> None:
    target = tmp_path / submission.result.system.slug / submission.result.file_name
    target.parent.mkdir()
    target.symlink_to(tmp_path / "elsewhere")
    assert stopped(submission, tmp_path).code == exits.CANNOT_WRITE
    assert not (tmp_path / "elsewhere").exists()


def test_a_device_without_room_leaves_a_signature_at_most_and_says_so(
    tmp_path: Path, submission: Submission, disk_full: Callable[[int], AbstractContextManager[None]]
) -> None:
    with disk_full(1000):
        found = stopped(submission.signed(b"signature"), tmp_path)
    (signature,) = everything(tmp_path)
    assert signature.endswith(".sig")
    assert (found.code, "harms nothing" in str(found)) == (exits.CANNOT_WRITE, True)
    place(submission.signed(b"another"), tmp_path)
    assert everything(tmp_path) == names(submission.result)


def test_a_folder_whose_name_no_system_bears_is_one_line(tmp_path: Path, submission: Submission) -> None:
    assert stopped(submission, tmp_path / ("x" * 300)).code == exits.CANNOT_WRITE
