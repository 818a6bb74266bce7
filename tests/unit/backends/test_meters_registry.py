"""Meters that stand beside any backend are found by name, and by entry point when somebody else wrote them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import backends
from backends import meters
from backends.base import Metering

PACKAGES = Path(backends.__file__).parents[1]


def test_every_name_leads_to_a_function() -> None:
    for target in meters.BUILTIN.values():
        module, _, attribute = target.partition(":")
        assert callable(getattr(import_module(module), attribute))


def test_the_names_are_those_a_person_may_give() -> None:
    assert meters.names()[:7] == ("shelly", "tasmota", "csv", "amd", "apple", "hwmon", "jetson")


@pytest.mark.parametrize("text", ["abacus", "abacus:1", "", ":", "Shelly:plug", "backends.meters.wall:open_shelly"])
def test_an_unknown_meter_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(meters.UnknownMeter, match="shelly, tasmota, csv, amd, apple, hwmon, jetson"):
        meters.open_named(text)


def test_a_file_is_named_but_not_polled(tmp_path: Path) -> None:
    assert meters.open_named(f"csv:{tmp_path / 'not-yet-written.csv'},offset=1.5") == Metering()


@pytest.mark.parametrize("text", ["csv", "csv:", "csv:log.csv,offset=x"])
def test_a_file_named_wrongly_is_refused_before_the_run(text: str) -> None:
    with pytest.raises(meters.UnknownMeter, match="csv"):
        meters.open_named(text)


def run(code: str, *folders: Path) -> str:
    path = os.pathsep.join(str(folder) for folder in (PACKAGES, *folders))
    command = [sys.executable, "-c", code]
    environ = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A package from outside that brings one meter of its own and would like to replace another."""
    info = tmp_path / "outside-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[joulemark.meters]\nabacus = outside:opened\nshelly = outside:opened\n")
    source = "from backends.base import Metering\ndef opened(argument):\n    print(argument)\n    return Metering()\n"
    (tmp_path / "outside.py").write_text(source)
    return tmp_path


def test_an_installed_package_adds_its_meter(outside: Path) -> None:
    code = "from backends import meters; meters.open_named('abacus:7:x'); print(meters.names()[-1])"
    assert run(code, outside) == "7:x\nabacus\n"


def test_a_package_from_outside_cannot_replace_a_built_in_meter(outside: Path) -> None:
    code = "from backends import meters; print(meters.open_named('shelly:127.0.0.1:1').missing[0].code)"
    assert run(code, outside) == "wall_unreachable\n"


def test_knowing_the_names_loads_no_meter() -> None:
    code = "import sys; from backends import meters; meters.names(); print(*sorted(sys.modules), sep='\\n')"
    loaded = [name for name in run(code).splitlines() if name.startswith("backends.meters.")]
    assert loaded == ["backends.meters.base"]
