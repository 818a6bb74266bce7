"""One run, one file: what an interrupted session wrote gives way to what its continuation writes, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from suite import controller, exits
from suite import run as command
from suite.check.rules import PLAUSIBILITY
from suite.controller import REFUSED, Outcome, Unacceptable, is_over, remove_earlier, run, write_result
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


Carry = Callable[[Result], tuple[Outcome, int]]


@pytest.fixture
def carry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Carry:
    """carry(result) -> how the same run ends with this result each time, and how many events it began with."""
    job: Any = SimpleNamespace(
        folder=tmp_path / "results" / ".runs" / "one", results=tmp_path / "results", backend="none", device=0, meters=()
    )
    begun = []

    class Recorder:
        meters = ()
        peak_memory_bytes = 0

        def __init__(self, *_: object) -> None: ...

        def close(self) -> None: ...

    class Session:
        def __init__(self, _: object, journal: Journal, *__: object) -> None:
            begun.append(len(journal.events))
            journal.append("begin")

        def carry_out(self) -> None: ...

        def join_logs(self) -> None: ...

    def once(result: Result) -> tuple[Outcome, int]:
        def assembled(_: object, digest: str) -> Result:
            return sealed(result.model_copy(update={"journal_sha256": digest}))

        monkeypatch.setattr(controller, "assemble", assembled)
        outcome = run(job, None, fresh=False, started_s=0.0)  # type: ignore[arg-type]
        return outcome, begun[-1]

    monkeypatch.setattr(controller, "Recorder", Recorder)
    monkeypatch.setattr(controller, "Session", Session)
    monkeypatch.setattr(controller, "begin_of", lambda _: SimpleNamespace(meters=()))
    return once


def test_a_run_by_a_wrong_clock_is_written_and_the_same_command_begins_anew(carry: Carry, base: Result) -> None:
    for _ in range(2):
        outcome, events = carry(base.model_copy(update={"date": "1970-01-01"}))
        assert {finding.rule for finding in outcome.doubts} == {"date"}
        assert outcome.path is not None
        assert outcome.path.exists()
        assert events == 0
    assert not carry(base)[0].doubts


def test_a_result_that_only_a_defect_can_make_is_not_written_and_the_same_command_begins_anew(
    carry: Carry, base: Result, tmp_path: Path
) -> None:
    with pytest.raises(Unacceptable, match="cell-twice"):
        carry(base.model_copy(update={"cells": (*base.cells, base.cells[0])}))
    assert not list(tmp_path.glob("results/*/*.json"))
    assert (tmp_path / "results" / ".runs" / "one" / REFUSED).exists()
    outcome, events = carry(base)
    assert (outcome.doubts, events) == ((), 0)


def test_every_error_of_physics_is_one_of_plausibility() -> None:
    folder = Path(controller.__file__).parent / "check"
    text = "".join((folder / name).read_text(encoding="utf-8") for name in ("physics.py", "calibrated.py"))
    found = set(re.findall(r'\berror\(\s*"([a-z-]+)"', text))
    assert {"date", "pj-per-flop", "rate-over-calibration"} < found <= PLAUSIBILITY


def test_a_doubtful_run_says_so_with_the_cure_and_ends_with_code_5(
    carry: Carry, base: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome, _ = carry(base.model_copy(update={"date": "1970-01-01"}))
    job = SimpleNamespace(folder=tmp_path, system=base.system)
    monkeypatch.setattr(command, "_job", lambda *_: job)
    monkeypatch.setattr(command, "run", lambda *_, **__: outcome)
    monkeypatch.setattr("suite.run.signal.signal", lambda *_: None)
    choice: Any = SimpleNamespace(name="none", notes=())
    code = command.carry_out(choice, 60.0, tmp_path, fresh=False, started_s=0.0)
    told = capsys.readouterr().err
    assert code == exits.CHECK_FAILED
    assert "Not plausible: date at /date: 1970-01-01 lies before the suite. Set the machine's clock" in told
    assert "a check refuses it" in told
    assert "Submit:" not in told
