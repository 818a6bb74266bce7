"""The machine is described by what shapes its energy, and by nothing that names its owner."""

from __future__ import annotations

import getpass
import json
import re
import socket
from pathlib import Path

import pytest

from backends.base import Device
from backends.host import kernel, processor
from suite import machine
from suite.machine import describe_software, describe_system
from suite.slugs import slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3"),
        ("Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz", "intel-r-xeon-r-gold-6330-cpu-2-00ghz"),
        ("../../etc/passwd", "etc-passwd"),
        ("€", "machine"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_slug_is_safe_as_a_folder(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_an_accelerator_names_the_system() -> None:
    system = describe_system([Device(index=0, name="NVIDIA  H100", memory_bytes=80 * 2**30)])
    assert system.slug == "nvidia-h100"
    assert system.accelerators[0].memory_bytes == 80 * 2**30


def test_nothing_names_the_owner_or_the_host() -> None:
    text = json.dumps(
        [describe_system([]).model_dump(mode="json"), describe_software({}).model_dump(mode="json")]
    ).lower()
    for secret in (socket.gethostname(), getpass.getuser(), str(Path.home())):
        assert len(secret) < 4 or secret.lower() not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flags\t\t: fpu hypervisor sse\n", True),
        ("flags\t\t: fpu sse\n", False),
        ("Features\t: fp asimd\n", None),
        ("processor : 0\n", None),
    ],
)
def test_a_hypervisor_shows_in_the_flags(tmp_path: Path, text: str, expected: bool | None) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert processor(tmp_path / "cpuinfo").hypervisor is expected


def test_the_kernel_is_its_number_without_what_a_builder_hung_on_it() -> None:
    assert re.fullmatch(r"[A-Za-z]+ [\d.]*\d", kernel())
    assert describe_software({}).system == kernel()


@pytest.mark.parametrize(("status", "modified"), [(None, None), ("", False), (" M suite/energy.py", True)])
def test_a_checkout_that_git_cannot_look_through_is_not_called_unmodified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str | None, modified: bool | None
) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.setattr(machine, "_git", lambda command, *_: "f00d" if command == "rev-parse" else status)
    software = describe_software({})
    assert (software.commit, software.modified) == ("f00d", modified)
