"""What a person types, and what `submit` and `check` of signed files answer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite import exits
from suite.check.batch import check_all
from suite.check.provenance import made_by
from suite.record import Result
from suite.signatures import signature_path
from suite.submit.place import Submission
from suite.submit.signing import sign

MakeKey = Callable[..., Path]


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suite", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


def test_one_command_checks_signs_commits_and_proposes(
    file: Path, submission: Submission, checkout: Any, gh: Any, make_key: MakeKey
) -> None:
    done = call("submit", file, "--results", checkout.results, "--sign", make_key(), "--pr")
    assert (done.returncode, done.stderr) == (exits.OK, "")
    assert "Pull request: https://example.org/pull/7" in done.stdout
    assert checkout.git("diff", "--name-only", "origin/main", submission.branch).count("\n") == 1
    assert [row.findings for row in check_all([checkout.results])] == [()]


def test_a_file_that_the_check_refuses_is_one_line_for_each_finding_and_nothing_is_placed(
    file: Path, checkout: Any, make_key: MakeKey
) -> None:
    """A new signature excuses a bad one, and nothing else."""
    document = json.loads(file.read_bytes())
    document["cells"][0]["work"]["units_per_step"] *= 1000
    file.write_text(json.dumps(document))
    for wish in (("--commit",), ("--sign", make_key())):
        done = call("submit", file, "--results", checkout.results, *wish)
        assert (done.returncode, done.stdout) == (exits.CHECK_FAILED, "")
        assert all(": error " in line or ": warning " in line for line in done.stderr.splitlines())
        assert "error work" in done.stderr
        assert not checkout.results.exists()


def test_a_folder_and_what_is_not_there_are_one_line(tmp_path: Path) -> None:
    done = call("submit", tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (exits.USAGE, 1)
    done = call("submit", tmp_path / "none.json")
    assert (done.returncode, len(done.stderr.splitlines())) == (exits.USAGE, 1)


def test_what_stops_it_is_one_line(tmp_path: Path, file: Path) -> None:
    done = call("submit", file, "--results", tmp_path / "results", "--sign", tmp_path / "none")
    assert (done.returncode, len(done.stderr.splitlines())) == (exits.USAGE, 1)
    assert not (tmp_path / "results").exists()


def rules(path: Path) -> list[tuple[str, str]]:
    (row,) = check_all([path])
    return [(found.severity, found.rule) for found in row.findings]


def test_check_refuses_a_file_whose_signature_is_of_another(
    file: Path, submission: Submission, make_key: MakeKey
) -> None:
    key = make_key()
    signature_path(file).write_bytes(sign(submission.data, key))
    assert rules(file) == []
    signature_path(file).write_bytes(sign(b"another", key))
    assert rules(file) == [("error", "signature-bad")]
    done = call("submit", file, "--results", file.parent / "results", "--sign", key)
    assert done.returncode == exits.OK


def test_a_refused_signature_does_not_keep_the_same_result_out(file: Path, submission: Submission) -> None:
    """Or anybody could have a result refused as a second one of its id."""
    forged = file.parent / "a" / file.name
    forged.parent.mkdir()
    forged.write_bytes(submission.data)
    signature_path(forged).write_bytes(b"no signature")
    assert [row.acceptable for row in check_all([forged, file])] == [False, True]


def test_check_warns_where_a_signature_cannot_be_verified(file: Path, only: Callable[..., None]) -> None:
    signature_path(file).write_bytes(b"whatever")
    only()
    assert rules(file) == [("warning", "signature-unchecked")]


def test_code_that_nobody_can_look_up_is_warned_of(true_result: Result) -> None:
    def found(**software: object) -> list[str]:
        changed = true_result.software.model_copy(update=software)
        return [one.rule for one in made_by(true_result.model_copy(update={"software": changed}))]

    assert found() == []
    assert found(modified=True) == found(modified=None) == ["code-modified"]
    assert found(commit=None, modified=None) == ["commit-unknown"]


def test_outside_a_checkout_no_git_command_is_shown(file: Path, checkout: Any, tmp_path: Path) -> None:
    assert "git switch -c" in call("submit", file, "--results", checkout.results).stdout
    done = call("submit", file, "--results", tmp_path / "elsewhere")
    assert done.returncode == exits.OK
    assert "git switch" not in done.stdout
    assert "no git checkout" in done.stdout
