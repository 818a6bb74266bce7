"""Apple's chips, through zeus-apple-silicon: what the chip's own power model says of its CPU, memory, GPU and ANE.

Not yet seen on hardware. These are a model's numbers and not a sensor's, so their class is "rails". The counters are
read as they stand: windows opened and closed by the library would lose up to a millijoule each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backends.base import Metering, Missing
from backends.meters import UnknownMeter
from backends.meters.base import Boundary, Description, MeterLost
from backends.meters.sampled import CounterMeter, Shared
from backends.processor_name import chip_name

FIELDS = {
    "package-0": "cpu_total_mj",
    "dram-0": "dram_mj",
    "gpu0": "gpu_mj",
    "ane0": "ane_mj",
}
"""Domain -> the library's name for what it counts, in millijoules."""

_DEVICE = ("package-0", "dram-0")  # what a CPU's run is charged with
REUSE_S, SLOW_S = 0.02, 0.1  # one look takes some 4 ms and serves all domains
_UJ_PER_MJ = 1_000

NO_MODULE = Missing(
    code="apple_absent",
    reason="The module zeus_apple_silicon is not installed; it exists for Macs with Apple's own chips only.",
    cure="On such a Mac: python -m pip install zeus-apple-silicon",
)
TWO_DIES = Missing(
    code="apple_two_dies",
    reason="This chip is made of two dies, and zeus-apple-silicon counts the CPU of one of them only.",
    cure="None with this library; measure at the wall, with --meter shelly:HOST.",
)


def open_chip(argument: str) -> Metering:
    """All that the chip's model covers. UnknownMeter when anything is asked of it."""
    if argument:
        raise UnknownMeter(f"apple takes nothing behind its name, not {argument!r}.")
    return open_meters("machine")


def open_meters(boundary: Boundary, *, chip: str | None = None, reuse_s: float = REUSE_S) -> Metering:
    """A meter for each domain within the boundary; at `device` these are the CPU and its memory.

    `chip` is the chip's name, found out where it is not given. Without the CPU's energy nothing is opened.
    """
    try:
        from zeus_apple_silicon import AppleEnergyMonitor
    except ImportError:
        return Metering(missing=(NO_MODULE,))
    if "Ultra" in (chip_name() if chip is None else chip):
        return Metering(missing=(TWO_DIES,))
    try:
        model = Shared(_reader(AppleEnergyMonitor()), reuse_s=reuse_s, slow_s=SLOW_S)
        _, shown = model.latest()
    except (RuntimeError, MeterLost) as error:  # the library's constructor raises RuntimeError
        return _silent(str(error))
    if "package-0" not in shown:
        return _silent("it has no energy of the CPU")
    wanted = _DEVICE if boundary == "device" else tuple(FIELDS)
    meters = tuple(_meter(model, domain, boundary) for domain in wanted if domain in shown)
    return Metering(meters=meters, missing=tuple(_not_shown(domain) for domain in wanted if domain not in shown))


def _reader(monitor: Any) -> Callable[[], dict[str, int]]:
    def read() -> dict[str, int]:
        """Microjoules of each domain that the model knows. MeterLost when it does not answer."""
        try:
            metrics = monitor.get_cumulative_energy()
        except (RuntimeError, ValueError) as error:  # what the C++ behind it throws
            raise MeterLost(f"the power model does not answer ({error})") from error
        values = {domain: getattr(metrics, field) for domain, field in FIELDS.items()}
        return {domain: energy_mj * _UJ_PER_MJ for domain, energy_mj in values.items() if energy_mj is not None}

    return read


def _meter(model: Shared[dict[str, int]], domain: str, boundary: Boundary) -> CounterMeter:
    description = Description(
        domain=domain,
        boundary=boundary,
        method="rails",
        source=f"ioreport.{FIELDS[domain].removesuffix('_mj')}",
        resolution_uj=_UJ_PER_MJ,
        note="Apple's own power model",
    )

    def sample() -> tuple[int, int]:
        at_ns, shown = model.latest()
        if domain not in shown:
            raise MeterLost(f"the power model no longer shows {domain}")
        return at_ns, shown[domain]

    return CounterMeter(description, sample)


def _silent(problem: str) -> Metering:
    missing = Missing(
        code="apple_absent",
        reason=f"The chip's power model gives nothing to count: {problem}.",
        cure="Update macOS and: python -m pip install --upgrade zeus-apple-silicon",
    )
    return Metering(missing=(missing,))


def _not_shown(domain: str) -> Missing:
    if domain == "dram-0":
        reason = "The chip's power model does not show its memory, whose energy is not in the number."
        return Missing(code="dram_missing", reason=reason, cure="None on this chip.")
    reason = f"The chip's power model does not show {domain}, whose energy is not in the number."
    return Missing(code="apple_rail_missing", reason=reason, cure="None on this chip.")
