"""Real samplers on fake hardware in real time: whatever happens to a meter, its joules are right or have a reason."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.energy import Energy
from suite.keep import energies, thinned, what_happened
from suite.link import Link
from suite.tape import Tape
from suite.trace import Window

HERE = Path(__file__).parent
AT_ONCE = 14  # samplers that two cores carry without being starved

BACKEND = '''
"""Each device is one scenario: a folder with the driver's answers, or with a powercap tree of its own."""

import os
from pathlib import Path

from backends.base import Metering
from backends.simulated import SimulatedBackend


class BoardBackend(SimulatedBackend):
    name = "board"

    def meters(self, index):
        folder = Path(os.environ["SCENARIOS"]) / str(index)
        os.environ["FAKE_SYSFS"] = str(folder)
        os.environ["FAKE_NVML_SCENARIO"] = str(folder / "scenario.txt")
        if (folder / "sys").is_dir():
            from backends.meters import rapl

            return rapl.open_meters("device", root=folder / "sys/class/powercap")
        from backends import nvml
        from backends.meters import nvml as meters
        from backends.meters.nvml_gauge import NvmlGauge

        board = nvml.boards({})[0]
        return Metering(meters=meters.open_meters(board, "gpu0").meters, gauges=(NvmlGauge(board.uuid, "gpu0"),))
'''


def loaded(name: str) -> ModuleType:
    """A module beside this one, by its path."""
    spec = spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


scenarios = loaded("scenarios")

Told = tuple[tuple[Energy, ...], tuple[str, ...]]
"""The energy of each window, and what the sampler's line noted."""


def install(folder: Path) -> None:
    """The backend, as any third party's would be."""
    information = folder / "board-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "board_backend.py").write_text(BACKEND)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: board\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[joulemark.backends]\nboard = board_backend:BoardBackend\n")


def write(scenario: Any, folder: Path, start_ns: int) -> None:
    """The scenario as fake hardware reads it."""
    folder.mkdir()
    draws = [f"start_ns {start_ns}"]
    if scenario.rapl is None:
        draws += [f"gpu0.steps {scenario.steps}", f"gpu0.repeat_ms {scenario.repeat_ms}", "gpu0.update_ms 10"]
        lines = draws + [f"gpu0.{line}" for line in scenario.gpu]
        (folder / "scenario.txt").write_text("\n".join(["count 1", *lines]) + "\n")
        return
    zone = folder / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in (("name", "package-0"), ("energy_uj", "0"), ("max_energy_range_uj", "262143328850")):
        (zone / name).write_text(f"{text}\n")
    draws += [f"steps {scenario.steps}", "update_us 1000", "range_uj 262143328850", f"offset_uj {scenario.offset_uj}"]
    (zone / "profile").write_text("\n".join([*draws, *scenario.rapl]) + "\n")


def carry_out(batch: list[Any], folder: Path, log: Path) -> dict[str, Told]:
    """All scenarios of a batch at once, each with a sampler of its own; the energy of each window."""
    zero_ns = time.monotonic_ns()
    links: list[tuple[Any, Link, Tape]] = []
    for number, scenario in enumerate(batch):
        write(scenario, folder / str(number), zero_ns)
        tape = Tape()
        links.append((scenario, Link({"backend": "board", "device": number}, tape, log), tape))
    end_ns = zero_ns + int(scenarios.END_S * 1e9)
    while time.monotonic_ns() < end_ns:
        open_ones = {link.descriptor: link for _, link, _ in links if link.alive}
        ready = select.select(list(open_ones), [], [], 0.2)[0]
        for descriptor, link in open_ones.items():
            if descriptor in ready:
                link.pump()
            link.watch()
    for _, link, _ in links:
        link.end()
    return {scenario.name: judged(scenario, link, tape, zero_ns) for scenario, link, tape in links}


def judged(scenario: Any, link: Link, tape: Tape, zero_ns: int) -> Told:
    windows = [Window(round(start * 1e9), round(end * 1e9), 1) for start, end in scenario.windows]
    span = zero_ns, zero_ns + windows[-1].end_ns, zero_ns
    events, _ = what_happened(tape, *span, workers=1)
    assert link.meters, f"{scenario.name}: {link.missing} {link.notes}"
    ticks = thinned(tape.cut(*span), windows)
    first = tuple(found[0] for found in energies(link.meters, ticks, windows, events))
    return first, tuple(link.notes)


@pytest.fixture(scope="module")
def outcomes(nvml_library: Path, sysfs_shim: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Every scenario's windows."""
    root = tmp_path_factory.mktemp("metering")
    install(root / "packages")
    found: dict[str, Told] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(root / "packages"), prepend=os.pathsep)
        patch.setenv("LD_LIBRARY_PATH", str(nvml_library.parent), prepend=os.pathsep)
        patch.setenv("LD_PRELOAD", str(sysfs_shim))
        for first in range(0, len(scenarios.SCENARIOS), AT_ONCE):
            folder = root / str(first)
            folder.mkdir()
            patch.setenv("SCENARIOS", str(folder))
            batch = list(scenarios.SCENARIOS[first : first + AT_ONCE])
            found |= carry_out(batch, folder, root / "sampler.log")
    print((root / "sampler.log").read_text()[-4000:])
    return found


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(one, id=one.name, marks=pytest.mark.fault(one.fault, one.outcome)) for one in scenarios.SCENARIOS],
)
def test_the_joules_are_right_or_have_their_reason(
    scenario: Any, outcomes: dict[str, Told], profiles: ModuleType
) -> None:
    power = profiles.Profile.parsed(scenario.steps, scenario.repeat_ms or None)
    found, notes = outcomes[scenario.name]
    for number, ((start_s, end_s), energy) in enumerate(zip(scenario.windows, found, strict=True)):
        told = json.dumps([number, energy.joules, energy.reasons, notes])
        code = scenario.codes.get(number) or (scenario.either.get(number) if energy.joules is None else None)
        if code is not None:
            assert energy.joules is None, told
            assert {code, "trace_gap"} & set(energy.reasons), told
            continue
        assert energy.joules == pytest.approx(power.energy_j(start_s, end_s), rel=scenario.within), told
        flag = scenario.flags.get(number)
        assert flag is None or flag in energy.reasons, told
