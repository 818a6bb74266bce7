"""What lies beside a result file and bears on trust: its signature, and whose keys are known."""

from __future__ import annotations

import shutil
from pathlib import Path

from suite import signatures
from suite.check.findings import Checked
from suite.check.provenance import made_by, signed
from suite.leaderboard.cache import key_of, sha256
from suite.signatures import UNSIGNED, signature_path

__all__ = ["UNSIGNED", "Beside", "beside", "signers_name", "with_origin"]


class Beside(signatures.Beside):
    """What lies beside a result file, and a name for the two of them."""

    __slots__ = ()

    def name(self, data: bytes, signers: str) -> str:
        """A name for a result file of these bytes with this beside it: the bytes' digest where nothing is."""
        if self.held is None and self.said == UNSIGNED:
            return sha256(data)
        return key_of(sha256(data), self.held and sha256(self.held), self.said, signers)


def beside(path: Path) -> Beside:
    """What lies beside the result file; never raises for what that is."""
    lies = signatures.beside(path)
    return Beside(lies.held, lies.said)


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
