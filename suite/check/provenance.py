"""Where a file says it comes from: the suite that made it, and the signature beside it.

Not asked by `check_file`: what lies beside a file can change while the file does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from suite.check.commits import code_at
from suite.check.findings import Finding, error, warning
from suite.code import ROOT
from suite.record import Result
from suite.signatures import signature_of


def signed(path: Path) -> Iterator[Finding]:
    """What is wrong with the signature beside the file; nothing where there is none."""
    found = signature_of(path, None)
    if found.state == "invalid":
        cure = "Remove the .sig, or sign the file anew: python -m suite submit FILE --sign KEY."
        yield error("signature-bad", "", f"its signature does not hold: {found.why}", cure)
    elif found.state == "unchecked":
        cure = "Install OpenSSH 8.2 or later where this should be known."
        yield warning("signature-unchecked", "", f"its signature was not verified: {found.why}", cure)


def made_by(result: Result, root: Path = ROOT) -> Iterator[Finding]:
    """Whether anybody can look up the code that made the file, and whether it is that code.

    The latter is asked where the suite lies in a checkout, at `root`, that has the commit in its history.
    """
    software, named = result.software, named_commit(result)
    if software.commit is None:
        told = "the suite that made it was no checkout, so its commit is unknown"
        yield warning("commit-unknown", "/software/commit", told, "Run from a checkout of the suite.")
    elif software.modified is not False:
        known = "was not as committed" if software.modified else "cannot tell whether it was as committed"
        told = f"the suite that made it {known}"
        yield warning("code-modified", "/software/modified", told, "Run from a checkout without changes of your own.")
    elif named is not None and code_at(named, root) not in (None, software.code_sha256):
        told = f"the suite that made it was other code than that of commit {named}, which it names"
        cure = "Run from a checkout without files of your own in suite, backends and workloads."
        yield warning("code-differs", "/software/code_sha256", told, cure)


def named_commit(result: Result) -> str | None:
    """The commit whose code the file says that it ran; None where it says that of none, or not which code it was."""
    software = result.software
    return software.commit if software.modified is False and software.code_sha256 is not None else None
