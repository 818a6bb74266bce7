"""What a backend promises: a kind of device, the frameworks that drive it, its meters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backends.meters.base import Description, Gauge, Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device of a backend, named as its maker names it."""

    index: int
    name: str
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A thing that is not there: what, why and what would help. One line each."""

    code: str  # a reason code of suite.reasons: "rapl_absent", "rapl_permission_denied", "no_meter"
    reason: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """The meters a backend could open, one reason for each it could not, and gauges of what surrounds them."""

    meters: tuple[Meter, ...] = ()
    missing: tuple[Missing, ...] = ()
    gauges: tuple[Gauge, ...] = ()
    rails: tuple[Description, ...] = ()  # what only the worker's runtime can read, by profiling the same steps


class BackendUnavailable(Exception):
    """This backend cannot run here. `missing` says why in one line and what would help."""

    def __init__(self, missing: Missing) -> None:
        super().__init__(f"{missing.reason} {missing.cure}".strip())
        self.missing = missing


class Runtime(Protocol):
    """One device opened through one framework, in a worker process."""

    device: Any  # the framework's own handle: torch.device or jax.Device

    def synchronize(self) -> None:
        """Return when all work queued on the device has finished."""
        ...

    def peak_memory_bytes(self) -> int | None:
        """Most memory of the device used so far; None where the framework does not say."""
        ...

    def forget_peak_memory(self) -> None:
        """Count the peak from now on, where the framework or the system can; else it goes on counting."""
        ...

    def release_memory(self) -> None:
        """Give back what is held for later and no array uses: the next stage wants memory of another shape.

        Called between stages and never within a window; what follows it pays for its memory once more.
        """
        ...

    def compilations(self) -> int:
        """How many programs the framework has compiled so far in this process."""
        ...

    def measure_rails(self, run: Callable[[], None]) -> Sequence[Rail]:
        """The mean power of the device's supply rails while `run` ran; empty where no profiler shows them.

        `run` is called at most once; where nothing can be shown it need not be.
        """
        ...


class Rail(Protocol):
    """One supply rail's mean power, as a profiler showed it."""

    @property
    def domain(self) -> str: ...
    @property
    def power_w(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How a framework can drive this backend here."""

    framework: str
    version: str
    precisions: tuple[str, ...]  # best first: the one the planner takes comes first
    compiled: bool  # False: runs eagerly, `note` says why
    note: str = ""
    emulated: tuple[str, ...] = ()  # precisions it would run slowly, in software: only where the user insists


class Backend(Protocol):
    """A kind of hardware. Importing the module and making the object loads no framework."""

    name: str
    on_host: bool  # its device is the host itself, not an accelerator beside it

    def devices(self) -> Sequence[Device]:
        """What is there. BackendUnavailable when this backend cannot run here at all."""
        ...

    def frameworks(self) -> Sequence[Support]:
        """The frameworks installed here that can drive this backend, best first; found without importing them."""
        ...

    def attach(self, framework: str, index: int) -> Runtime:
        """Open device `index` in this process. Imports the framework."""
        ...

    def meters(self, index: int) -> Metering:
        """Open every meter that sees device `index`, or say what is missing. Imports no framework."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Driver and runtime versions, for the result file. No serial numbers."""
        ...
