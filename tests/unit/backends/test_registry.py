"""Backends are found by name, and by entry point when somebody else wrote them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import backends

EXAMPLE = Path(__file__).parents[3] / "examples/joulemark-example-backend"
PACKAGES = Path(backends.__file__).parents[1]


def run(code: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environ, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_built_in_backends_come_in_the_order_they_are_looked_for() -> None:
    assert backends.names()[:4] == ("cuda", "tpu", "cpu", "simulated")


@pytest.mark.parametrize("name", list(backends.BUILTIN))
def test_a_backend_is_called_what_the_table_calls_it(name: str) -> None:
    assert backends.load(name).name == name


def test_an_unknown_backend_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="abacus"):
        backends.load("abacus")


def test_looking_at_the_machine_imports_no_framework() -> None:
    code = """
import sys, backends
from backends.base import BackendUnavailable
for name in backends.names():
    backend = backends.load(name)
    try:
        backend.devices(), backend.frameworks(), backend.meters(0), backend.describe()
    except BackendUnavailable:
        pass
print([name for name in ("torch", "jax", "pandas") if name in sys.modules])
"""
    assert run(code, PYTHONPATH=str(PACKAGES)) == "[]\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, installed by pip into a folder of its own from a copy of its source."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    for file in ("pyproject.toml", "joulemark_example_backend.py"):
        (source / file).write_bytes((EXAMPLE / file).read_bytes())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True)
    return target


def test_an_installed_package_adds_its_backend(installed: Path, tmp_path: Path) -> None:
    log = tmp_path / "wall.txt"
    log.write_text("12.5\n")
    code = """
import json, os, backends
backend = backends.load("logged")
(meter,) = backend.meters(0).meters
energies = [meter.read().energy_uj]
open(os.environ["JOULEMARK_LOGGED_WH"], "w").write("12.75")
energies.append(meter.read().energy_uj)
print(json.dumps([backends.names(), len(backend.devices()), meter.description.boundary, energies]))
"""
    path = os.pathsep.join([str(PACKAGES), str(installed)])
    names, devices, boundary, energies = json.loads(run(code, PYTHONPATH=path, JOULEMARK_LOGGED_WH=str(log)))
    assert names == [*backends.BUILTIN, "logged"]
    assert devices == 1
    assert boundary == "wall"
    assert energies == [0, 900_000_000]


def test_a_package_from_outside_cannot_replace_a_built_in_backend(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "impostor-1.dist-info").mkdir()
    (tmp_path / "impostor-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: impostor\nVersion: 1\n")
    points = "[joulemark.backends]\ncpu = joulemark_example_backend:LoggedBackend\n"
    (tmp_path / "impostor-1.dist-info/entry_points.txt").write_text(points)
    path = os.pathsep.join([str(PACKAGES), str(installed), str(tmp_path)])
    assert run("import backends; print(backends.load('cpu').name)", PYTHONPATH=path) == "cpu\n"
