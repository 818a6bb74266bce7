"""A backend from outside whose workers fail in the way a test asks for; installed as any third party's would be."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MODULE = '''
"""A simulated machine whose torch workers fail and whose JAX workers are well."""

import ctypes
import os
import signal
import time
from dataclasses import replace

from backends.base import Device
from backends.simulated import SimulatedBackend


class FaultyBackend(SimulatedBackend):
    name = "faulty"

    def frameworks(self):
        return tuple(replace(support, compiled=support.framework == "jax") for support in super().frameworks())

    def attach(self, framework, index):
        if framework == "torch":
            FAULTS[os.environ["FAULT"]]()
        return super().attach(framework, index)


def hang():
    time.sleep(3600)


def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hang()


def memory():
    raise MemoryError("no memory for 17 TB")


def crash():
    raise RuntimeError("broken in /home/somebody/secret/place.py")


def segfault():
    ctypes.string_at(0)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def garbage():
    os.write(int(os.environ["JOULEMARK_FRAMES_FD"]), b"this is no frame\\n")
    hang()


def silence():
    os.close(int(os.environ["JOULEMARK_FRAMES_FD"]))
    hang()


FAULTS = {
    function.__name__: function
    for function in (hang, stubborn, memory, crash, segfault, killed, garbage, silence)
}
'''

Suite = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables under which the faulty backend is installed."""
    packages = tmp_path / "packages"
    information = packages / "faulty-1.0.dist-info"
    information.mkdir(parents=True)
    (packages / "faulty_backend.py").write_text(MODULE)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[joulemark.backends]\nfaulty = faulty_backend:FaultyBackend\n")
    path = os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path}


@pytest.fixture
def suite(environment: dict[str, str], tmp_path: Path) -> Suite:
    """suite("run", ...) -> the suite as a process in an empty folder."""

    def start(*arguments: str, files_of_at_most_bytes: int | None = None, **variables: str) -> subprocess.Popen[str]:
        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background job starts with it ignored
            if files_of_at_most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (files_of_at_most_bytes, resource.RLIM_INFINITY))

        measured = environment | variables
        if files_of_at_most_bytes is not None:  # coverage could not write its own file either, and would say so
            measured = {name: value for name, value in measured.items() if not name.startswith("COVERAGE")}

        return subprocess.Popen(
            [sys.executable, "-m", "suite", *arguments],
            env=measured,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
        )

    return start
