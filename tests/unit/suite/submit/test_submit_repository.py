"""A commit of exactly these files on a branch of its own; everything else of the repository stays as it was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite import exits
from suite.submit import Stopped, repository
from suite.submit.repository import Repository, commit, has_origin, holding, look, new, push, run

BRANCH = "result-0123456789ab"
DATA = b'{"a": 1}\r\n\n'


def files(checkout: Any) -> dict[Path, bytes]:
    return {checkout.results / "m" / "a.json.sig": b"signature", checkout.results / "m" / "a.json": DATA}


def stopped(doing: Callable[[], object]) -> Stopped:
    with pytest.raises(Stopped) as found:
        doing()
    assert "\n" not in str(found.value)
    return found.value


def test_the_branch_has_one_commit_of_exactly_these_files_on_origins_main(checkout: Any) -> None:
    home = holding(checkout.results)
    made = commit(home, BRANCH, files(checkout), "Result: m\n")
    assert checkout.git("rev-parse", BRANCH) == made
    assert checkout.git("rev-parse", f"{BRANCH}~1") == checkout.git("rev-parse", "origin/main")
    changed = checkout.git("diff", "--name-status", "origin/main", BRANCH).split("\n")
    assert changed == ["A\tresults/m/a.json", "A\tresults/m/a.json.sig"]
    assert checkout.git("log", "-1", "--format=%an <%ae>: %s", BRANCH) == "Alice <alice@example.org>: Result: m"


def test_the_bytes_are_committed_as_they_are_whatever_the_checkout_does_to_lines(checkout: Any) -> None:
    commit(holding(checkout.results), BRANCH, files(checkout), "Result")
    shown = ["git", "cat-file", "blob", f"{BRANCH}:results/m/a.json"]
    assert subprocess.run(shown, cwd=checkout.top, capture_output=True, check=True).stdout == DATA


def test_nothing_of_the_users_is_moved(checkout: Any) -> None:
    (checkout.top / "unknown").write_text("changed meanwhile\n")
    before = checkout.state()
    home = holding(checkout.results)
    look(home, files(checkout))
    new(home, BRANCH, files(checkout))
    commit(home, BRANCH, files(checkout), "Result")
    assert checkout.state() == before
    assert not checkout.results.exists()


def test_variables_of_a_hook_lead_nowhere_else(checkout: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "other")], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / "index"))
    assert holding(checkout.results).top == checkout.top.resolve()


def test_without_a_branch_of_origin_the_commit_stands_on_the_users_own(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "alone")], check=True)
    alone = tmp_path / "alone"
    found = stopped(lambda: holding(alone / "results"))
    assert (found.code, "no commit yet" in str(found)) == (exits.USAGE, True)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "first"], cwd=alone, check=True)
    assert holding(alone / "results") == Repository(alone.resolve(), "HEAD")
    assert not has_origin(holding(alone))


def test_a_folder_outside_any_repository_is_one_line_with_its_cure(tmp_path: Path) -> None:
    found = stopped(lambda: holding(tmp_path / "nowhere" / "results"))
    assert (found.code, "no git checkout" in str(found)) == (exits.USAGE, True)


def test_a_bare_repository_has_no_place_for_a_file(tmp_path: Path, checkout: Any) -> None:
    assert "no git checkout" in str(stopped(lambda: holding(tmp_path / "origin.git")))


def test_a_repository_that_git_refuses_is_told_in_its_words(checkout: Any) -> None:
    (checkout.top / ".git" / "config").write_text("[broken\n")
    assert "bad config" in str(stopped(lambda: holding(checkout.results)))


def test_a_link_out_of_the_repository_is_not_committed(checkout: Any, tmp_path: Path) -> None:
    checkout.results.mkdir()
    (tmp_path / "outside").mkdir()
    (checkout.results / "m").symlink_to(tmp_path / "outside")
    home = holding(checkout.results)
    assert "leads out" in str(stopped(lambda: look(home, files(checkout))))


def test_a_branch_that_is_there_is_left_alone(checkout: Any) -> None:
    checkout.git("branch", BRANCH)
    before = checkout.git("rev-parse", BRANCH)
    home = holding(checkout.results)
    found = stopped(lambda: new(home, BRANCH, files(checkout)))
    assert (found.code, f"git branch -D {BRANCH}" in str(found)) == (exits.USAGE, True)
    assert stopped(lambda: commit(home, BRANCH, files(checkout), "x")).code == exits.CANNOT_WRITE
    assert checkout.git("rev-parse", BRANCH) == before


def test_a_commit_that_an_earlier_try_made_is_taken_up_again(checkout: Any) -> None:
    home = holding(checkout.results)
    made = commit(home, BRANCH, files(checkout), "Result")
    new(home, BRANCH, files(checkout))
    assert commit(home, BRANCH, files(checkout), "another message") == made


@pytest.mark.parametrize("change", ["other bytes", "one file more", "one file less"])
def test_a_branch_of_other_files_is_not_taken_for_an_earlier_try(checkout: Any, change: str) -> None:
    home, (signature, result) = holding(checkout.results), files(checkout)
    other = {
        "other bytes": {signature: b"signature", result: b"{}"},
        "one file more": {**files(checkout), checkout.results / "m" / "b.json": b"{}"},
        "one file less": {result: DATA},
    }[change]
    made = commit(home, BRANCH, other, "Result")
    assert stopped(lambda: new(home, BRANCH, files(checkout))).code == exits.USAGE
    assert checkout.git("rev-parse", BRANCH) == made


@pytest.mark.fault("git killed while it held the branch's lock", "the next try removes it and commits")
def test_a_lock_that_a_killed_git_left_on_the_branch_is_removed(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "PATIENCE_MS", 50)
    lock = checkout.top / ".git" / "refs" / "heads" / f"{BRANCH}.lock"
    lock.touch()
    made = commit(holding(checkout.results), BRANCH, files(checkout), "Result")
    assert checkout.git("rev-parse", BRANCH) == made
    assert not lock.exists()


def test_a_branch_that_git_cannot_make_is_one_line(checkout: Any) -> None:
    (checkout.top / ".git" / "refs" / "heads" / BRANCH).mkdir()
    (checkout.top / ".git" / "refs" / "heads" / BRANCH / "below").write_text(checkout.git("rev-parse", "HEAD") + "\n")
    found = stopped(lambda: commit(holding(checkout.results), BRANCH, files(checkout), "Result"))
    assert (found.code, BRANCH in str(found)) == (exits.CANNOT_WRITE, True)


def test_other_staged_changes_stop_it_and_stay_staged(checkout: Any) -> None:
    home = holding(checkout.results)
    (checkout.results / "m").mkdir(parents=True)
    for path, data in files(checkout).items():
        path.write_bytes(data)
    checkout.git("add", "results")
    assert look(home, files(checkout)) == "Alice <alice@example.org>"
    checkout.git("add", "README.md")
    found = stopped(lambda: look(home, files(checkout)))
    assert (found.code, "README.md" in str(found)) == (exits.USAGE, True)
    assert "README.md" in checkout.git("diff", "--cached", "--name-only")


def test_git_makes_no_identity_up(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    found = stopped(lambda: look(holding(checkout.results), files(checkout)))
    assert (found.code, "git config user.name" in str(found)) == (exits.USAGE, True)


def test_author_and_committer_are_both_told(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Bob")
    who = look(holding(checkout.results), files(checkout))
    assert who == "Bob <alice@example.org> and Alice <alice@example.org>"


def publish(checkout: Any, data: dict[Path, bytes]) -> None:
    commit(holding(checkout.results), "published", data, "Result")
    checkout.git("push", "-q", "origin", "published:main")


def test_what_is_published_is_not_committed_again(checkout: Any) -> None:
    publish(checkout, files(checkout))
    found = stopped(lambda: new(holding(checkout.results), BRANCH, files(checkout)))
    assert (found.code, "has this result already" in str(found)) == (exits.USAGE, True)


def test_a_signature_can_be_added_to_a_published_result_and_nothing_be_changed_of_it(checkout: Any) -> None:
    signature, result = files(checkout)
    publish(checkout, {result: DATA})
    home = holding(checkout.results)
    new(home, BRANCH, files(checkout))
    commit(home, BRANCH, files(checkout), "Signature")
    assert checkout.git("diff", "--name-only", "origin/main", BRANCH) == "results/m/a.json.sig"
    found = stopped(lambda: new(home, "another", {signature: b"signature", result: b"{}"}))
    assert (found.code, "only ever added" in str(found)) == (exits.CHECK_FAILED, True)


def test_a_push_says_what_git_says(checkout: Any) -> None:
    home = holding(checkout.results)
    commit(home, BRANCH, files(checkout), "Result")
    assert push(home, BRANCH) is None
    assert BRANCH in checkout.git("ls-remote", "--heads", "origin")
    checkout.git("remote", "set-url", "origin", "/none/here")
    assert "/none/here" in (push(home, BRANCH) or "")


def test_without_git_there_is_one_line(checkout: Any, only: Callable[..., None]) -> None:
    only()
    found = stopped(lambda: holding(checkout.results))
    assert (found.code, str(found).startswith("git does not start")) == (exits.USAGE, True)


def test_a_program_that_hangs_is_ended() -> None:
    assert stopped(lambda: run(["sleep", "60"], limit_s=0.1)).code == exits.CANNOT_WRITE
