"""A pull request from its commits to its judgement, and the command that tells it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite import exits
from suite.contribution.changes import DECISIONS
from suite.contribution.judge import Judgement, judge
from suite.identity import sealed
from suite.record import Result, dumps
from suite.submit.signing import sign

Commit = Callable[[dict[str, bytes | None]], str]
Propose = Callable[[dict[str, bytes | None]], Judgement]

H100, H100_AGAIN = 0, 10
"""Among the synthetic results, of which machines come round every ten."""


@pytest.fixture(scope="module")
def made(synthetic: ModuleType) -> Callable[[int], Result]:
    def few(index: int) -> Result:
        whole: Any = synthetic.result(index, 1)
        models = [one for one in whole.cells if one.cell.workload != "calib" and one.outcome == "ok"]
        cut: Result = whole.model_copy(update={"cells": tuple(models[:2])})
        return sealed(cut)

    return few


@pytest.fixture
def make_signature(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], bytes]:
    """The signature of these bytes by a new key."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")
    key = tmp_path_factory.mktemp("keys") / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return lambda data: sign(data, key)


def place(result: Result) -> str:
    return f"results/{result.system.slug}/{result.file_name}"


@pytest.fixture
def propose(git: Callable[..., str], commit: Commit, tmp_path: Path, made: Callable[[int], Result]) -> Propose:
    """A pull request with these files to a main branch with one result and one decision."""
    old = made(H100)
    log = b'{"date": "2026-11-21", "result": "0123456789ab", "action": "flagged", "reason": "noise"}\n'
    base = commit({place(old): dumps(old), DECISIONS: log, "suite/rules.py": b"1\n"})

    def judged(files: dict[str, bytes | None]) -> Judgement:
        git("switch", "--quiet", "--create", "proposal")
        return judge(tmp_path, base, commit(files))

    return judged


def rules(found: Judgement) -> set[str]:
    return {one.rule for row in found.rows for one in row.findings if one.severity == "error"}


def test_a_true_result_is_accepted_and_stands_beside_the_old_one(
    propose: Propose, made: Callable[[int], Result]
) -> None:
    new = made(H100_AGAIN)
    found = propose({place(new): dumps(new)})
    assert (found.kind, found.acceptable, rules(found)) == ("results", True, set())
    assert [str(row.path) for row in found.rows] == [place(new)]
    assert "1 new result" in found.preview
    assert f"`{made(H100).system.slug} " in found.preview


def test_a_false_result_is_refused_by_its_place_in_the_repository(
    propose: Propose, made: Callable[[int], Result]
) -> None:
    new = made(H100_AGAIN)
    found = propose({place(new): dumps(new).replace(b'"joules":', b'"joules":1', 1)})
    assert not found.acceptable
    assert [str(row.path) for row in found.rows] == [place(new)]
    assert found.preview.startswith("**Refused**")
    assert place(new) in found.preview


def test_a_trace_that_is_there_already_is_not_new(propose: Propose, made: Callable[[int], Result]) -> None:
    again = sealed(made(H100).model_copy(update={"date": "2026-03-03", "journal_sha256": "0" * 64}))
    found = propose({place(again): dumps(again)})
    assert rules(found) == {"replayed"}
    (told,) = (one.message for row in found.rows for one in row.findings if one.rule == "replayed")
    assert told.endswith(f" {place(made(H100))} too")


def test_another_result_of_a_run_that_is_there_is_refused(propose: Propose, made: Callable[[int], Result]) -> None:
    journal = made(H100).journal_sha256
    again = sealed(made(H100_AGAIN).model_copy(update={"journal_sha256": journal}))
    assert rules(propose({place(again): dumps(again)})) == {"journal-twice"}


def test_what_is_there_and_cannot_be_read_stops_no_judgement(
    git: Callable[..., str], commit: Commit, tmp_path: Path, made: Callable[[int], Result]
) -> None:
    old, new = made(H100), made(H100_AGAIN)
    base = commit({"results/a/2026-01-01-0123456789ab.json": b"{", place(old): dumps(old)})
    git("switch", "--quiet", "--create", "proposal")
    found = judge(tmp_path, base, commit({place(new): dumps(new)}))
    assert found.acceptable
    assert " of 2 |" in found.preview


def test_a_result_lies_in_the_folder_of_its_own_machine(propose: Propose, made: Callable[[int], Result]) -> None:
    new = made(H100_AGAIN)
    assert rules(propose({f"results/another/{new.file_name}": dumps(new)})) == {"pull-place"}


def relabelled(result: Result) -> bytes:
    """The result as a file of version 3 with more memory: its made-up id shows nothing of that."""
    document = json.loads(dumps(result)) | {"schema_version": 3}
    document["system"]["memory_bytes"] += 2**30
    return json.dumps(document, separators=(",", ":")).encode()


def test_a_new_result_that_calls_itself_older_than_ids_of_content_is_refused(
    propose: Propose, made: Callable[[int], Result]
) -> None:
    new = made(H100_AGAIN)
    found = propose({place(new): relabelled(new)})
    assert rules(found) == {"pull-version"}
    assert [one.pointer for row in found.rows for one in row.findings if one.severity == "error"] == ["/schema_version"]


def test_an_older_result_that_is_there_may_still_be_signed(
    git: Callable[..., str],
    commit: Commit,
    tmp_path: Path,
    made: Callable[[int], Result],
    make_signature: Callable[[bytes], bytes],
) -> None:
    old = made(H100)
    base = commit({place(old): relabelled(old)})
    git("switch", "--quiet", "--create", "proposal")
    signature = make_signature(relabelled(old))
    assert judge(tmp_path, base, commit({f"{place(old)}.sig": signature})).acceptable


def test_a_signature_that_does_not_hold_is_refused_with_or_without_its_result(
    propose: Propose, made: Callable[[int], Result]
) -> None:
    found = propose({f"{place(made(H100))}.sig": b"-----BEGIN SSH SIGNATURE-----\n"})
    assert rules(found) == {"signature-bad"}
    assert [str(row.path) for row in found.rows] == [place(made(H100))]


def test_of_a_file_that_is_too_large_not_a_byte_is_written(
    propose: Propose, made: Callable[[int], Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    assert rules(propose({place(made(H100_AGAIN)): b"[" * (4 * 2**20 + 1)})) == {"pull-size"}


def test_code_is_left_to_the_tests(propose: Propose) -> None:
    assert propose({"suite/rules.py": b"2\n"}) == Judgement(kind="code", rows=(), preview="")


def test_a_decision_is_added_at_the_end_and_must_be_one(propose: Propose, tmp_path: Path) -> None:
    log = (tmp_path / DECISIONS).read_bytes()
    line = b'{"date": "2026-11-22", "result": "0123456789ab", "action": "restored", "reason": "quiet now"}\n'
    found = propose({DECISIONS: log + line})
    assert (found.kind, found.acceptable) == ("decision", True)
    assert "decisions: 1." in found.preview


@pytest.mark.parametrize("line", [b"{}\n", b"not JSON\n", b"\xff\n"])
def test_what_is_no_decision_is_refused(propose: Propose, tmp_path: Path, line: bytes) -> None:
    found = propose({DECISIONS: (tmp_path / DECISIONS).read_bytes() + line})
    assert rules(found) == {"pull-decisions"}
    assert not found.acceptable


def test_a_log_that_loses_a_line_is_refused(propose: Propose) -> None:
    line = b'{"date": "2026-11-22", "result": "0123456789ab", "action": "restored", "reason": "quiet now"}\n'
    assert rules(propose({DECISIONS: line})) == {"pull-decisions"}


def test_what_cannot_be_merged_is_refused(git: Callable[..., str], commit: Commit, tmp_path: Path) -> None:
    base = commit({"a": b"1\n"})
    git("switch", "--quiet", "--orphan", "stranger")
    assert rules(judge(tmp_path, base, commit({"b": b"1\n"}))) == {"pull-merge"}


def review(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suite", "review", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_the_command_tells_a_workflow_and_writes_the_preview(
    git: Callable[..., str], commit: Commit, tmp_path: Path
) -> None:
    commit({"results/a/2026-11-21-0123456789ab.json": b"{}"})
    git("switch", "--quiet", "--create", "proposal")
    commit({"results/a/2026-11-21-0123456789ab.json": b"[]"})
    done = review("main", "proposal", "--format", "github", "--preview", "preview.md", cwd=tmp_path)
    assert done.returncode == exits.CHECK_FAILED
    (line,) = done.stdout.splitlines()
    assert line.startswith("::error file=results/a/2026-11-21-0123456789ab.json,line=1,title=pull-changed::")
    assert "pull-changed" in (tmp_path / "preview.md").read_text()
    (row,) = json.loads(review("main", "proposal", "--format", "json", cwd=tmp_path).stdout)
    assert row["findings"][0]["rule"] == "pull-changed"


def test_the_command_ends_with_one_line_where_it_can_tell_nothing(
    git: Callable[..., str], commit: Commit, tmp_path: Path
) -> None:
    commit({"results/a": b"1\n"})
    git("switch", "--quiet", "--create", "proposal")
    commit({"b": b"1\n"})
    done = review("main", "proposal", "--preview", "preview.md", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (exits.OK, "", "No result is touched.\n")
    assert not (tmp_path / "preview.md").exists()
    done = review("main", "nonsense", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.USAGE, "", 1)
    commit({"results/b": b"1\n"})
    done = review("main", "proposal", "--preview", "/proc/nowhere/preview.md", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (exits.CANNOT_WRITE, 1)


def test_a_git_that_cannot_merge_by_itself_is_no_conflict(
    commit: Commit, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = commit({"a": b"1\n"})
    old = tmp_path_factory.mktemp("old") / "git"
    old.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--write-tree*) echo "usage: git merge-tree <base-tree> ..." >&2; exit 129;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    old.chmod(0o755)
    searched = {**os.environ, "PATH": f"{old.parent}:{os.environ['PATH']}"}
    done = review(base, commit({"a": b"2\n"}), cwd=tmp_path, env=searched)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.USAGE, "", 1)
    assert "git 2.38" in done.stderr


def test_a_base_whose_log_cannot_be_read_is_told_in_one_line(
    git: Callable[..., str], commit: Commit, tmp_path: Path, made: Callable[[int], Result]
) -> None:
    commit({DECISIONS: b"{}\n"})
    git("switch", "--quiet", "--create", "proposal")
    commit({place(made(H100)): dumps(made(H100))})
    done = review("main", "proposal", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.CHECK_FAILED, "", 1)
    assert "decisions.jsonl:1" in done.stderr
