"""What the device of a result cannot exceed, from the table of devices and from what the file says of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from suite.check.devices import BOOSTED, RAISED, Device, devices, find
from suite.record import System

GIB = 2**30

UNKNOWN_MARGIN = 2.0
"""A device that is not in the table may be this much better than the best one there."""

UNKNOWN_CORE_FLOPS_PER_S = {"fp32": 512 * 7e9, "bf16": 2048 * 7e9}
"""No core has multiplied more at once, nor at more than 7 GHz: AMX does 1,024 bfloat16 operations per cycle."""

LEAST_J_PER_FLOP = {"fp32": 0.5e-12, "bf16": 0.1e-12}
"""The best in the table at their peaks and limits: bfloat16 0.44 pJ (B200), float32 2.4 pJ (L4). A quarter of it, or
less."""

LEAST_SHARE = 1 / 4
"""Of a device's limit over its peak: held far below its limit, a board may need less for the same work, but not so
little."""

DRAM_W_PER_GIB = 5 / 8
"""5 W a module of 8 GiB, which is much; larger modules draw less for each GiB."""

BOARD_CACHE_BYTES = 512 * 2**20
"""Twice the largest on any accelerator (MI300X: 256 MiB)."""

PACKAGE_CACHE_BYTES = 1152 * 2**20
"""The largest on any processor (EPYC 9684X)."""

MEMORY_MARGIN = 1.02
"""Makers count in GiB what they write as GB; a little more than the round number has been seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one board, or of all processors of a machine. `device` is None where the table does not know the name."""

    name: str
    device: Device | None
    on_host: bool
    cores: int
    memory_bytes: int | None  # as the file says
    host_memory_bytes: int

    def power_w(self, domains: Iterable[str]) -> float:
        """The most that these domains may draw together, means over seconds."""
        counted = tuple(domains)
        units = {found[0] for name in counted if (found := re.match(r"(?!dram)[a-z]+-?\d+", name))}
        dram_w = DRAM_W_PER_GIB * self.host_memory_bytes / GIB if any(map(_is_dram, counted)) else 0.0
        return max(1, len(units)) * self._unit_w() + dram_w

    def _unit_w(self) -> float:
        if self.device is not None and self.device.power_w is not None:
            return self.device.power_w * RAISED[self.device.kind]
        known = [one.power_w * RAISED[one.kind] for one in devices() if one.power_w is not None]
        return UNKNOWN_MARGIN * max(known)

    def flops_per_s(self, precision: str) -> float:
        """The most operations per second at this precision."""
        if self.on_host:
            return self.cores * (self._core_flops_per_s(precision) or UNKNOWN_CORE_FLOPS_PER_S[_width(precision)])
        own = self.device.flops_per_s(precision) if self.device else None
        return own or UNKNOWN_MARGIN * max(one.flops_per_s(precision) or 0.0 for one in devices())

    def _core_flops_per_s(self, precision: str) -> float | None:
        return self.device.core_flops_per_s(precision) if self.device else None

    def joules_per_flop(self, precision: str) -> float:
        """The least that an operation at this precision can cost."""
        least = LEAST_J_PER_FLOP[_width(precision)]
        if self.device is None or self.device.power_w is None:
            return least
        core = self._core_flops_per_s(precision)
        peak = core and core * (self.device.cores or 1) if self.on_host else self.device.flops_per_s(precision)
        return LEAST_SHARE * self.device.power_w / peak if peak else least

    @property
    def packages(self) -> int:
        """Processors in the machine, as its cores tell."""
        return ceil(self.cores / (self.device.cores or self.cores)) if self.on_host and self.device else 1

    @property
    def bytes_per_s(self) -> float | None:
        """The memory's peak; None for processors whose memory nobody states."""
        if self.device is not None and self.device.bytes_per_s is not None:
            return self.packages * self.device.bytes_per_s * BOOSTED[self.device.kind]
        if self.on_host:
            return None
        return UNKNOWN_MARGIN * max(one.bytes_per_s or 0.0 for one in devices())

    @property
    def cache_bytes(self) -> int:
        """What can stay on the chip from one step to the next, at most."""
        return self.packages * PACKAGE_CACHE_BYTES if self.on_host else BOARD_CACHE_BYTES

    @property
    def sold_bytes(self) -> float | None:
        """The largest memory that this device was sold with."""
        if self.device is None or self.device.memory_gib is None:
            return None
        return self.device.memory_gib * GIB * MEMORY_MARGIN


def limits_of(system: System, index: int) -> Limits:
    """Of the accelerator of this number, or of the processors where the machine ran without any.

    A run lists the one accelerator it used, whatever its number is.
    """
    cores = system.logical_cores if system.virtual or not system.physical_cores else system.physical_cores
    boards = system.accelerators
    board = boards[0] if len(boards) == 1 else boards[index] if index < len(boards) else None
    name = system.cpu if not system.accelerators else "an accelerator not listed" if board is None else board.name
    stated = system.memory_bytes if not system.accelerators else None if board is None else board.memory_bytes
    return Limits(
        name=name,
        device=find(name),
        on_host=not system.accelerators,
        cores=max(1, cores),
        memory_bytes=stated,
        host_memory_bytes=system.memory_bytes,
    )


def _is_dram(domain: str) -> bool:
    return domain.startswith("dram")


def _width(precision: str) -> str:
    return "fp32" if precision == "fp32" else "bf16"
