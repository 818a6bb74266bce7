"""The course of a submission: everything that may stop it is asked before anything is written."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite import exits
from suite.check.document import Refused, parse, read_bytes
from suite.check.findings import Finding
from suite.signatures import ALLOWED_SIGNERS, NotPlain, Signature, signature_bytes, signature_path, verified
from suite.submit import Stopped, place, pull, repository
from suite.submit.place import Submission
from suite.submit.public import names_here, public_lines
from suite.submit.repository import Repository
from suite.submit.signing import sign

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where a submission goes and how far: `request` includes `commit`. Without a key the signature it has is kept."""

    results: Path
    key: Path | None = None
    commit: bool = False
    request: bool = False


def submit(file: Path, findings: Sequence[Finding], wish: Wish, tell: Tell) -> None:
    """Submit a file that a check accepted with these findings. Stopped with one line where it goes no further."""
    submission = _read(file, signing=wish.key is not None)
    tell("\n".join(public_lines(submission.result, names_here())))
    home = _home(submission, wish, tell)
    gh = wish.request and pull.gh_there()
    place.look(submission, wish.results, signing=wish.key is not None)
    signed, found = _signed(submission, wish, tell)
    if home is None:
        tell(_by_hand(signed, _placed(signed, wish, tell)))
        return
    repository.new(home, signed.branch, signed.files(wish.results))
    _placed(signed, wish, tell)
    _committed(home, signed, wish, tell)
    _propose(home, signed, wish, tell, gh=gh, body=pull.body(signed.result, findings, found))


def _read(file: Path, *, signing: bool) -> Submission:
    """The file as it is now, with the signature beside it unless it is to have a new one."""
    try:
        data = read_bytes(file)
        return Submission(result=parse(data), data=data, signature=None if signing else signature_bytes(file))
    except (Refused, NotPlain, OSError) as problem:
        raise Stopped(exits.CHECK_FAILED, f"{file} changed while it was submitted: {problem}. Try again.") from problem


def _home(submission: Submission, wish: Wish, tell: Tell) -> Repository | None:
    """The repository to commit to, if that is wished and can be."""
    if not (wish.commit or wish.request):
        return None
    home = repository.holding(wish.results)
    (target,) = submission.signed(None).files(wish.results)
    who = repository.look(home, (target, signature_path(target)))
    tell(f"The commit will say that it is by {who}.")
    if wish.request and not repository.has_origin(home):
        cure = "Name your fork, git remote add origin URL, or use --commit"
        raise Stopped(exits.USAGE, f"Nowhere to push to: the repository has no remote origin. {cure}.")
    return home


def _signed(submission: Submission, wish: Wish, tell: Tell) -> tuple[Submission, Signature]:
    if wish.key is not None:
        submission = submission.signed(sign(submission.data, wish.key))
    if submission.signature is None:
        return submission, Signature(state="unsigned")
    found = verified(submission.data, submission.signature, wish.results / ALLOWED_SIGNERS)
    if found.state == "invalid":
        raise Stopped(exits.CHECK_FAILED, f"Its signature does not hold: {found.why}. Remove it, or use --sign KEY.")
    if found.state == "valid":
        known = f", known as {found.principal}" if found.principal else ""
        tell(f"Signed by {found.key_type} key {found.fingerprint}{known}. {pull.PROVES}")
    return submission, found


def _placed(submission: Submission, wish: Wish, tell: Tell) -> tuple[Path, ...]:
    placed = place.place(submission, wish.results)
    tell(f"\nPlaced {', '.join(map(str, placed))}.")
    return placed


def _committed(home: Repository, submission: Submission, wish: Wish, tell: Tell) -> None:
    made = repository.commit(home, submission.branch, submission.files(wish.results), f"{submission.title}\n")
    tell(f"Committed {made[:12]} on the branch {submission.branch}, on {home.shown}; your own branch is as it was.")


def _by_hand(submission: Submission, placed: Sequence[Path]) -> str:
    if not any((folder / ".git").exists() for folder in placed[0].resolve().parents):
        return "\nIt lies in no git checkout. To publish it, clone the repository of results and name it by --results."
    commands = (
        ["git", "switch", "-c", submission.branch],
        ["git", "add", *map(str, placed)],
        ["git", "commit", "-m", submission.title],
        repository.push_command(submission.branch),
    )
    files = "this one file" if len(placed) == 1 else "these two files"
    told = [f"\nTo publish it, make a pull request with {files} (--commit or --pr does it for you):"]
    return "\n".join([*told, *(f"  {shlex.join(words)}" for words in commands)])


def _propose(home: Repository, submission: Submission, wish: Wish, tell: Tell, *, gh: bool, body: str) -> None:
    """Push and open the pull request, or say how."""
    push, request = repository.push_command(submission.branch), pull.command(submission.title, submission.branch)
    if not gh:
        told = "gh is not here. " if wish.request else ""
        tell(f"\n{told}To publish it:\n  {shlex.join(push)}\n  {shlex.join(request)}")
        tell(f"with this body, or open the pull request in a browser:\n\n{body}")
        return
    problem = repository.push(home, submission.branch)
    if problem is not None:
        kept = f"The commit is kept: push {submission.branch} to a fork of yours, and run {shlex.join(request)}"
        raise Stopped(exits.CANNOT_WRITE, f"Cannot push to origin: {problem}. {kept}")
    tell(f"Pull request: {pull.create(home, request, body)}")
