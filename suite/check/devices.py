"""What devices can do, by the names that drivers and kernels give them: the table `devices.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

Kind = Literal["fixed", "tunable", "server", "client"]
"""Boards whose limits are their maker's, boards whose clocks and limits others may raise; processors likewise."""

TABLE = Path(__file__).with_name("devices.toml")

BOOSTED: Mapping[Kind, float] = {"fixed": 1.0, "tunable": 1.2, "server": 1.0, "client": 1.2}
"""Boards sold with raised clocks, and owners who raise them, run this much faster at most."""

RAISED: Mapping[Kind, float] = {"fixed": 1.0, "tunable": 1.5, "server": 1.3, "client": 4.5}
"""And draw this much more. A server's turbo lies about a fifth above what its package is designed for; a laptop's 28 W
may go to 115 W for as long as a window lasts, and a desktop's 125 W to 253 W and beyond where its owner lets it."""

PARTS = 6
"""Of as many bfloat16 products or more float32 can be made: XLA takes six on a TPU, cuBLAS nine."""

FLOPS_PER_CYCLE: Mapping[str, Mapping[str, int]] = {
    "avx2": {"fp32": 32, "bf16": 32},
    "avx512": {"fp32": 64, "bf16": 128},
    "amx": {"fp32": 64, "bf16": 1024},
}
"""Widest instructions -> what a core does at most. Two fused multiply-adds at once; bfloat16 in pairs, or in tiles.
Sources: https://stackoverflow.com/questions/15655835 and, for AMX,
https://aicassindra.com/labs/transformer_math/simd_register_viz.html."""


def words(name: str) -> frozenset[str]:
    """The words of a device's name, in lower case; a plus sign belongs to its word."""
    return frozenset(re.findall(r"[a-z0-9+]+", name.lower()))


VARIANTS = words(
    "ti super d laptop mobile max q xt xtx gre nvl cnx sff embedded ada blackwell server pro ultra lite pcie"
)
"""Words that make another device of a name: one that is in the name must be in the table's line too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One line of the table. None is unknown. Figures of a processor are those of one package."""

    name: str
    match: frozenset[str]
    kind: Kind
    year: int
    source: str
    power_w: float | None = None
    memory_gib: float | None = None
    bytes_per_s: float | None = None
    fp32: float | None = None
    tf32: float | None = None
    bf16: float | None = None
    fp16: float | None = None
    cores: int | None = None
    clock_hz: float | None = None
    isa: str | None = None

    def flops_per_s(self, precision: str) -> float | None:
        """The most that may be reached: raised clocks are allowed for, and float32 made of bfloat16 parts."""
        half = self.bf16 or self.fp16
        full = half if self.fp32 is None else max(self.fp32, (half or 0.0) / PARTS)
        peak = full if precision == "fp32" else half
        return None if peak is None else peak * BOOSTED[self.kind]

    def core_flops_per_s(self, precision: str) -> float | None:
        """The same of one core of a processor."""
        if self.clock_hz is None or self.isa is None:
            return None
        return self.clock_hz * FLOPS_PER_CYCLE[self.isa]["fp32" if precision == "fp32" else "bf16"] * BOOSTED[self.kind]


@cache
def devices() -> tuple[Device, ...]:
    """The whole table. Raises TypeError for a field that a device does not have."""
    return tuple(_device(**line) for line in tomllib.loads(TABLE.read_text())["devices"])


def _device(*, match: list[str], **facts: Any) -> Device:
    return Device(match=words(" ".join(match)), **facts)


@cache
def find(name: str) -> Device | None:
    """The device of this name: the line with most letters among those whose words all occur; None when none fits."""
    given = words(name)
    fitting = [device for device in devices() if device.match <= given and given & VARIANTS <= device.match]
    return max(fitting, key=lambda device: sum(map(len, device.match)), default=None)
