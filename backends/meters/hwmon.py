"""Intel GPUs: the energy counter that their kernel drivers show under hwmon.

Not yet seen on hardware. The kernel gives microjoules and takes the wraps of the hardware's register out itself.
"""

from __future__ import annotations

import re
from pathlib import Path

from backends.base import Metering, Missing
from backends.meters import UnknownMeter
from backends.meters.base import Boundary, Description, MeterLost, now_ns
from backends.meters.sampled import CounterMeter

ROOT = Path("/sys/class/hwmon")

_DRIVERS = {"i915", "xe"}  # what they call "i915_gt0" lies inside the card
_CARD = ("energy1_input", "energy2_input")  # the card; the package on it, where the card has no counter


def open_gpus(argument: str) -> Metering:
    """Every Intel GPU with a counter. UnknownMeter when anything is asked of it."""
    if argument:
        raise UnknownMeter(f"hwmon takes nothing behind its name, not {argument!r}.")
    return open_meters()


def open_meters(boundary: Boundary = "machine", *, root: Path = ROOT) -> Metering:
    """A meter for each GPU whose counter may be read, and one reason for each that may not."""
    meters: list[CounterMeter] = []
    missing: list[Missing] = []
    for index, path in enumerate(counters(root)):
        try:
            _read_uj(path)
        except PermissionError:
            missing.append(_denied(path))
        except (OSError, ValueError) as error:
            missing.append(_absent(f"The counter of Intel GPU {index} does not answer ({_in_short(error)})."))
        else:
            meters.append(_meter(path, index, boundary))
    if not meters and not missing:
        missing.append(_absent("No Intel GPU shows an energy counter: none is there, or it is built into the CPU."))
    return Metering(meters=tuple(meters), missing=tuple(missing))


def counters(root: Path) -> tuple[Path, ...]:
    """The file of each GPU's counter, one a GPU, in the order of the kernel's numbers."""
    devices = [path for path in root.glob("hwmon*") if _driver(path) in _DRIVERS]
    inputs = ([path / name for name in _CARD if (path / name).exists()] for path in sorted(devices, key=_number))
    return tuple(one[0] for one in inputs if one)


def _driver(path: Path) -> str:
    name = path / "name"
    return name.read_text().strip() if name.exists() else ""


def _number(path: Path) -> int:
    number = re.search(r"\d+$", path.name)
    return int(number[0]) if number else 0


def _meter(path: Path, index: int, boundary: Boundary) -> CounterMeter:
    label = path.with_name(path.name.replace("_input", "_label"))
    part = label.read_text().strip() if label.exists() else "card"
    description = Description(
        domain=f"intel-gpu{index}",
        boundary=boundary,
        method="counter",
        source=f"hwmon.{_driver(path.parent)}",
        note=None if part == "card" else f"covers the {part}, not the whole card",
    )

    def sample() -> tuple[int, int]:
        try:
            energy_uj = _read_uj(path)
        except (OSError, ValueError) as error:
            raise MeterLost(_in_short(error)) from error
        return now_ns(), energy_uj

    return CounterMeter(description, sample)


def _read_uj(path: Path) -> int:
    return int(path.read_text())


def _in_short(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "no number"


def _denied(path: Path) -> Missing:
    return Missing(
        code="hwmon_permission_denied",
        reason="This user may not read the energy counter of an Intel GPU.",
        cure=f"Run: sudo chmod a+r {path} (lasts until the next boot).",
    )


def _absent(reason: str) -> Missing:
    return Missing(code="hwmon_absent", reason=reason, cure="See what is there: grep . /sys/class/hwmon/hwmon*/name")
