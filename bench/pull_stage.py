"""The stage of bench/simulate_pr.py: synthetic results, three git repositories, and the suite that judges in one.

A bare origin, a maintainer's clone and a contributor's. Each pull request is a commit at refs/pull/<n>/head; the code
of the maintainer's main branch judges it, in a clone that fetches it and never checks it out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sealing import packed, resealed
from synthetic import result

from suite import exits
from suite.identity import sealed
from suite.record import Result, dumps

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("suite", "backends", "workloads", "site")

H100, A100, H100_AGAIN, A100_AGAIN = 0, 3, 10, 13
"""Synthetic results; machines come round every ten."""

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "COVERAGE_"))},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_NAME": "Somebody" for role in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{role}_EMAIL": "somebody@example.org" for role in ("AUTHOR", "COMMITTER")},
}

DECISION = '{"date": "2026-11-21", "result": "%s", "action": "withdrawn", "reason": "the fan was unplugged"}\n'


def made(index: int) -> Result:
    """A synthetic result with two models and its calibration: enough for a board of each kind."""
    whole = result(index, 1)
    models = [one for one in whole.cells if one.cell.workload != "calib" and one.outcome == "ok"]
    calib = [one for one in whole.cells if one.cell.workload == "calib"]
    return sealed(whole.model_copy(update={"cells": (*models[:2], *calib)}))


def put(checkout: Path, one: Result, data: bytes | None = None) -> Path:
    """A result, or other bytes in its place, where it belongs in a checkout."""
    path = checkout / "results" / one.system.slug / one.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dumps(one) if data is None else data)
    return path


def forged(one: Result) -> tuple[Result, bytes]:
    """A result that claims half its joules for the first window, under its content's own id."""
    document = json.loads(dumps(one))
    document["cells"][0]["attempts"][-1]["energies"][0][0]["joules"] /= 2
    document = resealed(document, one.id)
    return one.model_copy(update={"id": document["id"]}), packed(document)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def git(folder: Path, *arguments: str) -> str:
    done = run(folder, "git", *arguments)
    if done.returncode != 0:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def suite(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The suite of this checkout: Python looks for modules where it was started first."""
    return run(folder, sys.executable, "-m", "suite", *arguments)


def rules(done: subprocess.CompletedProcess[str]) -> str:
    """The rules by which a check refuses, or that it ended in another way."""
    if done.returncode != exits.CHECK_FAILED:
        return f"ended with code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
    return f"refused: {', '.join(sorted(set(re.findall(r'^::error .*?title=([a-z-]+)', done.stdout, re.MULTILINE))))}"


def agrees(found: str, expected: str) -> bool:
    """A refusal may name more rules than those that are expected."""
    refused = "refused: "
    if not (found.startswith(refused) and expected.startswith(refused)):
        return found == expected
    named, asked = (set(one.removeprefix(refused).split(", ")) for one in (found, expected))
    return asked <= named


@dataclass(frozen=True)
class Stage:
    """The three repositories, and where the preview goes."""

    root: Path
    preview: Path

    @property
    def origin(self) -> Path:
        return self.root / "origin.git"

    @property
    def maintainer(self) -> Path:
        return self.root / "maintainer"

    @property
    def contributor(self) -> Path:
        return self.root / "contributor"

    def proposed(self, change: Callable[[Path], object]) -> str:
        """A pull request with what `change` makes of a checkout of main; what is said of it."""
        git(self.contributor, "switch", "--quiet", "--force-create", "proposal", "origin/main")
        change(self.contributor)
        git(self.contributor, "add", "--all")
        git(self.contributor, "commit", "--quiet", "--message", "A proposal")
        return self.judged("proposal")

    def judged(self, branch: str) -> str:
        """What the base branch's code says of a pull request from this branch of the contributor's."""
        number = len(git(self.origin, "for-each-ref", "refs/pull").splitlines()) + 1
        git(self.contributor, "push", "--quiet", "origin", f"{branch}:refs/pull/{number}/head")
        git(self.maintainer, "fetch", "--quiet", "origin", f"refs/pull/{number}/head")
        self.preview.unlink(missing_ok=True)
        told = ("--format", "github", "--preview", str(self.preview))
        done = suite(self.maintainer, "review", "main", git(self.maintainer, "rev-parse", "FETCH_HEAD"), *told)
        if done.returncode != exits.OK:
            return rules(done)
        return "accepted" if self.preview.exists() else "no result is touched"


def staged(root: Path) -> Stage:
    """An origin with the suite's code and two results, and a clone for each of the two."""
    stage = Stage(root=root, preview=root / "preview.md")
    git(root, "init", "--quiet", "--bare", "--initial-branch", "main", str(stage.origin))
    git(root, "clone", "--quiet", str(stage.origin), str(stage.maintainer))
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__", "_build*", "._build*")
        shutil.copytree(ROOT / room, stage.maintainer / room, ignore=ignored)
    shutil.copy(ROOT / ".gitignore", stage.maintainer)
    for index in (H100, A100):
        put(stage.maintainer, made(index))
    (stage.maintainer / "results" / "decisions.jsonl").write_text(DECISION % made(A100).id)
    git(stage.maintainer, "switch", "--quiet", "--create", "main")
    git(stage.maintainer, "add", "--all")
    git(stage.maintainer, "commit", "--quiet", "--message", "The suite and two results")
    git(stage.maintainer, "push", "--quiet", "origin", "main")
    git(root, "clone", "--quiet", str(stage.origin), str(stage.contributor))
    return stage
