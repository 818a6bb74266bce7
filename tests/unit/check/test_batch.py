"""Many files are checked each by itself: one bad file is one row, never the end of the others."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from suite.check import workers
from suite.check.batch import check_all, row_of, together
from suite.check.findings import error, warning
from suite.check.report import lines
from suite.check.row import MOST_FINDINGS
from suite.check.verdict import Row, failed, lost
from suite.check.workers import Limits, Task, each
from suite.identity import sealed
from suite.record import Result, dumps

MIB = 2**20


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def errors(row: Row) -> set[str]:
    return {found.rule for found in row.findings if found.severity == "error"}


def test_each_file_has_its_row_in_the_order_of_their_paths(tmp_path: Path, true_file: bytes) -> None:
    put(tmp_path, "b/good.json", true_file)
    put(tmp_path, "a/bad.json", b"{")
    rows = check_all([tmp_path])
    assert [row.path.name for row in rows] == ["bad.json", "good.json"]
    assert [row.acceptable for row in rows] == [False, True]
    assert check_all([tmp_path / "none-here.json"])[0].findings[0].rule == "file-unreadable"
    (tmp_path / "empty").mkdir()
    assert check_all([tmp_path / "empty"]) == []


def test_a_file_named_twice_is_checked_once(tmp_path: Path, true_file: bytes) -> None:
    path = put(tmp_path, "good.json", true_file)
    assert [row.acceptable for row in check_all([path, path, tmp_path])] == [True]


def test_a_result_that_is_there_twice_is_refused_the_second_time(tmp_path: Path, true_file: bytes) -> None:
    put(tmp_path, "a.json", true_file)
    put(tmp_path, "b.json", true_file + b"\n")
    assert [errors(row) for row in check_all([tmp_path])] == [set(), {"id-twice"}]


def test_a_trace_of_another_result_is_refused(tmp_path: Path, true_file: bytes, true_result: Result) -> None:
    renamed = sealed(true_result.model_copy(update={"journal_sha256": "0" * 64}))
    put(tmp_path, "a.json", true_file)
    put(tmp_path, "b.json", dumps(renamed))
    assert [errors(row) for row in check_all([tmp_path])] == [set(), {"replayed"}]


def test_a_run_that_is_there_under_another_id_is_refused_the_second_time(
    tmp_path: Path, true_file: bytes, true_result: Result
) -> None:
    changed = sealed(true_result.model_copy(update={"complete": not true_result.complete}))
    put(tmp_path, "a.json", true_file)
    put(tmp_path, "b.json", dumps(changed))
    assert changed.id != true_result.id
    first, second = check_all([tmp_path])
    assert [errors(first), errors(second)] == [set(), {"journal-twice"}]
    assert str(first.path) in second.findings[-1].message


def test_more_findings_than_anybody_reads_are_counted(tmp_path: Path, true_result: Result) -> None:
    document = json.loads(dumps(true_result))
    document["cells"] = document["cells"][:1]
    ticks = document["cells"][0]["attempts"][0]["ticks"]
    ticks += [{**ticks[0], "meter": 99} for _ in range(MOST_FINDINGS + 10)]
    row = row_of(put(tmp_path, "a.json", json.dumps(document).encode()))
    assert len(row.findings) == MOST_FINDINGS + 1
    assert row.findings[-1].rule == "more"


def deadly(path: Path) -> Row:
    """Work that ends its process in the way that the file's name says."""
    if path.name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    while path.name == "endless":
        pass
    if path.name == "waiting":
        signal.pause()
    if path.name == "hungry":
        bytearray(400 * MIB)
    if path.name == "defect":
        raise KeyError(path.name)
    return Row(path=path, id=None, findings=())


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """`deadly` where other processes find it."""
    source = Path(__file__).read_text().split("def deadly", 1)[1].split("@pytest.fixture", 1)[0]
    head = "import os, signal\nfrom suite.check.verdict import Row\nMIB = 2**20\ndef deadly"
    (tmp_path / "deadly_work.py").write_text(head + source.replace("path: Path", "path"))
    monkeypatch.syspath_prepend(tmp_path)
    return __import__("deadly_work").deadly


def test_a_file_that_ends_its_process_costs_itself_only(reachable: object) -> None:
    paths = [Path(name) for name in ("1", "killed", "2", "endless", "waiting", "3", "hungry", "defect", "4")]
    limits = Limits(processes=2, memory_bytes=256 * MIB, processor_s=0.5, wall_s=2.0)
    task = Task[Row](work=reachable, lost=lost, failed=failed)  # type: ignore[arg-type]
    rows = dict(each(paths, task, limits))
    assert {path.name: errors(rows[path]) for path in paths} == {
        **{name: set() for name in "1234"},
        **{name: {"file-fatal"} for name in ("killed", "endless", "waiting")},
        "hungry": {"check-failed"},
        "defect": {"check-failed"},
    }


def test_what_the_works_own_modules_hold_is_not_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy_work.py").write_text(f"held = bytearray({200 * MIB})\ndef told(path):\n    return path.name\n")
    monkeypatch.syspath_prepend(tmp_path)
    task = Task[str](work=__import__("heavy_work").told, lost=lambda _: "lost")
    assert dict(each([Path("a")], task, Limits(processes=1, memory_bytes=64 * MIB))) == {Path("a"): "a"}


def test_what_nobody_stands_in_for_goes_on(reachable: object) -> None:
    task = Task[Row](work=reachable, lost=lost)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        dict(each([Path("defect")], task, Limits(processes=1)))


def test_a_file_that_takes_all_memory_while_it_is_read_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise MemoryError

    monkeypatch.setattr("suite.check.row.check_file", full)
    assert errors(row_of(tmp_path / "a.json")) == {"file-fatal"}


BAD = Row(
    path=Path("a%,:b.json"),
    id=None,
    findings=(
        error("energy", "/cells/0", "100 % off\nand \x1b[31m more", "Mend it"),
        warning("audit-none", "", "m", "c"),
    ),
)


def test_a_line_names_file_rule_severity_place_message_and_cure() -> None:
    head, first, second = lines([BAD], "text")
    assert head == "REFUSED a%,:b.json"
    assert first == r"  a%,:b.json: error energy at /cells/0: 100 % off\x0aand \x1b[31m more. Mend it"
    assert second == "  a%,:b.json: warning audit-none: m. c"


def test_annotations_are_escaped_as_github_reads_them() -> None:
    first, second = lines([BAD], "github")
    assert first == (
        "::error file=a%25%2C%3Ab.json,line=1,title=energy::/cells/0: 100 %25 off\\x0aand \\x1b[31m more. Mend it"
    )
    assert second.startswith("::warning file=a%25%2C%3Ab.json,line=1,title=audit-none::m. c")


def test_json_holds_every_field_of_a_finding() -> None:
    (told,) = json.loads("\n".join(lines([BAD], "json")))
    assert told["ok"] is False
    assert told["findings"][0] == {
        "rule": "energy",
        "severity": "error",
        "pointer": "/cells/0",
        "message": "100 % off\nand \x1b[31m more",
        "cure": "Mend it",
    }


def test_a_path_that_is_no_text_is_told_all_the_same() -> None:
    row = Row(path=Path(os.fsdecode(b"a\xff.json")), id=None, findings=())
    assert list(lines([row], "text")) == ["ok      a\ufffd.json"]


def test_where_the_system_does_not_tell_what_is_held_no_memory_limit_is_guessed(tmp_path: Path) -> None:
    assert workers._held_bytes(tmp_path / "statm") is None
    (tmp_path / "statm").write_text("3 2 1 0 0 0 0\n")
    assert workers._held_bytes(tmp_path / "statm") == 3 * resource.getpagesize()


def test_ctrl_c_is_the_parents_business_from_a_processs_first_instruction() -> None:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("no /proc here")
    task = Task(work=Path.read_text, lost=lambda _: "")
    told = dict(each([status], task, Limits(processes=1)))[status]
    blocked = next(int(line.split()[1], 16) for line in told.splitlines() if line.startswith("SigBlk:"))
    assert blocked >> (signal.SIGINT - 1) & 1
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_four_times_as_many_files_are_compared_in_about_four_times_the_time() -> None:
    def seconds(count: int) -> float:
        rows = [
            Row(
                path=Path(f"{number}"), id=f"{number}", findings=(), marks=frozenset(f"{number}/{n}" for n in range(40))
            )
            for number in range(count)
        ]
        begun_s = time.process_time()
        together(rows)
        return time.process_time() - begun_s

    few, many = (min(seconds(count) for _ in range(3)) for count in (500, 2000))
    assert many < 10 * few
