"""Play pull requests to the repository of results with local git repositories, judged as .github/workflows/ does.

    python bench/simulate_pr.py

The scenes; what they play on is bench/pull_stage.py. Prints what was expected and what was found; ends with code 1
where they differ. All results are synthetic.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from pull_stage import (
    A100_AGAIN,
    DECISION,
    H100,
    H100_AGAIN,
    Stage,
    agrees,
    forged,
    git,
    made,
    put,
    rules,
    staged,
    suite,
)
from sealing import packed

from suite import exits
from suite.identity import sealed
from suite.record import dumps

FORGIVING = """

def examine(result, today=None):
    return ()
"""
BLIND = """

def verdict(changes, existing):
    return Verdict(kind="code", files=(), refused=())
"""


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


def relabelled(checkout: Path) -> None:
    """More memory than the run found, in a file that says it is older than ids of content."""
    document = json.loads(dumps(made(A100_AGAIN))) | {"schema_version": 3}
    document["system"]["memory_bytes"] += 2**30
    put(checkout, made(A100_AGAIN), packed(document))


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
    "a changed result that calls itself older": ("refused: pull-version", proposal(relabelled)),
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
