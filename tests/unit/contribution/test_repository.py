"""Git objects as they are: what merging would change, sizes before bytes, and never a checkout."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.contribution.repository import AT_ONCE, NoRepository, Repository

Git = Callable[..., str]
Commit = Callable[[dict[str, bytes | None]], str]


def test_what_merging_would_change_is_told_and_not_what_main_did_meanwhile(
    tmp_path: Path, git: Git, commit: Commit
) -> None:
    commit({"README.md": b"1\n", "results/old.json": b"{}"})
    git("switch", "--quiet", "--create", "proposal")
    head = commit({"results/new.json": b"[]"})
    git("switch", "--quiet", "main")
    base = commit({"README.md": b"2\n", "results/other.json": b"{}"})
    repository = Repository(tmp_path)
    merged = repository.merged(base, head)
    assert merged is not None
    (change,) = repository.changes(base, merged)
    assert (change.status, change.mode, change.path) == ("A", "100644", "results/new.json")
    assert repository.read(change.blob) == b"[]"


def test_a_removal_hidden_between_two_common_ancestors_is_seen(tmp_path: Path, git: Git, commit: Commit) -> None:
    """Two histories that merged each other have two common ancestors; the second one's file is gone from the head."""
    root = commit({"results/old.json": b"{}"})
    git("switch", "--quiet", "--create", "side")
    side = commit({"results/victim.json": b"{}"})
    git("switch", "--quiet", "main")
    early = commit({"results/early.json": b"{}"})
    git("merge", "--quiet", "--no-edit", side)
    base = git("rev-parse", "HEAD")
    git("switch", "--quiet", "--create", "proposal", early)
    git("merge", "--quiet", "--no-edit", side)
    head = commit({"results/victim.json": None})
    assert sorted(git("merge-base", "--all", base, head).splitlines()) == sorted([early, side])
    assert root != early
    repository = Repository(tmp_path)
    merged = repository.merged(base, head)
    assert merged is not None
    assert [(one.status, one.path) for one in repository.changes(base, merged)] == [("D", "results/victim.json")]


def test_what_conflicts_or_shares_no_history_has_no_merge(tmp_path: Path, git: Git, commit: Commit) -> None:
    commit({"a": b"1\n"})
    git("switch", "--quiet", "--create", "proposal")
    head = commit({"a": b"2\n"})
    git("switch", "--quiet", "main")
    base = commit({"a": b"3\n"})
    git("switch", "--quiet", "--orphan", "stranger")
    stranger = commit({"b": b"1\n"})
    repository = Repository(tmp_path)
    assert repository.merged(base, head) is None
    assert repository.merged(base, stranger) is None


def test_only_plain_files_below_the_folder_are_named(tmp_path: Path, commit: Commit) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "link.json").symlink_to("/etc/passwd")
    (tmp_path / "results" / "tool.json").write_bytes(b"#!")
    (tmp_path / "results" / "tool.json").chmod(0o755)
    made = commit({"results/one.json": b"{}", "other/two.json": b"{}"})
    assert list(Repository(tmp_path).files(made, "results/")) == ["results/one.json"]


def test_blobs_are_sized_and_written_byte_by_byte(tmp_path: Path, commit: Commit) -> None:
    """More than are held at once; with ends of lines and NUL in them, which a filter or a parser could spoil."""
    files: dict[str, bytes | None] = {f"results/{number}": b"a\n\0" * number for number in range(2 * AT_ONCE + 1)}
    made = commit({**files, ".gitattributes": b"* text eol=crlf\n"})
    repository = Repository(tmp_path)
    blobs = repository.files(made, "results/")
    assert sorted(repository.sizes(list(blobs.values())).values()) == sorted(
        {len(data or b"") for data in files.values()}
    )
    placed = repository.extract(blobs, tmp_path / "out")
    assert {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in placed} == {
        name: repository.read(blob) for name, blob in blobs.items()
    }
    assert repository.sizes([]) == {}
    assert repository.extract({}, tmp_path / "none") == []


def test_a_hook_s_variables_lead_to_no_other_repository(
    tmp_path: Path, commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = commit({"a": b"1\n"})
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert Repository(tmp_path).commit("main") == made


def test_what_is_no_commit_or_no_repository_is_told(tmp_path: Path, commit: Commit) -> None:
    commit({"a": b"1\n"})
    for name in ("nonsense", "--all", "main:a"):
        with pytest.raises(NoRepository):
            Repository(tmp_path).commit(name)
    with pytest.raises(NoRepository):
        Repository(tmp_path / "nowhere").commit("main")


def test_a_missing_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert os.environ["PATH"] == str(tmp_path)
    with pytest.raises(NoRepository, match="not installed"):
        Repository(tmp_path).commit("main")
