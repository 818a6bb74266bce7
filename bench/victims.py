"""The commands that bench/kills.py kills: where each begins, and what may be there afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pull_stage import made, put

from suite import exits
from suite.check.single import check_file
from suite.folders import result_files
from suite.record import Attempt, loads
from suite.signatures import signature_of, signature_path

RUN_S = 20.0
"""The budget of a run: two cells at the size that is for tests, and the machine idle before and after."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended by itself."""

    code: int
    out: str
    complaints: str


class Victim(Protocol):
    """A command, and what it may leave. `goes_on`: the next kill hits it where this one left it."""

    folder: Path
    arguments: tuple[str, ...]
    environment: dict[str, str]
    usual_s: float | None
    goes_on: bool

    def reset(self) -> None: ...

    def wrong(self) -> Iterator[str]: ...

    def ended(self, done: Done) -> Iterator[str]: ...


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, hidden ones too: path -> digest."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).digest() for path in files}


def unreadable(results: Path) -> Iterator[str]:
    """Results that do not pass their check, and signatures that do not hold. A folder that is not there has none."""
    for path in result_files(results) if results.exists() else ():
        found = check_file(path)
        if found.result is None:
            yield f"{path.name}: {[one.rule for one in found.findings]}"
        if signature_of(path, None).state not in ("unsigned", "valid"):
            yield f"{path.name}: its signature does not hold"


def ended_well(done: Done, *codes: int) -> Iterator[str]:
    if done.code not in (codes or (exits.OK,)) or "Traceback" in done.complaints:
        yield f"ended with code {done.code}: {done.complaints.strip().splitlines()[-1:]}"


class _Base:
    arguments: tuple[str, ...] = ()
    usual_s: float | None = None
    goes_on: bool = False

    def __init__(self, root: Path, code: Path) -> None:
        self.folder = root / "work"
        self.environment: dict[str, str] = {"PYTHONPATH": str(code)}
        self._code, self._start = code, root / "start"
        self._start.mkdir()
        self.prepare(root)

    def prepare(self, root: Path) -> None:
        """Make the start that every round begins from."""

    def reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._start, self.folder, symlinks=True)


class Check(_Base):
    """Six results. It writes nothing, killed or not."""

    arguments: tuple[str, ...] = ("check", "results")

    def prepare(self, root: Path) -> None:
        for index in range(6):
            put(self._start, made(index))
        self._before = contents(self._start)
        self._said: str | None = None

    def wrong(self) -> Iterator[str]:
        if contents(self.folder) != self._before:
            yield "check wrote something"

    def ended(self, done: Done) -> Iterator[str]:
        yield from self.wrong()
        yield from ended_well(done)
        self._said = self._said or done.out
        if done.out != self._said:
            yield "check said something else"


class Site(_Base):
    """A third result beside a site of two; in every second round there was no site before."""

    arguments: tuple[str, ...] = ("site", "--results", "results", "--out", "out/site", "--site")

    def prepare(self, root: Path) -> None:
        self.arguments = (*self.arguments, str(self._code / "site"))
        for index in range(2):
            put(self._start, made(index))
        self._build()
        put(self._start, made(2))
        self._old, self._new, self._round = contents(self._start / "out" / "site"), dict[str, bytes](), 0

    def _build(self) -> None:
        environment = {**os.environ, **self.environment}
        command = [sys.executable, "-m", "suite", *self.arguments]
        subprocess.run(command, cwd=self._start, env=environment, check=True, capture_output=True)

    def reset(self) -> None:
        super().reset()
        self._round += 1
        if not self._round % 2:
            shutil.rmtree(self.folder / "out")

    def wrong(self) -> Iterator[str]:
        if contents(self.folder / "out" / "site") not in (self._new, {} if not self._round % 2 else self._old):
            yield "the site is neither the old one nor the new one"

    def ended(self, done: Done) -> Iterator[str]:
        yield from ended_well(done)
        shown = contents(self.folder / "out" / "site")
        self._new = self._new or shown
        if shown != self._new:
            yield "the site is another than without a kill"
        yield from (f"{path.name} is left" for path in (self.folder / "out").glob("**/site-*") if path.is_dir())


class Submit(_Base):
    """A signed result into a repository with another, and its commit."""

    def prepare(self, root: Path) -> None:
        key, mine = root / "key", made(1)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", "", "-f", str(key)], check=True)
        self.arguments = ("submit", str(put(root / "mine", mine)), "--sign", str(key), "--commit")
        self.environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0"}
        for role in ("AUTHOR", "COMMITTER"):
            self.environment |= {f"GIT_{role}_NAME": "Somebody", f"GIT_{role}_EMAIL": "somebody@example.org"}
        put(self._start, made(0))
        for words in ("init -q -b main", "add --all", "commit -q -m first"):
            self._git(*words.split(), folder=self._start)
        self._base, self._branch = self._git("rev-parse", "HEAD", folder=self._start), f"result-{mine.id}"
        self._place = f"results/{mine.system.slug}/{mine.file_name}"
        self._tree, self._files = "", dict[str, bytes]()

    def _git(self, *arguments: str, folder: Path | None = None) -> str:
        environment = {**os.environ, **self.environment}
        done = subprocess.run(
            ["git", *arguments], cwd=folder or self.folder, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout.rstrip("\n") if done.returncode == 0 else f"git {arguments[0]}: {done.stderr}"

    def wrong(self) -> Iterator[str]:
        yield from unreadable(self.folder / "results")
        target = self.folder / self._place
        if target.exists() and not signature_path(target).exists():
            yield "the result is there without its signature"
        if not contents(self.folder / "results").items() <= self._files.items() | self._torn():
            yield f"other files than it places: {sorted(contents(self.folder / 'results').keys() - self._files)}"
        yield from self._repository()

    def _torn(self) -> set[tuple[str, bytes]]:
        """What was being written: hidden, so that no command takes it for a result; the next try removes it."""
        found = contents(self.folder / "results").items()
        return {(name, digest) for name, digest in found if Path(name).name.startswith(f".{Path(self._place).name}.")}

    def _repository(self) -> Iterator[str]:
        if "git fsck" in self._git("fsck", "--strict", "--no-dangling"):
            yield "git fsck finds errors"
        if (self._git("symbolic-ref", "HEAD"), self._git("rev-parse", "HEAD")) != ("refs/heads/main", self._base):
            yield "HEAD has moved"
        known = {f"?? {self._place}", f"?? {self._place}.sig"}
        hidden = f"?? {Path(self._place).parent.as_posix()}/."
        lines = self._git("status", "--porcelain", "-uall").splitlines()
        if strange := [line for line in lines if line not in known and not line.startswith(hidden)]:
            yield f"git status tells {strange}"
        if (tree := self._made()) not in (None, self._tree):
            yield f"the branch holds {tree}"

    def _made(self) -> str | None:
        """The tree that the branch holds on the base; None where there is no branch."""
        if not self._git("branch", "--list", self._branch):
            return None
        parent = self._git("rev-parse", f"{self._branch}^")
        if parent != self._base:
            return f"what stands on {parent}"
        return self._git("rev-parse", f"{self._branch}^{{tree}}")

    def ended(self, done: Done) -> Iterator[str]:
        yield from ended_well(done)
        self._tree = self._tree or self._made() or "none"
        self._files = self._files or contents(self.folder / "results")
        yield from unreadable(self.folder / "results")
        yield from self._repository()
        if contents(self.folder / "results") != self._files or self._made() is None:
            yield f"not all was placed and committed, or more: {sorted(contents(self.folder / 'results'))}"


class Run(_Base):
    """The simulated machine with the smallest cells. What is on record may only grow until the result holds it."""

    arguments: tuple[str, ...] = (
        *("run", "--backend", "simulated", "--size", "xs", "--workload", "calib", "--framework", "torch"),
        *("--budget", f"{RUN_S:g}s"),
    )
    usual_s: float | None = RUN_S
    goes_on: bool = True

    def reset(self) -> None:
        super().reset()
        self._known: list[bytes] = []
        self._over = 0

    def wrong(self) -> Iterator[str]:
        """A journal that ends with "written" is over, and its result stands: the next run is another."""
        yield from unreadable(self.folder / "results")
        recorded = [line for path in self._journals() for line in path.read_bytes().split(b"\n")[:-1]]
        if recorded[: len(self._known)] != self._known:
            yield "what was on record is lost"
        is_over = bool(recorded) and json.loads(recorded[-1])["kind"] == "written"
        self._known, self._over = [] if is_over else recorded, self._over + is_over

    def _journals(self) -> list[Path]:
        return sorted((self.folder / "results" / ".runs").glob("*/journal.jsonl"))

    def ended(self, done: Done) -> Iterator[str]:
        yield from ended_well(done, exits.OK, exits.CELLS_FAILED)
        yield from unreadable(self.folder / "results")
        paths = result_files(self.folder / "results")
        if len(paths) != 1 + self._over:
            yield f"{len(paths)} results instead of {1 + self._over}"
        results = [loads(path.read_bytes()) for path in paths]
        held = [attempt for one in results for cell in one.cells for attempt in cell.attempts]
        if not all(one.complete for one in results) or not all(one in held for one in self._attempts()):
            yield "the result lacks what was on record"

    def _attempts(self) -> Iterator[Attempt]:
        events = map(json.loads, self._known)
        yield from (Attempt.model_validate_json(json.dumps(e["attempt"])) for e in events if e["kind"] == "tried")


VICTIMS: dict[str, Callable[[Path, Path], Victim]] = {"run": Run, "check": Check, "submit": Submit, "site": Site}
