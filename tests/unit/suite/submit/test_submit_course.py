"""All that can stop a submission is asked before anything is written; what was reached then is kept and told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite import exits
from suite.check.findings import warning
from suite.signatures import signature_of, signature_path
from suite.submit import Stopped
from suite.submit.course import Wish, submit
from suite.submit.place import Submission
from suite.submit.pull import PROVES
from suite.submit.signing import sign

MakeKey = Callable[..., Path]
ODD = warning("window-odd", "/cells/0", "a window is odd", "Run again.")


def told(file: Path, **wishes: Any) -> str:
    lines: list[str] = []
    submit(file, (ODD,), Wish(**wishes), lines.append)
    return "\n".join(lines)


def stopped(file: Path, **wishes: Any) -> Stopped:
    with pytest.raises(Stopped) as found:
        told(file, **wishes)
    assert "\n" not in str(found.value)
    return found.value


def placed(results: Path) -> list[str]:
    return sorted(path.name for path in results.rglob("*") if path.is_file())


def test_without_a_wish_the_commands_are_printed(tmp_path: Path, file: Path, submission: Submission) -> None:
    (tmp_path / ".git").mkdir()
    said = told(file, results=tmp_path / "my results")
    assert "This will be public" in said
    assert "Looked for" in said
    for command in ("git switch -c", "git add '", "git commit -m 'Result: ", "git push -u origin result-"):
        assert command in said
    assert placed(tmp_path / "my results") == [file.name]


def test_a_signed_submission_has_both_files_and_says_what_that_proves(
    tmp_path: Path, file: Path, make_key: MakeKey
) -> None:
    said = told(file, results=tmp_path / "results", key=make_key())
    assert placed(tmp_path / "results") == [file.name, f"{file.name}.sig"]
    (target,) = (tmp_path / "results").rglob("*.json")
    found = signature_of(target, None)
    assert found.state == "valid"
    assert f"key {found.fingerprint}" in said
    assert PROVES in said
    assert not signature_path(file).exists()


def test_a_signature_that_a_file_has_goes_along_and_its_signer_is_named(
    tmp_path: Path, file: Path, submission: Submission, make_key: MakeKey
) -> None:
    key = make_key()
    signature_path(file).write_bytes(sign(submission.data, key))
    results = tmp_path / "results"
    results.mkdir()
    (results / "allowed_signers").write_text(f"alice@example.org {Path(f'{key}.pub').read_text()}")
    assert "known as alice@example.org" in told(file, results=results)
    assert f"{file.name}.sig" in placed(results)


def test_a_signature_that_does_not_hold_stops_it_unless_a_new_one_is_made(
    tmp_path: Path, file: Path, make_key: MakeKey
) -> None:
    key = make_key()
    signature_path(file).write_bytes(sign(b"something else", key))
    found = stopped(file, results=tmp_path / "results")
    assert (found.code, "--sign KEY" in str(found)) == (exits.CHECK_FAILED, True)
    assert not (tmp_path / "results").exists()
    told(file, results=tmp_path / "results", key=key)
    assert len(placed(tmp_path / "results")) == 2


def test_a_key_that_does_not_sign_leaves_nothing_behind(tmp_path: Path, file: Path, checkout: Any) -> None:
    before = checkout.state()
    assert stopped(file, results=checkout.results, key=tmp_path / "none", commit=True).code == exits.USAGE
    assert not checkout.results.exists()
    assert checkout.state() == before
    assert "result-" not in checkout.git("branch", "--list")


def test_a_file_that_vanished_is_one_line(tmp_path: Path) -> None:
    assert stopped(tmp_path / "gone.json", results=tmp_path).code == exits.CHECK_FAILED


def test_a_commit_has_the_result_and_its_signature_and_moves_nothing(
    file: Path, submission: Submission, checkout: Any, make_key: MakeKey
) -> None:
    before = checkout.state()
    said = told(file, results=checkout.results, key=make_key(), commit=True)
    assert checkout.state() == before
    place = f"results/{submission.result.system.slug}/{submission.result.file_name}"
    changed = checkout.git("diff", "--name-only", "origin/main", submission.branch).split("\n")
    assert changed == [place, f"{place}.sig"]
    assert placed(checkout.results) == [submission.result.file_name, f"{submission.result.file_name}.sig"]
    assert "by Alice <alice@example.org>" in said
    assert f"gh pr create --head {submission.branch}" in said
    assert "window-odd" in said


def test_a_branch_that_is_there_stops_it_before_anything_is_written(
    file: Path, submission: Submission, checkout: Any
) -> None:
    checkout.git("branch", submission.branch)
    assert stopped(file, results=checkout.results, commit=True).code == exits.USAGE
    assert not checkout.results.exists()


def test_with_gh_the_branch_is_pushed_and_the_pull_request_opened(
    file: Path, submission: Submission, checkout: Any, gh: Any
) -> None:
    said = told(file, results=checkout.results, request=True)
    assert "Pull request: https://example.org/pull/7" in said
    assert submission.branch in checkout.git("ls-remote", "--heads", "origin")
    assert f"pr create --head {submission.branch} --title {submission.title} --body-file -" in gh.asked
    for cell in submission.result.cells:
        assert f"| {cell.cell.key} | " in gh.asked
    assert "warnings: `window-odd`" in gh.asked
    assert "Not signed." in gh.asked


def test_the_body_says_who_signed_and_what_that_proves(file: Path, checkout: Any, gh: Any, make_key: MakeKey) -> None:
    told(file, results=checkout.results, request=True, key=make_key())
    assert "Signed by ED25519 key `SHA256:" in gh.asked
    assert PROVES in gh.asked


def test_without_gh_nothing_is_pushed_and_the_commands_are_printed(
    file: Path, submission: Submission, checkout: Any, only: Callable[..., None]
) -> None:
    only("git")
    said = told(file, results=checkout.results, request=True)
    assert f"git push -u origin {submission.branch}\n  gh pr create" in said
    assert "gh is not here" in said
    assert checkout.git("ls-remote", "--heads", "origin", submission.branch) == ""
    assert checkout.git("rev-parse", submission.branch)


def test_who_is_not_logged_in_is_told_before_anything_is_written(
    file: Path, checkout: Any, gh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_AUTH", "1")
    found = stopped(file, results=checkout.results, request=True)
    assert (found.code, "gh auth login" in str(found)) == (exits.USAGE, True)
    assert not checkout.results.exists()


def test_without_origin_there_is_nowhere_to_push_to(file: Path, checkout: Any, gh: Any) -> None:
    checkout.git("remote", "remove", "origin")
    found = stopped(file, results=checkout.results, request=True)
    assert (found.code, "git remote add origin" in str(found)) == (exits.USAGE, True)
    assert not checkout.results.exists()


def test_a_push_that_is_refused_keeps_the_commit_and_says_how_to_go_on(
    file: Path, submission: Submission, checkout: Any, gh: Any
) -> None:
    checkout.git("remote", "set-url", "origin", "/none/here")
    found = stopped(file, results=checkout.results, request=True)
    assert (found.code, "The commit is kept" in str(found)) == (exits.CANNOT_WRITE, True)
    assert checkout.git("rev-parse", submission.branch)
    assert "pr create" not in gh.asked


def test_the_same_command_goes_on_where_a_push_failed(
    file: Path, submission: Submission, checkout: Any, gh: Any, tmp_path: Path
) -> None:
    checkout.git("remote", "set-url", "origin", str(tmp_path / "none"))
    stopped(file, results=checkout.results, request=True)
    kept = checkout.git("rev-parse", submission.branch)
    checkout.git("remote", "set-url", "origin", str(tmp_path / "origin.git"))
    assert "Pull request: https://example.org/pull/7" in told(file, results=checkout.results, request=True)
    assert checkout.git("ls-remote", "--heads", "origin", submission.branch).startswith(kept)


def test_a_pull_request_that_is_refused_keeps_the_branch_and_says_how_to_go_on(
    file: Path, submission: Submission, checkout: Any, gh: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_FAILS", "no default remote repository")
    found = stopped(file, results=checkout.results, request=True)
    assert (found.code, "no default remote repository" in str(found)) == (exits.CANNOT_WRITE, True)
    assert f"try again with: gh pr create --head {submission.branch}" in str(found)
    assert submission.branch in checkout.git("ls-remote", "--heads", "origin")
