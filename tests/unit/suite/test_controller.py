"""One run, one file: what an interrupted session wrote gives way to what its continuation writes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from suite.controller import is_over, remove_earlier, write_result
from suite.identity import sealed
from suite.journal import Journal
from suite.record import Result, dumps
from suite.signatures import signature_path


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.append("begin")
        yield journal


@pytest.fixture(scope="module")
def base(synthetic: ModuleType) -> Result:
    made: Result = synthetic.result(7, 1)
    return made


def written(base: Result, journal: Journal, results: Path) -> Path:
    """What a session writes at its end, as `run` does."""
    path = write_result(sealed(base.model_copy(update={"journal_sha256": journal.sha256})), results)
    remove_earlier(path, journal.events)
    journal.append("written")
    return path


def test_a_continued_run_leaves_one_file_under_the_id_of_its_last_content(
    journal: Journal, base: Result, tmp_path: Path
) -> None:
    first = written(base, journal, tmp_path)
    journal.append("tried")
    second = written(base, journal, tmp_path)
    journal.append("tried")
    third = written(base, journal, tmp_path)
    assert len({first, second, third}) == 3
    assert list(tmp_path.glob("*/*.json")) == [third]


def test_a_run_killed_before_it_noted_that_it_had_written_leaves_one_file_too(
    journal: Journal, base: Result, tmp_path: Path
) -> None:
    journal.append("end")
    write_result(sealed(base.model_copy(update={"journal_sha256": journal.sha256})), tmp_path)
    assert not is_over(journal.events)
    journal.append("end")
    last = written(base, journal, tmp_path)
    assert list(tmp_path.glob("*/*.json")) == [last]
    assert is_over(journal.events)


def test_the_signature_of_an_interrupted_runs_file_goes_with_it_and_no_other(
    journal: Journal, base: Result, tmp_path: Path
) -> None:
    first = written(base, journal, tmp_path)
    signature_path(first).write_bytes(b"of the first file")
    other = first.with_name("other.json.sig")
    other.write_bytes(b"of another's file")
    journal.append("tried")
    second = written(base, journal, tmp_path)
    assert sorted(path.name for path in first.parent.iterdir()) == sorted([second.name, other.name])


def test_files_of_other_runs_and_of_strangers_stay(journal: Journal, base: Result, tmp_path: Path) -> None:
    folder = tmp_path / base.system.slug
    folder.mkdir()
    others = {
        "other.json": dumps(base),
        "begin.json": dumps(sealed(base.model_copy(update={"journal_sha256": "0" * 64}))),
        "empty.json": b"",
        "laid-out.json": dumps(base).replace(b",", b",\n"),
    }
    for name, data in others.items():
        (folder / name).write_bytes(data)
    (folder / "gone.json").symlink_to("nowhere")
    journal.append("tried")
    mine = written(base, journal, tmp_path)
    assert {path.name for path in folder.iterdir()} == {*others, "gone.json", mine.name}


def test_an_interrupted_run_is_not_over_and_one_that_ended_is() -> None:
    def events(*kinds: str) -> list[dict[str, str]]:
        return [{"kind": kind} for kind in kinds]

    assert not is_over(events())
    assert not is_over(events("begin", "memory", "written"))
    assert not is_over(events("begin", "memory", "end"))
    assert not is_over(events("begin", "memory", "end", "memory"))
    assert is_over(events("begin", "memory", "end", "written"))
