"""What lies beside a result file and bears on trust: its signature, and whose keys are known."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from suite.check import Checked
from suite.check.provenance import made_by, signed
from suite.leaderboard.cache import key_of, sha256
from suite.signatures import NotPlain, Signature, signature_bytes, signature_path, verified

UNSIGNED = Signature(state="unsigned")


@dataclass(frozen=True, slots=True)
class Beside:
    """A file's signature as it lies there: its bytes, or what is said of it where it cannot be read as one."""

    held: bytes | None
    said: Signature = UNSIGNED

    def name(self, data: bytes, signers: str) -> str:
        """A name for a result file of these bytes with this beside it: the bytes' digest where nothing is."""
        if self.held is None and self.said == UNSIGNED:
            return sha256(data)
        return key_of(sha256(data), self.held and sha256(self.held), self.said, signers)

    def signature(self, data: bytes, allowed: Path | None) -> Signature:
        """What it says of the bytes of its file."""
        return self.said if self.held is None else verified(data, self.held, allowed)


def beside(path: Path) -> Beside:
    """What lies beside the result file; never raises for what that is."""
    try:
        return Beside(signature_bytes(path))
    except NotPlain as problem:
        return Beside(None, Signature(state="invalid", why=str(problem)))
    except OSError as problem:
        return Beside(None, Signature(state="unchecked", why=f"it cannot be read: {problem.strerror}"))


def with_origin(checked: Checked, path: Path, lies: Beside) -> Checked:
    """The check of a copy of the file at `path` with what its origin adds; the signature is laid beside the copy."""
    if checked.result is None:
        return checked
    if lies.held is not None:
        signature_path(checked.path).write_bytes(lies.held)
    signature = signed(checked.path if lies.said == UNSIGNED else path)
    found = (*checked.findings, *made_by(checked.result), *signature)
    is_refused = any(finding.severity == "error" for finding in found)
    return Checked(checked.path, None if is_refused else checked.result, found)


def signers_name(allowed: Path) -> str:
    """A name for all that verifying depends on besides file and signature: whose keys are known, and the program."""
    known = sha256(allowed.read_bytes()) if allowed.is_file() else None
    return key_of(known, shutil.which("ssh-keygen"))
