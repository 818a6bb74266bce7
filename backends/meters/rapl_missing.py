"""Why RAPL's counters are not counted, and what would help: one line each, for the doctor and for the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.base import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of the zones, by their domains; those refused by their folders where they have no name.

    left_out  answer, and are not counted because the rest of the same whole does not
    """

    kept: Sequence[str]
    left_out: Sequence[str]
    denied: Sequence[str]
    silent: Sequence[str]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.denied, *self.silent, *self.left_out, *self.kept)

    @property
    def packages_counted(self) -> bool:
        return any(domain.startswith("package") for domain in self.kept)


def reasons(found: Found, root: Path) -> Iterator[Missing]:
    yield from _refused(found, root)
    if all(domain.startswith("psys") for domain in found.all):
        yield Missing(
            code="rapl_absent",
            reason="This machine shows no RAPL energy counters: a virtual machine, a container or a CPU without them.",
            cure="Run on the bare machine; on Linux try: sudo modprobe intel_rapl_msr.",
        )
    elif found.packages_counted:
        yield from _without_memory(found)


def _refused(found: Found, root: Path) -> Iterator[Missing]:
    if found.denied:
        yield Missing(
            code="rapl_permission_denied",
            reason=f"This user may not read the energy counters of {_listed(found.denied)}.{_left_out(found)}",
            cure=grant(root),
        )
    if found.silent:
        zones = _listed(found.silent)
        yield Missing(
            code="rapl_unreadable",
            reason=f"These RAPL zones do not give their counter, name or range: {zones}.{_left_out(found)}",
            cure="Look for the driver's complaint: sudo dmesg | grep -i rapl",
        )


def _without_memory(found: Found) -> Iterator[Missing]:
    """Nothing where its refusal was told already."""
    if not any(domain.startswith("dram") for domain in found.all):
        reason = "The packages have a counter but their memory has none: its energy is not in the number."
    elif found.left_out and not (found.denied or found.silent):
        reason = f"Not every package has a counter of its memory.{_left_out(found)}"
    else:
        return
    yield Missing(code="dram_missing", reason=reason, cure="None on this machine.")


def _left_out(found: Found) -> str:
    """What follows for the counters that do answer; empty where nothing does."""
    if not found.left_out:
        return ""
    whole = "the memory" if found.packages_counted else "the CPU"
    return f" A part must not pass for all of {whole}, so {_listed(found.left_out, most=4)} is not counted either."


def _listed(domains: Sequence[str], most: int = 8) -> str:
    """One line, however many sockets a machine has."""
    more = f" and {len(domains) - most} more" if len(domains) > most else ""
    return ", ".join(domains[:most]) + more


def grant(root: Path) -> str:
    return (
        f"This boot: sudo chmod a+r {root}/intel-rapl*/energy_uj; for good: sudo groupadd -f rapl; "
        "sudo usermod -aG rapl $USER; sudo cp docs/70-joulemark-rapl.rules /etc/udev/rules.d/; "
        "sudo udevadm control --reload; sudo udevadm trigger --subsystem-match=powercap; log in again."
    )
