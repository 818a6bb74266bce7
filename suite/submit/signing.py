"""Signing a result with a key of one's own: offline, by ssh-keygen, which asks for a passphrase itself."""

from __future__ import annotations

from pathlib import Path

from suite import exits
from suite.signatures import NAMESPACE, Unavailable, ssh_keygen, verified
from suite.submit import Stopped

PATIENCE_S = 300.0
"""A person types a passphrase or touches a key meanwhile."""

_TROUBLES = {
    "UNPROTECTED PRIVATE KEY": "others can read it. Make it yours alone: chmod 600 {key}",
    "incorrect passphrase": "its passphrase was not given. Try again at a terminal, or ssh-add it first",
    "No private key found": "its private half is neither beside it nor in an agent. Load it: ssh-add",
    "load public key": "it is no SSH key. Make one: ssh-keygen -t ed25519",
    "agent refused": "the agent refused it. Unlock it, or name the private key's file",
}
"""What ssh-keygen says -> what that means and the cure; the first that fits."""


def sign(data: bytes, key: Path) -> bytes:
    """The detached signature of these bytes, by a private key or by a public one whose other half an agent has.

    Stopped where there is none, with nothing written.
    """
    file = key.expanduser()
    if not file.is_file():
        raise Stopped(exits.USAGE, f"Cannot sign: no key {key}. Name one, or make one: ssh-keygen -t ed25519")
    try:
        done = ssh_keygen("-Y", "sign", "-f", str(file), "-n", NAMESPACE, data=data, limit_s=PATIENCE_S)
    except Unavailable as problem:
        raise _stopped(key, f"{problem}. Install OpenSSH 8.2 or later, or leave --sign out") from problem
    if done.returncode != 0:
        raise _stopped(key, _trouble(done.stderr.decode("utf-8", "replace"), key))
    if verified(data, done.stdout, None).state != "valid":
        raise _stopped(key, "what ssh-keygen made of it does not verify. Try another key")
    return done.stdout


def _trouble(told: str, key: Path) -> str:
    for words, meaning in _TROUBLES.items():
        if words in told:
            return meaning.format(key=key)
    return f"ssh-keygen says: {(told.strip().splitlines() or ['nothing'])[-1]}. Try another key"


def _stopped(key: Path, why: str) -> Stopped:
    return Stopped(exits.USAGE, f"Cannot sign with {key}: {why}.")
