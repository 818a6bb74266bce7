"""CodeCarbon, Zeus and Joulemark on the same fake hardware, whose energy is known.

    python bench/peer_energy.py [--peers-python PYTHON] [--cases WORD ...]

`tox -e peers` installs the peers; elsewhere name a Python that has them. Each programme runs unmodified and in a
process of its own, all three at once on one scenario, and is used as its documentation says (peer_tools.py). Prints one
Markdown table on standard output, progress on standard error. A peer that is not installed says so in its column. Needs
a C compiler.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import fakes

HERE = Path(__file__).parent
START_S = 25.0
"""When the window opens: until then everybody imports, finds the hardware and, with us, learns the counter's period."""

AT_ONCE = 3
NOT_SUPPORTED, LOST = 3, 15
FORBIDDEN = 0o000
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # <linux/prctl.h>, <linux/capability.h>


@dataclass(frozen=True, kw_only=True)
class Case:
    """One window on one piece of hardware. Times in `faults` are seconds after the window opened."""

    name: str
    seconds: float
    gpu: tuple[str, ...] = ()  # lines of the fake driver; a RAPL package where there are none
    steps: str = "0:300000"
    relative: bool = False  # the steps' times are counted from the window, with 60 W before
    repeat_ms: int = 0
    faults: tuple[tuple[float, str], ...] = ()
    left_uj: int | None = None  # how far the package counter is from its wrap as the window opens
    psys_w: int | None = None
    readable: bool = True

    @property
    def is_gpu(self) -> bool:
        return bool(self.gpu)

    @property
    def shifted(self) -> str:
        if not self.relative:
            return self.steps
        pairs = (pair.split(":") for pair in self.steps.split(","))
        return "0:60000," + ",".join(f"{int(at_ms) + round(START_S * 1000)}:{power}" for at_ms, power in pairs)

    @property
    def fault_lines(self) -> list[str]:
        lines = ((round((START_S + at_s) * 1000), *line.split(" ", 1)) for at_s, line in self.faults)
        return [f"{key}@{at_ms} {value}" for at_ms, key, value in lines]


CASES = (
    Case(name="steady 300 W, 20 s, counter moves every 100 ms", seconds=20, gpu=("update_ms 100", "phase_ms 37")),
    Case(
        name="3 s from a step 60 to 420 W, every 20 ms", seconds=3, gpu=("update_ms 20", "phase_ms 7"),
        steps="0:420000", relative=True,
    ),
    Case(
        name="3 s from a step 60 to 420 W, every 100 ms", seconds=3, gpu=("update_ms 100", "phase_ms 51"),
        steps="0:420000", relative=True,
    ),
    Case(
        name="10.5 s at 420 W between 60 W, every 100 ms", seconds=10.5, gpu=("update_ms 100", "phase_ms 51"),
        steps="0:420000,10500:60000", relative=True,
    ),
    Case(
        name="square wave 400/100 W, 2 Hz, 10.43 s, every 100 ms", seconds=10.43, gpu=("update_ms 100", "phase_ms 20"),
        steps="0:400000,250:100000", repeat_ms=500,
    ),
    Case(
        name="driver reload sets the counter back, 10.5 s", seconds=10.5, gpu=("update_ms 100",),
        faults=((5.0, "energy_offset_mj -3000000"),),
    ),
    Case(
        name="Hopper GPU without an energy counter, 10.5 s", seconds=10.5,
        gpu=(f"energy_return {NOT_SUPPORTED}", "update_ms 20"), steps="0:300000,20:310000", repeat_ms=40,
    ),
    Case(
        # It moves slowly, for the reading is a mean of the last second: Zeus takes one that never moves for no reading.
        name="Pascal GPU: neither counter nor instant power, 10.5 s", seconds=10.5, steps="0:280000,1300:330000",
        gpu=(f"energy_return {NOT_SUPPORTED}", "update_ms 20", f"field_return {NOT_SUPPORTED}", "capability 61"),
        repeat_ms=2600,
    ),
    Case(
        name="GPU lost for a second, 10.5 s", seconds=10.5, gpu=("update_ms 20",),
        faults=((5.0, f"return {LOST}"), (6.0, "return 0")),
    ),
    Case(
        name="GPU lost for a second as the window ends, 10.5 s", seconds=10.5, gpu=("update_ms 20",),
        faults=((10.0, f"return {LOST}"), (11.0, "return 0")),
    ),
    Case(name="RAPL package 150 W, wraps in the window, 10.5 s", seconds=10.5, steps="0:150000", left_uj=700_000_000),
    Case(
        name="RAPL file unreadable for a second, 10.5 s", seconds=10.5, steps="0:150000",
        faults=((5.0, "eio 1"), (6.0, "eio 0")),
    ),
    Case(name="psys 190 W beside a package of 150 W, 10.5 s", seconds=10.5, steps="0:150000", psys_w=190),
    Case(name="RAPL without permission, 10.5 s", seconds=10.5, steps="0:150000", readable=False),
)  # fmt: skip


def truth_j(case: Case) -> float:
    """The energy of the board or of the package in the window."""
    spec = spec_from_file_location("power_profile", fakes.HARDWARE / "profile.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    profile = module.Profile.parsed(case.shifted, case.repeat_ms or None)
    return float(profile.energy_j(START_S, START_S + case.seconds))


def write(case: Case, scene: Path, start_ns: int) -> None:
    scene.mkdir()
    draws = [f"steps {case.shifted}", f"repeat_ms {case.repeat_ms}"]
    if case.is_gpu:
        fakes.write_boards(scene, start_ns, [[*draws, *case.gpu, *case.fault_lines]])
        return
    drawn_uj = round(START_S * 150 * 1e6)
    offset_uj = 1_000_000_000 if case.left_uj is None else fakes.RANGE_UJ - case.left_uj - drawn_uj
    fakes.write_zone(scene, "0", "package-0", start_ns, [*draws, *case.fault_lines], offset_uj)
    if case.psys_w is not None:
        fakes.write_zone(scene, "1", "psys", start_ns, [f"steps 0:{case.psys_w}000"], 5_000_000_000)
    fakes.write_sockets(scene, 1)
    if not case.readable:
        (scene / "sys/class/powercap/intel-rapl:0/energy_uj").chmod(FORBIDDEN)


TOOLS = ("codecarbon", "zeus", "joulemark")
Told = dict[str, Any]
"""What a programme said: energy_j or None, and in `said` whatever came with it."""


def start(tool: str, case: Case, scene: Path, library: fakes.Library, zero_ns: int, python: str) -> Any:
    job = {"tool": tool, "is_gpu": case.is_gpu, "scene": str(scene), "zero_ns": zero_ns}
    job |= {"seconds": case.seconds, "start_s": START_S}
    environ = os.environ | library.environ(scene, "counter power gauge" if case.is_gpu else "rapl")
    for name in ("LD_PRELOAD",) if case.is_gpu else ("LD_LIBRARY_PATH",):
        del environ[name]
    if tool != "joulemark":  # a peer sees the fake hardware and nothing of ours
        del environ["PYTHONPATH"]
    command = [sys.executable if tool == "joulemark" else python, str(HERE / "peer_tools.py"), json.dumps(job)]
    log = (scene / f"{tool}.log").open("w")
    before = None if case.readable else obey_file_modes
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, env=environ, text=True, cwd=scene, preexec_fn=before
    )


def obey_file_modes() -> None:
    """Root reads what nobody may read. From here on this process and its children may not, like any other user's."""
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability)


def heard(process: Any, log: Path) -> Told:
    """The last line of its standard output, or how it ended without one."""
    out = process.communicate()[0].strip()
    if process.returncode == 0 and out:
        return dict(json.loads(out.splitlines()[-1]))
    lines = log.read_text().strip().splitlines() or [f"exit status {process.returncode}"]
    return {"energy_j": None, "said": lines[-1][:160]}


def carry_out(batch: tuple[Case, ...], folder: Path, library: fakes.Library, python: str) -> list[dict[str, Told]]:
    zero_ns = time.monotonic_ns()
    running = []
    for case in batch:
        scene = folder / str(CASES.index(case))
        write(case, scene, zero_ns)
        running.append(
            {tool: (start(tool, case, scene, library, zero_ns, python), scene / f"{tool}.log") for tool in TOOLS}
        )
    return [{tool: heard(*process) for tool, process in tools.items()} for tools in running]


def cell(told: Told, true_j: float) -> str:
    energy_j, said = told["energy_j"], str(told.get("said", "")).replace("|", "/")
    if energy_j is None:
        return f"none: {said}"
    number = f"{energy_j:,.1f} J ({100 * (energy_j / true_j - 1):+.2f} %)"
    return f"{number}; {said}" if said else number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--cases", nargs="+", default=[""], metavar="WORD", help="those whose names hold one of these")
    arguments = parser.parse_args()
    chosen = tuple(case for case in CASES if any(word in case.name for word in arguments.cases))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the process without rights must find its scenario
        library = fakes.build(folder / "library")
        print("| case | truth | CodeCarbon | Zeus | Joulemark |\n|---|---|---|---|---|")
        versions: Told = {}
        for first in range(0, len(chosen), AT_ONCE):
            batch = chosen[first : first + AT_ONCE]
            print(f"{first + len(batch)} of {len(chosen)}: {', '.join(case.name for case in batch)}", file=sys.stderr)
            for case, found in zip(batch, carry_out(batch, folder, library, arguments.peers_python), strict=True):
                true_j = truth_j(case)
                cells = " | ".join(cell(found[tool], true_j) for tool in TOOLS)
                print(f"| {case.name} | {true_j:,.1f} J | {cells} |", flush=True)
                versions |= {tool: told["version"] for tool, told in found.items() if "version" in told}
    print("\n" + "; ".join(f"{tool} {version}" for tool, version in versions.items()) + ".\n" + SETTINGS)


SETTINGS = """
CodeCarbon: OfflineEmissionsTracker(country_iso_code="USA", measure_power_secs=1), start() and stop() at the window's
ends, gpu_energy or cpu_energy of final_emissions_data. Zeus: ZeusMonitor of that GPU or of all CPUs, begin_window and
end_window without synchronising a framework, for none works here; cpu_energy is summed. Joulemark: its sampler and what
the result file would hold. Windows open and close at the same instants for all, to within a millisecond or so."""


if __name__ == "__main__":
    main()
