"""Detached SSH signatures beside result files: `<name>.json.sig`, verified by OpenSSH's ssh-keygen.

A valid one says that the holder of a key signed these bytes as a result. It does not say that they are true.
Format: PROTOCOL.sshsig of OpenSSH. Needs OpenSSH 8.2 or later, and no network.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from suite.check.files import MAX_BYTES as MAX_RESULT_BYTES

NAMESPACE = "joulemark-result"
"""What such a signature is for: one made for another purpose does not count."""

ALLOWED_SIGNERS = "allowed_signers"
"""In the folder of results: whose keys are known, in the format of ssh-keygen(1)."""

MAX_BYTES = 4096
"""A signature by RSA of 16,384 bits, the longest that OpenSSH makes, is shorter."""

LIMIT_S = 10.0
"""Verifying takes milliseconds."""

State = Literal["unsigned", "valid", "invalid", "unchecked"]

_GOOD = re.compile(r'Good "[^"]*" signature with (\S+) key (SHA256:[A-Za-z0-9+/]{43})')


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What is known of a file's signature.

    state        "unchecked" where nothing here can verify it
    fingerprint  "SHA256:" and 43 characters of the key that signed, where the signature is valid
    key_type     as ssh-keygen calls it, like "ED25519", where the signature is valid
    principal    who that key belongs to, by the allowed signers; None where they do not know it
    why          one clause, where the signature is invalid or unchecked
    """

    state: State
    fingerprint: str | None = None
    key_type: str | None = None
    principal: str | None = None
    why: str | None = None


UNSIGNED = Signature(state="unsigned")


@dataclass(frozen=True, slots=True)
class Beside:
    """A file's signature as it lies there: its bytes, or what is said of it where it cannot be read as one."""

    held: bytes | None
    said: Signature = UNSIGNED

    def signature(self, data: bytes, allowed: Path | None) -> Signature:
        """What it says of the bytes of its file."""
        return self.said if self.held is None else verified(data, self.held, allowed)


class Unavailable(Exception):
    """ssh-keygen cannot be asked here. The message is a clause that says why."""


class NotPlain(Exception):
    """No regular file of bearable size. The message is a clause that says what it is."""


def signature_path(path: Path) -> Path:
    """Where the signature of this file lies, if it has one."""
    return Path(f"{path}.sig")


def signature_of(path: Path, allowed: Path | None) -> Signature:
    """The signature beside a result file, verified. Only a signed file costs a process; nothing that lies there raises.

    `allowed` is the file of allowed signers that tells whose key it is; None, or no such file: nobody is asked.
    """
    lies = beside(path)
    if lies.held is None:
        return lies.said
    try:
        data = _plain_bytes(path, MAX_RESULT_BYTES)
    except (NotPlain, OSError):
        return Signature(state="unchecked", why="the file that it should belong to cannot be read")
    return lies.signature(data, allowed)


def beside(path: Path) -> Beside:
    """What lies beside the result file; never raises for what that is."""
    try:
        return Beside(signature_bytes(path))
    except NotPlain as problem:
        return Beside(None, Signature(state="invalid", why=str(problem)))
    except OSError as problem:
        return Beside(None, Signature(state="unchecked", why=f"it cannot be read: {problem.strerror}"))


def signature_bytes(path: Path) -> bytes | None:
    """The signature beside this file, unverified; None where there is none. NotPlain, OSError."""
    beside = signature_path(path)
    return _plain_bytes(beside, MAX_BYTES) if os.path.lexists(beside) else None


def verified(data: bytes, signature: bytes, allowed: Path | None) -> Signature:
    """What a signature says of these bytes. Never raises for what it holds."""
    try:
        with tempfile.TemporaryDirectory(prefix="joulemark-") as folder:
            held = Path(folder, "signature")
            held.write_bytes(signature)
            return _verified(data, held, allowed)
    except Unavailable as problem:
        return Signature(state="unchecked", why=str(problem))
    except OSError as problem:
        return Signature(state="unchecked", why=f"it cannot be handed to ssh-keygen: {problem.strerror}")


def _verified(data: bytes, held: Path, allowed: Path | None) -> Signature:
    done = ssh_keygen("-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(held), data=data)
    found = _GOOD.search(_text(done.stdout))
    if done.returncode != 0 or found is None:
        return Signature(state="invalid", why=_why(_text(done.stderr)))
    known = allowed is not None and allowed.is_file()
    principal = _principal(data, held, allowed) if allowed is not None and known else None
    return Signature(state="valid", key_type=found[1], fingerprint=found[2], principal=principal)


def _principal(data: bytes, held: Path, allowed: Path) -> str | None:
    """The first of those whose key it is that may sign results with it today."""
    found = ssh_keygen("-Y", "find-principals", "-s", str(held), "-f", str(allowed))
    for principal in _text(found.stdout).splitlines() if found.returncode == 0 else ():
        who = ("-f", str(allowed), "-I", principal)
        if ssh_keygen("-Y", "verify", *who, "-n", NAMESPACE, "-s", str(held), data=data).returncode == 0:
            return principal
    return None


def _why(told: str) -> str:
    if "namespace" in told:
        return f"it was made for another purpose than {NAMESPACE}"
    if "incorrect signature" in told:
        return "it belongs to another file, or the file was changed after it was signed"
    return "it is no SSH signature"


def ssh_keygen(*arguments: str, data: bytes = b"", limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[bytes]:
    """What ssh-keygen makes of these arguments with `data` on its standard input, or Unavailable."""
    program = shutil.which("ssh-keygen")
    if program is None:
        raise Unavailable("there is no ssh-keygen here")
    try:
        done = subprocess.run([program, *arguments], input=data, capture_output=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as problem:
        raise Unavailable(f"ssh-keygen took longer than {limit_s:g} s") from problem
    except OSError as problem:
        raise Unavailable(f"ssh-keygen does not start: {problem.strerror}") from problem
    if b"usage:" in done.stderr:
        raise Unavailable("this ssh-keygen is older than OpenSSH 8.2")
    return done


def _plain_bytes(path: Path, most: int) -> bytes:
    """Nothing is opened that could be anything but a plain file, whatever stands there a moment later."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotPlain("it is no regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotPlain("it is no regular file")
        data = stream.read(most + 1)
    if len(data) > most:
        raise NotPlain(f"it is larger than {most} bytes")
    return data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
