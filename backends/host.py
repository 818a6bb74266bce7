"""The host's processor, as the operating system describes it."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """What shapes its energy, and nothing that names the single specimen."""

    name: str  # "Intel(R) Xeon(R) Platinum 8480+"; the architecture where no model is named
    vendor: str | None  # "GenuineIntel", "AuthenticAMD"; None where none is named
    features: frozenset[str]
    microcode: str | None

    @property
    def native_bf16(self) -> bool:
        """Whether the CPU multiplies bfloat16 in hardware: AVX-512 or AMX on x86, the bf16 extension on Arm."""
        return not self.features.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def processor(cpuinfo: Path = CPUINFO) -> Processor:
    """The first processor listed: machines that mix kinds list the others behind it."""
    fields = _first_processor(cpuinfo.read_text()) if cpuinfo.exists() else {}
    return Processor(
        name=fields.get("model name") or platform.processor() or platform.machine(),
        vendor=fields.get("vendor_id"),
        features=frozenset((fields.get("flags") or fields.get("Features") or "").split()),
        microcode=fields.get("microcode"),
    )


def kernel() -> str:
    """The operating system and the number of its kernel, "Linux 6.12.3"; what a builder hung on the number is left out,
    for it may name somebody."""
    number = re.match(r"[\d.]*\d", platform.release())
    return f"{platform.system()} {number[0] if number else ''}".strip()


def governor(path: Path = GOVERNOR) -> str | None:
    """How the kernel sets the clock of the CPU; None where it does not, as in most virtual machines."""
    return path.read_text().strip() if path.exists() else None


def _first_processor(text: str) -> Mapping[str, str]:
    paragraph, _, _ = text.partition("\n\n")
    pairs = (line.partition(":") for line in paragraph.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
