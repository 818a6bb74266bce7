"""NVIDIA Jetson modules: the power at the module's input, by the INA3221 sensor on it.

Not yet seen on hardware. Current times voltage, integrated. The carrier board is not behind this sensor, nor is what
the power supply loses. Modules without the channel VDD_IN show single rails only, whose sum is not the input.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from backends.base import Metering, Missing
from backends.meters import UnknownMeter
from backends.meters.base import Description, MeterLost, now_ns
from backends.meters.sampled import PowerMeter

ROOT = Path("/sys/bus/i2c/drivers/ina3221")
INPUT = "VDD_IN"
MOST_POWER_W = 1_000.0  # more than any module takes

_W_PER_MV_MA = 1e-6

DESCRIPTION = Description(
    domain="wall",
    boundary="wall",
    method="integrated",
    source="ina3221.vdd_in",
    note="the module's input: without its carrier board and the power supply's loss",
)


def open_module(argument: str) -> Metering:
    """The module's input. UnknownMeter when anything is asked of it."""
    if argument:
        raise UnknownMeter(f"jetson takes nothing behind its name, not {argument!r}.")
    return open_meters()


def open_meters(root: Path = ROOT) -> Metering:
    labels = {path: path.read_text().strip() for path in sorted(root.glob("*/hwmon/hwmon*/in*_label"))}
    found = [path for path, name in labels.items() if name == INPUT]
    if not found:
        return _absent(_why_not(sorted(set(labels.values()))))
    sample = _sampler(found[0])
    try:
        sample()
    except MeterLost as lost:
        return _absent(f"The sensor at the module's input does not answer ({lost}).")
    return Metering(meters=(PowerMeter(DESCRIPTION, sample),))


def _sampler(label: Path) -> Callable[[], tuple[int, float]]:
    number = re.sub(r"\D", "", label.name)
    voltage, current = label.with_name(f"in{number}_input"), label.with_name(f"curr{number}_input")

    def sample() -> tuple[int, float]:
        try:
            power_w = int(voltage.read_text()) * int(current.read_text()) * _W_PER_MV_MA
        except (OSError, ValueError) as error:
            raise MeterLost((error.strerror if isinstance(error, OSError) else None) or "no number") from error
        if not 0 <= power_w <= MOST_POWER_W:
            raise MeterLost(f"{power_w:g} W, which no module takes")
        return now_ns(), power_w

    return sample


def _why_not(names: list[str]) -> str:
    if not names:
        return "This machine shows no INA3221 power sensor: it is no Jetson."
    return f"The power sensors of this machine show {', '.join(names)}, but not {INPUT}."


def _absent(reason: str) -> Metering:
    cure = "See what is there: grep . /sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in*_label"
    return Metering(missing=(Missing(code="jetson_absent", reason=reason, cure=cure),))
