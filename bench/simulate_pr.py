"""Play pull requests to the repository of results with local git repositories, judged as .github/workflows/ does.

    python bench/simulate_pr.py

A bare origin, a maintainer's clone and a contributor's. Each pull request is a commit at refs/pull/<n>/head; the code
of the maintainer's main branch judges it, in a clone that fetches it and never checks it out. Prints what was expected
and what was found; ends with code 1 where they differ. All results are synthetic.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
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

FORGIVING = """

def examine(result, today=None):
    return ()
"""
BLIND = """

def verdict(changes, existing):
    return Verdict(kind="code", files=(), refused=())
"""
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


def honest(stage: Stage) -> str:
    one = made(H100_AGAIN)
    submitted = put(stage.root / "mine", one)
    done = suite(stage.contributor, "submit", str(submitted), "--commit")
    if done.returncode != exits.OK:
        return f"not submitted: {done.stderr.strip()}"
    found = stage.judged(f"result-{one.id}")
    if found != "accepted":
        return found
    ranked = re.search(rf"`{one.system.slug} [^|]*\| \d\S* of \d", stage.preview.read_text())
    return "accepted, with its rank" if ranked else "accepted, without a rank"


def merged(stage: Stage) -> str:
    """The honest result on main, checked again there, and the site built."""
    git(stage.maintainer, "fetch", "--quiet", "origin", "refs/pull/1/head")
    git(stage.maintainer, "merge", "--quiet", "--no-ff", "--no-edit", "FETCH_HEAD")
    git(stage.maintainer, "push", "--quiet", "origin", "main")
    git(stage.contributor, "fetch", "--quiet", "origin")
    checked = suite(stage.maintainer, "check", "results", "--format", "github")
    if checked.returncode != exits.OK:
        return rules(checked)
    built = suite(stage.maintainer, "site", "--out", str(stage.root / "site"))
    if built.returncode != exits.OK:
        return f"no site: {built.stderr.strip()}"
    shown = made(H100_AGAIN).id in (stage.root / "site" / "data" / "results.json").read_text()
    return "checked, and on the site" if shown else "checked, and not on the site"


def slipped(stage: Stage) -> str:
    """A false result that somebody merged in spite of its check: what main says before the site is built."""
    path = put(stage.maintainer, *forged(made(A100_AGAIN)))
    found = rules(suite(stage.maintainer, "check", "results", "--format", "github"))
    path.unlink()
    return found


def mixed(checkout: Path) -> None:
    put(checkout, made(A100_AGAIN))
    (checkout / "README.md").write_text("Read this.\n")


def edited(checkout: Path) -> None:
    one = made(H100)
    put(checkout, one, forged(one)[1])


def removed(checkout: Path) -> None:
    put(checkout, made(H100)).unlink()


def linked(checkout: Path) -> None:
    one = made(A100_AGAIN)
    path = put(checkout, one)
    path.unlink()
    path.symlink_to("/etc/passwd")


def hostile(checkout: Path) -> None:
    put(checkout, made(A100_AGAIN), b"[" * 100_000)


def replayed(checkout: Path) -> None:
    put(checkout, sealed(made(H100).model_copy(update={"date": "2026-03-03", "journal_sha256": "0" * 64})))


def rewritten(checkout: Path) -> None:
    (checkout / "results" / "decisions.jsonl").write_text(DECISION % made(H100).id)


def decided(checkout: Path) -> None:
    log = checkout / "results" / "decisions.jsonl"
    log.write_text(log.read_text() + DECISION % made(H100).id)


def loosened(checkout: Path) -> None:
    """A false result, and rules that would let it pass."""
    put(checkout, *forged(made(A100_AGAIN)))
    for path, added in {"suite/check/rules.py": FORGIVING, "suite/contribution/changes.py": BLIND}.items():
        (checkout / path).write_text((checkout / path).read_text() + added)


def proposal(change: Callable[[Path], object]) -> Callable[[Stage], str]:
    return lambda stage: stage.proposed(change)


SCENES: dict[str, tuple[str, Callable[[Stage], str]]] = {
    "an honest result": ("accepted, with its rank", honest),
    "a result beside another file": ("refused: pull-mixed", proposal(mixed)),
    "an old result edited": ("refused: pull-changed", proposal(edited)),
    "an old result removed": ("refused: pull-changed", proposal(removed)),
    "a link instead of a file": ("refused: pull-mode", proposal(linked)),
    "a hostile document": ("refused: depth", proposal(hostile)),
    "half the joules": ("refused: energy", proposal(lambda checkout: put(checkout, *forged(made(A100_AGAIN))))),
    "another's traces under a new date": ("refused: replayed", proposal(replayed)),
    "the log of decisions rewritten": ("refused: pull-decisions", proposal(rewritten)),
    "a decision added": ("accepted", proposal(decided)),
    "a false result and rules that let it pass": ("refused: pull-mixed", proposal(loosened)),
    "main after the honest one is merged": ("checked, and on the site", merged),
    "main after a false one is merged": ("refused: energy", slipped),
}


def main() -> None:
    differ = 0
    print("| scene | expected | found |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        stage = staged(Path(folder).resolve())
        for name, (expected, play) in SCENES.items():
            found = play(stage)
            differ += not agrees(found, expected)
            print(f"| {name} | {expected} | {found} |", flush=True)
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
