"""A signature is what ssh-keygen says of it: of this file, for this purpose, by this key. All else has a reason."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from suite import exits
from suite.signatures import (
    MAX_BYTES,
    NAMESPACE,
    Signature,
    Unavailable,
    signature_of,
    signature_path,
    ssh_keygen,
    verified,
)
from suite.submit import Stopped
from suite.submit.signing import sign

MakeKey = Callable[..., Path]
DATA = b'{"some": "result"}\n'


@pytest.fixture
def signed(tmp_path: Path, make_key: MakeKey) -> Path:
    """A file with its signature by the key `key`."""
    path = tmp_path / "result.json"
    path.write_bytes(DATA)
    signature_path(path).write_bytes(sign(DATA, make_key()))
    return path


def fingerprint(key: Path) -> str:
    done = subprocess.run(["ssh-keygen", "-l", "-f", f"{key}.pub"], check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


def allow(folder: Path, key: Path, who: str, options: str = "") -> Path:
    kind, half, *_ = Path(f"{key}.pub").read_text().split()
    path = folder / "allowed_signers"
    path.write_text(f"{who} {options} {kind} {half}\n")
    return path


def test_a_valid_signature_tells_the_key_that_made_it(signed: Path, tmp_path: Path) -> None:
    assert signature_of(signed, None) == Signature(
        state="valid", fingerprint=fingerprint(tmp_path / "key"), key_type="ED25519"
    )


def test_allowed_signers_tell_whose_key_it_is(signed: Path, tmp_path: Path) -> None:
    allowed = allow(tmp_path, tmp_path / "key", "alice@example.org")
    assert signature_of(signed, allowed).principal == "alice@example.org"


def test_a_key_that_nobody_knows_is_valid_and_nobodys(signed: Path, tmp_path: Path, make_key: MakeKey) -> None:
    for allowed in (
        tmp_path / "none-here",
        allow(tmp_path, make_key("other"), "bob"),
        allow(tmp_path, tmp_path / "key", "alice", 'namespaces="git"'),
        allow(tmp_path, tmp_path / "key", "alice", 'valid-before="20200101"'),
    ):
        found = signature_of(signed, allowed)
        assert (found.state, found.principal) == ("valid", None)


def test_a_file_without_signature_costs_no_process(tmp_path: Path, only: Callable[..., None]) -> None:
    only()
    (tmp_path / "result.json").write_bytes(DATA)
    assert signature_of(tmp_path / "result.json", None) == Signature(state="unsigned")


def test_a_changed_byte_breaks_the_signature(signed: Path) -> None:
    signed.write_bytes(DATA.replace(b"some", b"sOme"))
    found = signature_of(signed, None)
    assert found.state == "invalid"
    assert "changed" in (found.why or "")
    assert found.fingerprint is None


def test_a_signature_for_another_purpose_does_not_count(signed: Path, tmp_path: Path) -> None:
    done = ssh_keygen("-Y", "sign", "-f", str(tmp_path / "key"), "-n", "git", data=DATA)
    signature_path(signed).write_bytes(done.stdout)
    assert signature_of(signed, None) == Signature(
        state="invalid", why=f"it was made for another purpose than {NAMESPACE}"
    )


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\x00", b"-----BEGIN SSH SIGNATURE-----\nAAAA\n"])
def test_what_is_no_signature_is_invalid(signed: Path, data: bytes) -> None:
    signature_path(signed).write_bytes(data)
    assert signature_of(signed, None) == Signature(state="invalid", why="it is no SSH signature")


def test_a_signature_of_unbearable_size_or_of_another_kind_is_not_opened(signed: Path, tmp_path: Path) -> None:
    beside = signature_path(signed)
    beside.write_bytes(beside.read_bytes() + b"\n" * MAX_BYTES)
    assert "larger" in (signature_of(signed, None).why or "")
    beside.unlink()
    os.mkfifo(beside)
    assert signature_of(signed, None) == Signature(state="invalid", why="it is no regular file")
    beside.unlink()
    beside.symlink_to(tmp_path / "key.pub")
    assert signature_of(signed, None) == Signature(state="invalid", why="it is no regular file")


def test_a_signature_of_nothing_is_unchecked(signed: Path) -> None:
    signed.unlink()
    assert signature_of(signed, None).state == "unchecked"


def test_without_ssh_keygen_nothing_is_said_of_a_signature(signed: Path, only: Callable[..., None]) -> None:
    only()
    assert signature_of(signed, None) == Signature(state="unchecked", why="there is no ssh-keygen here")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'usage: ssh-keygen [-q]' >&2; exit 1", "older than OpenSSH 8.2"),
        ("sleep 60", "longer than"),
    ],
)
def test_an_ssh_keygen_that_cannot_tell_is_no_verdict(
    signed: Path, program: Callable[[str, str], None], script: str, why: str
) -> None:
    program("ssh-keygen", f"exec {script}" if script.startswith("sleep") else script)
    with pytest.raises(Unavailable, match=why):
        ssh_keygen("-Y", "check-novalidate", limit_s=0.2)


def test_an_ssh_keygen_that_does_not_start_is_no_verdict(
    signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh-keygen").write_bytes(b"no program")
    (tmp_path / "ssh-keygen").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = signature_of(signed, None)
    assert (found.state, "does not start" in (found.why or "")) == ("unchecked", True)


def test_where_no_file_can_be_written_nothing_is_said_of_a_signature(
    signed: Path, disk_full: Callable[[int], AbstractContextManager[None]]
) -> None:
    with disk_full(10):
        found = signature_of(signed, None)
    assert (found.state, "handed to ssh-keygen" in (found.why or "")) == ("unchecked", True)


def refused(data: bytes, key: Path) -> str:
    with pytest.raises(Stopped) as stopped:
        sign(data, key)
    assert stopped.value.code == exits.USAGE
    assert re.fullmatch(r"Cannot sign[^\n]*\.( [^\n]*)?[^\n]*", str(stopped.value))
    return str(stopped.value)


def test_a_passphrase_that_nobody_gives_is_one_line_with_its_cure(make_key: MakeKey) -> None:
    assert "passphrase was not given" in refused(DATA, make_key(passphrase="secret"))


def test_a_key_that_is_none_is_one_line_with_its_cure(tmp_path: Path, make_key: MakeKey) -> None:
    make_key()
    (tmp_path / "text").write_text("no key")
    (tmp_path / "text").chmod(0o600)
    assert "no key" in refused(DATA, tmp_path / "none-here")
    assert "no key" in refused(DATA, tmp_path)
    assert "no SSH key" in refused(DATA, tmp_path / "text")


def test_a_key_that_others_can_read_is_one_line_with_its_cure(make_key: MakeKey) -> None:
    key = make_key()
    key.chmod(0o644)
    assert f"chmod 600 {key}" in refused(DATA, key)


def test_half_a_key_is_one_line_with_its_cure(make_key: MakeKey) -> None:
    key = make_key()
    key.rename(key.with_name("elsewhere"))
    assert "ssh-add" in refused(DATA, Path(f"{key}.pub"))


def test_a_signer_that_is_not_here_or_does_not_sign_is_one_line(
    make_key: MakeKey, only: Callable[..., None], program: Callable[[str, str], None]
) -> None:
    key = make_key()
    program("ssh-keygen", "echo 'the moon is full' >&2; exit 1")
    assert "the moon is full" in refused(DATA, key)
    (Path(os.environ["PATH"].split(os.pathsep)[0]) / "ssh-keygen").write_text("#!/bin/sh\necho signed\n")
    assert "does not verify" in refused(DATA, key)
    only()
    assert "Install OpenSSH" in refused(DATA, key)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent of this test's own."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("no ssh-agent here")
    socket = Path("/tmp") / f"joulemark-test-agent-{os.getpid()}"  # the path of a socket has 107 characters at most
    started = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    started.terminate()
    started.wait()
    started.stdout.close()
    socket.unlink(missing_ok=True)


@pytest.mark.usefixtures("agent")
def test_a_public_key_signs_where_an_agent_has_its_other_half(make_key: MakeKey) -> None:
    key = make_key()
    subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
    key.unlink()
    found = verified(DATA, sign(DATA, Path(f"{key}.pub")), None)
    assert (found.state, found.fingerprint) == ("valid", fingerprint(key))
