"""A branch with one commit of exactly these files, made without touching what the user has checked out.

The tree is put together in an index of its own, so branch, index and files of the user stay as they are.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite import exits
from suite.submit import Stopped

LIMIT_S = 300.0
"""Pushing over a slow line takes longest."""

PATIENCE_MS = 2000
"""For a lock on the branch to go: git holds one for milliseconds."""

_LOCKED = ".lock': File exists"

BASES = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master", "HEAD")
"""On which of these the commit stands, the first that is there: own commits do not belong into its pull request."""

_OF_ANOTHER = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX")
"""Variables by which a hook or another command would lead git to another repository."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout, by its top folder, and the name of the commit that a submission is based on."""

    top: Path
    base: str

    @property
    def shown(self) -> str:
        """The base as a person calls it."""
        return self.base.removeprefix("refs/remotes/")

    def relative(self, path: Path) -> str:
        """The name that git has for this file. Stopped where a link leads out of the repository."""
        place = path.parent.resolve() / path.name
        if not place.is_relative_to(self.top):
            raise Stopped(
                exits.USAGE, f"Cannot commit {path}: a link leads out of the repository. Name its own folder."
            )
        return place.relative_to(self.top).as_posix()


def holding(results: Path) -> Repository:
    """The repository that this folder, which need not exist yet, lies in. Stopped where there is none to commit to."""
    folder = results.resolve()
    standing = next(one for one in (folder, *folder.parents) if one.is_dir())
    found = _git(standing, "rev-parse", "--show-toplevel")
    if found.returncode != 0:
        known = "not a git repository" in found.stderr or "work tree" in found.stderr
        told = "it is in no git checkout" if known else _reason(found.stderr)
        raise Stopped(exits.USAGE, f"Cannot commit in {results}: {told}. Clone the repository of results first.")
    top = Path(found.stdout.rstrip("\n")).resolve()
    base = next((name for name in BASES if _commit_of(top, name)), None)
    if base is None:
        raise Stopped(exits.USAGE, f"Cannot commit in {results}: its repository has no commit yet. Fetch or make one.")
    return Repository(top, base)


def look(repository: Repository, paths: Iterable[Path]) -> str:
    """Stopped where the commit could not be made as promised, before anything is written; whose commit it will be."""
    top = repository.top
    own = {repository.relative(path) for path in paths}
    staged = set(_asked(top, "diff", "--cached", "--name-only", "--no-renames", "-z").split("\0")) - {""} - own
    if staged:
        told = f"other changes are staged, like {min(staged)}. Commit them, or unstage them: git restore --staged ."
        raise Stopped(exits.USAGE, f"Cannot commit: {told}")
    return _identity(top)


def new(repository: Repository, branch: str, files: Mapping[Path, bytes]) -> None:
    """Stopped where the base has these files already, or others in their place: results are only ever added.

    Likewise where the branch is there, unless with the very commit that an earlier try made of them.
    """
    if _commit_of(repository.top, f"refs/heads/{branch}") and _made_before(repository, branch, files) is None:
        told = f"the branch {branch} is there already. Push it, or remove it: git branch -D {branch}"
        raise Stopped(exits.USAGE, f"Cannot commit: {told}")
    differ = {path for path, data in files.items() if not _holds(repository, repository.base, path, data)}
    if not differ:
        raise Stopped(exits.USAGE, f"Nothing to commit: {repository.shown} has this result already.")
    for path in differ:
        name = repository.relative(path)
        if path.suffix == ".json" and _known(repository, repository.base, name):
            told = f"{repository.shown} has another {name}. Results are only ever added: run again, and submit that"
            raise Stopped(exits.CHECK_FAILED, f"Cannot commit: {told}.")


def commit(repository: Repository, branch: str, files: Mapping[Path, bytes], message: str) -> str:
    """Make the branch with one commit on the base, and give the commit's name. Stopped, and no branch, where it fails.

    The bytes are committed as they are: no filter or line ending of the checkout may break a signature. A branch that
    an earlier try left with exactly these files stays as it is.
    """
    top = repository.top
    before = _made_before(repository, branch, files)
    if before is not None:
        return before
    with tempfile.TemporaryDirectory(prefix="joulemark-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        _asked(top, "read-tree", repository.base, extra=index)
        for path, data in files.items():
            blob = _asked(top, "hash-object", "-w", "--stdin", data=data)
            entry = f"100644,{blob},{repository.relative(path)}"
            _asked(top, "update-index", "--add", "--cacheinfo", entry, extra=index)
        tree = _asked(top, "write-tree", extra=index)
    parent = _commit_of(top, repository.base)
    made = _asked(top, *_OWN_NAME, "commit-tree", tree, "-p", parent, data=message.encode())
    _point(top, f"refs/heads/{branch}", made)
    return made


def _point(top: Path, branch: str, made: str) -> None:
    """Make the branch. A lock on it that outlasts git's patience was left by a git that was killed: it is removed.

    Nobody but this command writes this branch, and git holds such a lock for milliseconds.
    """
    update = ("update-ref", "-m", "submit", branch, made, "")  # "": only where there is none
    done = _git(top, "-c", f"core.filesRefLockTimeout={PATIENCE_MS}", *update)
    if done.returncode == 0:
        return
    if _LOCKED in done.stderr:
        Path(top, _asked(top, "rev-parse", "--git-path", f"{branch}.lock")).unlink(missing_ok=True)
    _asked(top, *update)


def has_origin(repository: Repository) -> bool:
    return _git(repository.top, "remote", "get-url", "origin").returncode == 0


def push_command(branch: str) -> list[str]:
    return ["git", "push", "-u", "origin", branch]


def push(repository: Repository, branch: str) -> str | None:
    """Push the branch to origin: None, or what git says where it did not go."""
    done = _git(repository.top, *push_command(branch)[1:])
    return None if done.returncode == 0 else _reason(done.stderr)


_OWN_NAME = ("-c", "user.useConfigOnly=true")
"""Without it git would make an address of the names of user and host, and publish it."""


def _identity(top: Path) -> str:
    who = []
    for role in ("AUTHOR", "COMMITTER"):
        done = _git(top, *_OWN_NAME, "var", f"GIT_{role}_IDENT")
        if done.returncode != 0:
            cure = "git config user.name NAME; git config user.email ADDRESS (both become public)"
            raise Stopped(exits.USAGE, f"Cannot commit: git does not know who you are. Tell it: {cure}")
        who.append(done.stdout.rsplit(" ", 2)[0])
    return " and ".join(dict.fromkeys(who))


def _made_before(repository: Repository, branch: str, files: Mapping[Path, bytes]) -> str | None:
    """The branch's commit where it adds to its one parent some of these files, and holds all of them, and no more."""
    made = _commit_of(repository.top, f"refs/heads/{branch}")
    if not made:
        return None
    told = _asked(repository.top, "diff-tree", "-r", "-z", "--no-commit-id", "--name-only", "--no-renames", made)
    changed = set(told.split("\0")) - {""}
    is_whole = all(_holds(repository, made, path, data) for path, data in files.items())
    return made if is_whole and changed and changed <= set(map(repository.relative, files)) else None


def _holds(repository: Repository, commit: str, path: Path, data: bytes) -> bool:
    blob = _asked(repository.top, "hash-object", "--stdin", data=data)
    return _known(repository, commit, repository.relative(path)) == blob


def _known(repository: Repository, commit: str, name: str) -> str:
    """The blob or tree of this name in the commit, "" where there is none."""
    return _git(repository.top, "rev-parse", "--verify", "--quiet", f"{commit}:{name}").stdout.strip()


def _commit_of(top: Path, name: str) -> str:
    return _git(top, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").stdout.strip()


def _asked(top: Path, *arguments: str, data: bytes = b"", extra: Mapping[str, str] | None = None) -> str:
    done = _git(top, *arguments, data=data, extra=extra)
    if done.returncode != 0:
        raise Stopped(exits.CANNOT_WRITE, f"Cannot commit: git says: {_reason(done.stderr)}. Mend that, and try again.")
    return done.stdout.strip()


def _git(
    folder: Path, *arguments: str, data: bytes = b"", extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER}
    return run(["git", "-C", str(folder), *arguments], data=data, environment={**own, "LC_ALL": "C", **(extra or {})})


def run(
    command: Sequence[str],
    *,
    data: bytes = b"",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    limit_s: float = LIMIT_S,
) -> subprocess.CompletedProcess[str]:
    """A program's end and what it said. Stopped where it does not start or takes too long."""
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, env=environment, cwd=folder, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired as problem:
        told = f"{command[0]} took longer than {limit_s:g} s. Try again, or do it by hand."
        raise Stopped(exits.CANNOT_WRITE, told) from problem
    except OSError as problem:
        told = f"{command[0]} does not start: {problem.strerror}. Install it, or do it by hand."
        raise Stopped(exits.USAGE, told) from problem
    out, complaints = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(list(command), done.returncode, out, complaints)


def _reason(told: str) -> str:
    """The line that says why: git's own "fatal:" or "error:" where there is one."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    why = [line for line in lines if line.startswith(("fatal:", "error:", "!", "remote: error"))]
    return (why or lines or ["nothing"])[0].rstrip(".")
