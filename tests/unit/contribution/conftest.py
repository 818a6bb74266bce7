"""Git repositories in folders of their own, without anybody's configuration."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A new repository with a branch main; calls git in it and gives what it said."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")

    def call(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    call("init", "--quiet", "--initial-branch", "main")
    return call


@pytest.fixture
def commit(git: Git, tmp_path: Path) -> Callable[..., str]:
    """Write files (None removes one), commit all, and give the commit's id."""

    def made(files: dict[str, bytes | None]) -> str:
        for name, data in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if data is None else path.write_bytes(data)
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return git("rev-parse", "HEAD")

    return made
