"""A true result file, keys, repositories and a small gh: all real, all below a temporary folder."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.identity import sealed
from suite.record import Result, dumps
from suite.submit.place import Submission

H100 = 0

GH = """#!/bin/sh
echo "$@" >> "$GH_LOG"
case "$1" in
  auth) exit "${GH_AUTH:-0}" ;;
  pr) cat >> "$GH_LOG"; [ -z "$GH_FAILS" ] || { echo "$GH_FAILS" >&2; exit 1; }; echo https://example.org/pull/7 ;;
esac
"""


@pytest.fixture(scope="session")
def true_result(synthetic: ModuleType) -> Result:
    """A result that breaks no rule, with one model beside the calibration."""
    result: Any = synthetic.result(H100, 1)
    models = [one for one in result.cells if one.cell.workload != "calib" and one.outcome == "ok"]
    calib = [one for one in result.cells if one.cell.workload == "calib"]
    made: Result = result.model_copy(update={"cells": (models[0], *calib)})
    return sealed(made)


@pytest.fixture
def submission(true_result: Result) -> Submission:
    return Submission(result=true_result, data=dumps(true_result), signature=None)


@pytest.fixture
def file(tmp_path: Path, submission: Submission) -> Path:
    """The result's file, outside any repository."""
    path = tmp_path / "made" / submission.result.file_name
    path.parent.mkdir()
    path.write_bytes(submission.data)
    return path


MakeKey = Callable[..., Path]


@pytest.fixture
def make_key(tmp_path: Path) -> MakeKey:
    """A new private key; its public half lies beside it."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here")

    def make(name: str = "key", passphrase: str = "") -> Path:
        path = tmp_path / name
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f", str(path)]
        subprocess.run(command, check=True, capture_output=True)
        return path

    return make


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting, agent or login of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "GH_", "SSH_", "EMAIL"))]:
        monkeypatch.delenv(name)
    settings = tmp_path_factory.mktemp("settings") / "gitconfig"
    settings.write_text("[init]\n\tdefaultBranch = main\n[user]\n\tname = Alice\n\temail = alice@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("SSH_ASKPASS", "/bin/false")  # nobody is at a terminal, though the tests may run in one
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")


@contextmanager
def full_disk(room_bytes: int) -> Iterator[None]:
    """Files of this process cannot grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def disk_full() -> Callable[[int], AbstractContextManager[None]]:
    return full_disk


@dataclass(frozen=True)
class Checkout:
    """A clone with one commit of its own ahead of origin's main, and files and changes that nobody committed."""

    top: Path

    @property
    def results(self) -> Path:
        return self.top / "results"

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.top, capture_output=True, text=True, check=check)
        return done.stdout.strip()

    def state(self) -> tuple[str, ...]:
        """All that a submission leaves alone: where the user is, what is staged, changed and unknown to git."""
        index = (self.top / ".git" / "index").read_bytes().hex()
        asked = ("symbolic-ref HEAD", "rev-parse HEAD", "diff", "diff --cached", "stash list", "worktree list")
        return (*(self.git(*words.split()) for words in asked), index)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    top = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(origin), str(top)], check=True, capture_output=True)
    made = Checkout(top)
    (top / "README.md").write_text("results\n")
    (top / ".gitattributes").write_text("* text=auto eol=crlf\n")
    made.git("add", ".")
    made.git("commit", "-q", "-m", "first")
    made.git("push", "-q", "origin", "HEAD:main")
    made.git("remote", "set-head", "origin", "main")
    made.git("switch", "-q", "-c", "mine")
    made.git("commit", "-q", "--allow-empty", "-m", "mine alone")
    (top / "README.md").write_text("changed\n")
    (top / "unknown").write_text("not for git\n")
    return made


@dataclass(frozen=True)
class FakeGh:
    """A gh that writes down what it was asked, in the PATH."""

    log: Path

    @property
    def asked(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGh:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GH_LOG", str(tmp_path / "gh.log"))
    return FakeGh(tmp_path / "gh.log")


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A PATH of nothing but these programs of this machine."""

    def leave(*programs: str) -> None:
        folder = tmp_path / "only"
        folder.mkdir()
        for name in programs:
            found = shutil.which(name)
            assert found is not None
            (folder / name).symlink_to(found)
        monkeypatch.setenv("PATH", str(folder))

    return leave


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A shell script that takes the place of a program."""

    def make(name: str, script: str) -> None:
        folder = tmp_path / f"instead-of-{name}"
        folder.mkdir()
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return make
