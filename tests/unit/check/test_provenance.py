"""A file that names a commit is held to that commit's code, where the checker has it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from suite.check.commits import code_at
from suite.check.provenance import made_by
from suite.code import code_here
from suite.record import Result

OTHER = "f" * 64


def git(repository: Path, *arguments: str) -> str:
    own = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(repository), *own, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def committed(repository: Path) -> str:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "a")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a program of a few files, and others that are none of it."""
    root = tmp_path / "checkout"
    texts = {"suite/a.py": "1\n", "suite/deep/b.toml": "", "workloads/w/golden.json": "{}", "README.md": "", "a.py": ""}
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "suite" / "run.py").write_text("2\n")
    (root / "suite" / "run.py").chmod(0o755)
    (root / "suite" / "link.py").symlink_to("a.py")
    git(tmp_path, "init", "--quiet", str(root))
    return root


def of_code(result: Result, **software: object) -> Result:
    return result.model_copy(update={"software": result.software.model_copy(update=software)})


def rules(result: Result, root: Path) -> list[tuple[str, str, str]]:
    return [(one.severity, one.rule, one.pointer) for one in made_by(result, root)]


def test_a_commit_has_the_hash_of_the_files_that_a_checkout_of_it_has(checkout: Path) -> None:
    assert code_at(committed(checkout), checkout) == code_here(checkout)


def test_an_earlier_commit_keeps_its_own(checkout: Path) -> None:
    first, before = committed(checkout), code_here(checkout)
    (checkout / "suite" / "a.py").write_text("another\n")
    second = committed(checkout)
    assert (code_at(first, checkout), code_at(second, checkout)) == (before, code_here(checkout))
    assert code_here(checkout) != before


@pytest.mark.parametrize("commit", ["HEAD", "--all", "", "0" * 40, "f" * 39, "main"])
def test_what_is_no_commit_of_the_history_is_unknown(checkout: Path, commit: str) -> None:
    committed(checkout)
    assert code_at(commit, checkout) is None


def test_an_object_that_no_branch_reaches_is_unknown(checkout: Path) -> None:
    """A pull request that is judged is fetched as objects: its commit vouches for nothing."""
    committed(checkout)
    tree = git(checkout, "rev-parse", "HEAD^{tree}")
    assert code_at(git(checkout, "commit-tree", tree, "-m", "loose"), checkout) is None


def test_an_installed_copy_within_another_project_knows_no_commit(checkout: Path) -> None:
    commit = committed(checkout)
    inner = checkout / "lib"
    inner.mkdir()
    assert code_at(commit, inner) is None


def test_the_code_of_the_commit_is_nothing_to_speak_of(checkout: Path, true_result: Result) -> None:
    own = of_code(true_result, commit=committed(checkout), modified=False, code_sha256=code_here(checkout))
    assert rules(own, checkout) == []


def test_other_code_than_that_of_the_named_commit_is_warned_of(checkout: Path, true_result: Result) -> None:
    other = of_code(true_result, commit=committed(checkout), modified=False, code_sha256=OTHER)
    assert rules(other, checkout) == [("warning", "code-differs", "/software/code_sha256")]


def test_a_file_that_says_no_more_than_it_knows_is_not_held_to_the_commit(checkout: Path, true_result: Result) -> None:
    commit = committed(checkout)
    assert rules(of_code(true_result, commit=commit, modified=False, code_sha256=None), checkout) == []
    changed = of_code(true_result, commit=commit, modified=True, code_sha256=OTHER)
    assert [rule for _, rule, _ in rules(changed, checkout)] == ["code-modified"]


def test_a_commit_that_is_not_here_is_not_asked_of(checkout: Path, tmp_path: Path, true_result: Result) -> None:
    elsewhere = of_code(true_result, commit="1" * 40, modified=False, code_sha256=OTHER)
    committed(checkout)
    assert rules(elsewhere, checkout) == rules(elsewhere, tmp_path) == []


def test_without_git_no_commit_is_known(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commit = committed(checkout)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_at(commit, checkout) is None


def test_a_commit_whose_files_are_not_here_is_unknown(checkout: Path) -> None:
    """As in a partial clone."""
    commit = committed(checkout)
    tree = git(checkout, "rev-parse", "HEAD^{tree}")
    (checkout / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    assert code_at(commit, checkout) is None
