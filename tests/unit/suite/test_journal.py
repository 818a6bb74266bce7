"""What was appended is on disk, in order, or was never there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from suite.journal import Busy, Journal


def test_events_survive_closing(tmp_path: Path) -> None:
    with Journal(tmp_path / "run" / "journal.jsonl") as journal:
        journal.append("begin", number=1)
        journal.append("tried", number=2)
        digest = journal.sha256
    with Journal(tmp_path / "run" / "journal.jsonl") as again:
        assert [event["number"] for event in again.events] == [1, 2]
        assert again.sha256 == digest


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_last_line_is_dropped_and_the_journal_goes_on(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append("begin", number=1)
        journal.append("tried", number=2)
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path) as torn:
        assert [event["number"] for event in torn.events] == [1]
        torn.append("tried", number=3)
    with Journal(path) as again:
        assert [event["number"] for event in again.events] == [1, 3]


def test_nothing_after_an_altered_line_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for number in range(3):
            journal.append("tried", number=number)
    path.write_bytes(path.read_bytes().replace(b'"number":1', b'"number":7'))
    with Journal(path) as altered:
        assert [event["number"] for event in altered.events] == [0, 7]


@pytest.mark.parametrize("line", [b"[]", b"3", b'"seq"', b"null"])
def test_a_line_that_is_no_event_ends_what_is_believed(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append("begin")
    with path.open("ab") as stream:
        stream.write(line + b"\n")
    with Journal(path) as journal:
        assert [event["kind"] for event in journal.events] == ["begin"]


def test_two_runs_cannot_write_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl"), pytest.raises(Busy):
        Journal(tmp_path / "journal.jsonl")


def test_restarting_forgets(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.append("begin", number=1)
        journal.restart()
        journal.append("begin", number=2)
    with Journal(tmp_path / "journal.jsonl") as again:
        assert [event["number"] for event in again.events] == [2]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_waiting_for_the_disk_does_not_fork_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                journal.append("tried", number=1)
        journal.append("memory", number=2)
        digest = journal.sha256
        assert [event["number"] for event in journal.events] == [1, 2]
    with Journal(path) as again:
        assert [event["number"] for event in again.events] == [1, 2]
        assert again.sha256 == digest


@pytest.mark.parametrize("bytes_written", [1, 40, 10_000])
def test_an_event_that_ctrl_c_cut_short_gives_its_place_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_written: int
) -> None:
    path, write = tmp_path / "journal.jsonl", os.write

    def cut_short(descriptor: int, data: bytes) -> int:
        write(descriptor, data[:bytes_written])
        raise KeyboardInterrupt

    with Journal(path) as journal:
        journal.append("begin", number=1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", cut_short)
            with pytest.raises(KeyboardInterrupt):
                journal.append("tried", number=2, filler="x" * 500)
        journal.append("memory", number=3)
        digest = journal.sha256
    with Journal(path) as again:
        assert [event["number"] for event in again.events] == [1, 3]
        assert again.sha256 == digest


WRITER = """
import sys
from pathlib import Path
from suite.journal import Journal
journal = Journal(Path(sys.argv[1]))
number = 0
while True:
    journal.append("tried", number=number, filler="x" * 5000)
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("lines", [1, 5, 30])
def test_a_killed_writer_loses_nothing_that_it_had_finished(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "journal.jsonl"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(lines):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    writer.stdout.close()
    writer.wait()
    with Journal(path) as journal:
        assert [event["number"] for event in journal.events][:lines] == list(range(lines))
