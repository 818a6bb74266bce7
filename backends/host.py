"""The host's processor, as the operating system describes it."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.processor_name import DEVICETREES, name_of

CPUINFO = Path("/proc/cpuinfo")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """What shapes its energy, and nothing that names the single specimen."""

    name: str  # "Intel(R) Xeon(R) Platinum 8480+", "Raspberry Pi 5 Model B Rev 1.0, Arm Cortex-A76"
    vendor: str | None  # "GenuineIntel", "AuthenticAMD"; None where none is named
    features: frozenset[str]
    microcode: str | None
    hypervisor: bool | None  # whether one announces itself; None where the CPU's features could not tell, as on Arm

    @property
    def native_bf16(self) -> bool:
        """Whether the CPU multiplies bfloat16 in hardware: AVX-512 or AMX on x86, the bf16 extension on Arm."""
        return not self.features.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def processor(cpuinfo: Path = CPUINFO, devicetrees: Sequence[Path] = DEVICETREES) -> Processor:
    """The first processor listed: machines that mix kinds list the others behind it."""
    listed = _processors(cpuinfo.read_text()) if cpuinfo.exists() else []
    fields = listed[0] if listed else {}
    return Processor(
        name=name_of(listed, devicetrees),
        vendor=fields.get("vendor_id"),
        features=frozenset((fields.get("flags") or fields.get("Features") or "").split()),
        microcode=fields.get("microcode"),
        hypervisor="hypervisor" in fields["flags"].split() if fields.get("flags") else None,
    )


def kernel() -> str:
    """The operating system and the number of its kernel, "Linux 6.12.3"; what a builder hung on the number is left out,
    for it may name somebody."""
    number = re.match(r"[\d.]*\d", platform.release())
    return f"{platform.system()} {number[0] if number else ''}".strip()


def governor(path: Path = GOVERNOR) -> str | None:
    """How the kernel sets the clock of the CPU; None where it does not, as in most virtual machines."""
    return path.read_text().strip() if path.exists() else None


def _processors(text: str) -> list[Mapping[str, str]]:
    """Each processor's fields, in the order listed."""
    return [_fields(paragraph) for paragraph in text.split("\n\n") if paragraph.strip()]


def _fields(paragraph: str) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in paragraph.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
