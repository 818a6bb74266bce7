"""What merging a pull request would change, and whether results may come that way: paths, modes and sizes. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from suite.check.files import MAX_BYTES
from suite.check.findings import Finding, error
from suite.signatures import ALLOWED_SIGNERS
from suite.signatures import MAX_BYTES as MAX_SIGNATURE_BYTES

RESULTS = "results/"
DECISIONS = "results/decisions.jsonl"
KEYS = f"results/{ALLOWED_SIGNERS}"
"""No result: whoever could change it beside one could vouch for it."""

PLACE = re.compile(r"results/[a-z0-9]+(?:-[a-z0-9]+)*/[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{12}\.json(?:\.sig)?")
SIGNATURE = ".sig"

PLAIN_FILE = "100644"
"""Git's mode of a file that is no link, no submodule and no program."""

MAX_FILES = 20
"""More runs at once than anybody reads the preview of."""

MOST_REFUSED = 20
"""More lines about one pull request help nobody."""

Kind = Literal["code", "results", "decision"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A path that would change. `status` is git's letter for how: A added, M modified, D deleted, T of another type.

    mode      of the file afterwards, as git writes it; "000000" where there is none
    old_blob  the object that holds its bytes now; zeros where there is none
    blob      the object that would hold them
    """

    status: str
    mode: str
    old_blob: str
    blob: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A path and why a pull request may not change it so."""

    path: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What kind of pull request it is, the files to look into, and what forbids looking into any.

    code      touches no result: other checks judge it
    results   adds result files or signatures
    decision  adds to the log of decisions
    """

    kind: Kind
    files: tuple[Change, ...]
    refused: tuple[Refusal, ...]


def parse(raw: bytes) -> tuple[Change, ...]:
    """What `git diff-tree --raw -r -z --no-renames` printed; bytes of a path that are no UTF-8 become surrogates."""
    fields = raw.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return tuple(_change(told, path) for told, path in zip(fields[0::2], fields[1::2], strict=True))


def _change(told: str, path: str) -> Change:
    _, mode, old_blob, blob, status = told.split(" ")
    return Change(status=status[:1], mode=mode, old_blob=old_blob, blob=blob, path=path)


def verdict(changes: Sequence[Change], existing: Collection[str]) -> Verdict:
    """The verdict by paths and modes alone. `existing` are the paths of the results that are there already."""
    inside = tuple(one for one in changes if one.path.startswith(RESULTS) and one.path != KEYS)
    if not inside:
        return Verdict(kind="code", files=(), refused=())
    refused = [*_mixed(changes, inside)]
    if any(one.path == DECISIONS for one in inside):
        refused += _decision(inside)
        return Verdict(kind="decision", files=inside, refused=shortened(refused))
    if len(inside) > MAX_FILES:
        told = f"{len(inside)} files at once; at most {MAX_FILES}"
        refused.append(_refusal(RESULTS, "pull-many", told, "Make several pull requests."))
    known = {*existing, *(one.path for one in inside)}
    refused += (Refusal(path=one.path, finding=found) for one in inside if (found := _finding(one, known)))
    return Verdict(kind="results", files=inside, refused=shortened(refused))


def shortened(refused: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """The first of them, and how many there are where that is not all."""
    if len(refused) <= MOST_REFUSED:
        return tuple(refused)
    told = f"{len(refused)} findings in all; the first {MOST_REFUSED} are shown"
    return (*refused[:MOST_REFUSED], _refusal(RESULTS, "more", told, "Mend these first."))


def _mixed(changes: Sequence[Change], inside: Sequence[Change]) -> Iterator[Refusal]:
    """Whoever could change the rules beside a result could change them for it."""
    outside = [one for one in changes if one not in inside]
    if outside:
        told = f"results and {len(outside)} other file{'s' if len(outside) > 1 else ''} in one pull request"
        yield _refusal(outside[0].path, "pull-mixed", told, "Put the results into a pull request of their own.")


def _decision(inside: Sequence[Change]) -> Iterator[Refusal]:
    (log, *_) = (one for one in inside if one.path == DECISIONS)
    if len(inside) > 1:
        told = "decisions and results in one pull request"
        yield _refusal(DECISIONS, "pull-decisions", told, "Put the decisions into a pull request of their own.")
    if log.status not in ("A", "M") or log.mode != PLAIN_FILE:
        told = "the log of decisions is a plain file, to which lines are added"
        yield _refusal(DECISIONS, "pull-decisions", told, "Restore it and add lines at its end.")


def _finding(change: Change, known: Collection[str]) -> Finding | None:
    if change.status != "A":
        told = "an existing result would be removed" if change.status == "D" else "an existing result would be changed"
        return error("pull-changed", "", told, "Results are only added: withdraw one by a line of decisions.jsonl.")
    if not PLACE.fullmatch(change.path):
        told = "no place of a result or its signature"
        return error("pull-place", "", told, "`python -m suite submit` puts it at results/<machine>/<date>-<id>.json.")
    if change.mode != PLAIN_FILE:
        told = f"a link, a submodule or a program (mode {change.mode}) instead of a plain file"
        return error("pull-mode", "", told, "Add the file itself, not executable.")
    if change.path.endswith(SIGNATURE) and change.path.removesuffix(SIGNATURE) not in known:
        return error("pull-place", "", "a signature of a result that is not here", "Add the result with it.")
    return None


def too_large(changes: Sequence[Change], sizes: Mapping[str, int]) -> tuple[Refusal, ...]:
    """The files of which not a byte is read. `sizes` are those of the blobs, in bytes."""
    return tuple(
        _refusal(
            one.path, "pull-size", f"{sizes[one.blob]} bytes; at most {_most(one)} are read", "Submit it as written."
        )
        for one in changes
        if sizes[one.blob] > _most(one)
    )


def _most(change: Change) -> int:
    return MAX_SIGNATURE_BYTES if change.path.endswith(SIGNATURE) else MAX_BYTES


def grown(old: bytes, new: bytes) -> Finding | None:
    """What is wrong where `new` is not `old` and whole lines after it; None where it is."""
    added = new.removeprefix(old) if new.startswith(old) else b""
    starts_line = not old or old.endswith(b"\n") or added.startswith(b"\n")
    if added.strip() and starts_line and added.endswith(b"\n"):
        return None
    told = "lines of the log would be changed or removed, or none is added"
    return error("pull-decisions", "", told, "Restore its lines and add whole ones at its end.")


def _refusal(path: str, rule: str, told: str, cure: str) -> Refusal:
    return Refusal(path=path, finding=error(rule, "", told, cure))
