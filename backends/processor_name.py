"""What to call a processor whose "model name" is nowhere: by the board it sits on and the kind of its cores.

Without these all Arm machines of one number of cores would share one name, for there /proc/cpuinfo names no model.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

DEVICETREES = (Path("/proc/device-tree/model"), Path("/sys/firmware/devicetree/base/model"))

# The makers' own numbers: arch/arm64/include/asm/cputype.h in Linux, sys-utils/lscpu-arm.c in util-linux.
_MAKERS = {
    0x41: "Arm",
    0x46: "Fujitsu",
    0x48: "HiSilicon",
    0x4E: "NVIDIA",
    0x51: "Qualcomm",
    0x61: "Apple",
    0xC0: "Ampere",
}
_CORES = {
    0x41: {
        0xD03: "Cortex-A53",
        0xD04: "Cortex-A35",
        0xD05: "Cortex-A55",
        0xD07: "Cortex-A57",
        0xD08: "Cortex-A72",
        0xD09: "Cortex-A73",
        0xD0A: "Cortex-A75",
        0xD0B: "Cortex-A76",
        0xD0C: "Neoverse-N1",
        0xD0D: "Cortex-A77",
        0xD40: "Neoverse-V1",
        0xD41: "Cortex-A78",
        0xD42: "Cortex-A78AE",
        0xD44: "Cortex-X1",
        0xD46: "Cortex-A510",
        0xD47: "Cortex-A710",
        0xD48: "Cortex-X2",
        0xD49: "Neoverse-N2",
        0xD4B: "Cortex-A78C",
        0xD4D: "Cortex-A715",
        0xD4E: "Cortex-X3",
        0xD4F: "Neoverse-V2",
        0xD80: "Cortex-A520",
        0xD81: "Cortex-A720",
        0xD82: "Cortex-X4",
        0xD84: "Neoverse-V3",
        0xD8E: "Neoverse-N3",
    },
    0x46: {0x001: "A64FX"},
    0x48: {0xD01: "TaiShan-v110"},
    0x4E: {0x004: "Carmel"},
    0x51: {0x001: "Oryon", 0x804: "Kryo-4xx-Gold", 0x805: "Kryo-4xx-Silver", 0xC00: "Falkor"},
    0x61: {
        0x022: "M1 Icestorm",
        0x023: "M1 Firestorm",
        0x024: "M1 Pro Icestorm",
        0x025: "M1 Pro Firestorm",
        0x028: "M1 Max Icestorm",
        0x029: "M1 Max Firestorm",
        0x032: "M2 Blizzard",
        0x033: "M2 Avalanche",
        0x034: "M2 Pro Blizzard",
        0x035: "M2 Pro Avalanche",
        0x038: "M2 Max Blizzard",
        0x039: "M2 Max Avalanche",
    },
    0xC0: {0xAC3: "Ampere-1", 0xAC4: "Ampere-1A"},
}
_BOARD_LENGTH, _LENGTH = 50, 90  # a name in a result has at most 120 characters, its number of threads among them


def name_of(processors: Sequence[Mapping[str, str]], devicetrees: Sequence[Path] = DEVICETREES) -> str:
    """The best that can be had for what /proc/cpuinfo lists; the architecture where nothing is."""
    stated = processors[0].get("model name", "") if processors else ""
    if stated and not stated.startswith("ARMv"):  # on 32-bit Arm only the architecture: "ARMv7 Processor rev 4 (v7l)"
        return stated
    board_and_cores = ", ".join(filter(None, (board(devicetrees), cores(processors))))
    return board_and_cores[:_LENGTH] or chip_name() or stated or platform.processor() or platform.machine()


def board(devicetrees: Sequence[Path] = DEVICETREES) -> str:
    """ "Raspberry Pi 5 Model B Rev 1.0"; empty where there is no devicetree, as on servers."""
    for path in devicetrees:
        try:
            text = path.read_bytes().partition(b"\0")[0].decode(errors="ignore")
        except OSError:
            continue  # none, or a container hides it
        if shown := " ".join("".join(character for character in text if character.isprintable()).split()):
            return shown[:_BOARD_LENGTH]
    return ""


def cores(processors: Sequence[Mapping[str, str]]) -> str:
    """ "Cortex-A76", "Cortex-A55 + Cortex-A76": each kind once, in the order listed; empty where no kind is stated."""
    return " + ".join(dict.fromkeys(_kinds(processors)))


def _kinds(processors: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for one in processors:
        try:
            maker, part = int(one["CPU implementer"], 16), int(one["CPU part"], 16)
        except (KeyError, ValueError):
            continue
        made_by = _MAKERS.get(maker, f"implementer {maker:#04x}")
        kind = _CORES.get(maker, {}).get(part, f"part {part:#05x}")
        yield kind if kind.startswith(made_by) else f"{made_by} {kind}"


def chip_name() -> str:
    """ "Apple M2 Ultra", as macOS says; empty where nobody says."""
    try:
        done = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
