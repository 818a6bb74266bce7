"""Where a file says it comes from: the suite that made it, and the signature beside it.

Not asked by `check_file`: what lies beside a file can change while the file does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from suite.check.findings import Finding, error, warning
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


def made_by(result: Result) -> Iterator[Finding]:
    """Whether anybody can look up the code that made the file."""
    software = result.software
    if software.commit is None:
        told = "the suite that made it was no checkout, so its commit is unknown"
        yield warning("commit-unknown", "/software/commit", told, "Run from a checkout of the suite.")
    elif software.modified is not False:
        told = "the suite that made it was not as committed"
        yield warning("code-modified", "/software/modified", told, "Run from a checkout without changes of your own.")
