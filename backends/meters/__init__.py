"""Meters: each turns one vendor's counter or power reading into a rising count of microjoules.

A backend opens the meters of its own device. The meters in the table below stand beside any backend: they are opened by
name, as `--meter shelly:HOST` asks.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # backends.base imports this package
    from backends.base import Metering

BUILTIN = {
    "shelly": "backends.meters.wall:open_shelly",
    "tasmota": "backends.meters.wall:open_tasmota",
    "csv": "backends.meters.csvfile:open_csv",
    "amd": "backends.meters.amd:open_gpu",
    "apple": "backends.meters.apple:open_chip",
    "hwmon": "backends.meters.hwmon:open_gpus",
    "jetson": "backends.meters.ina3221:open_module",
}
"""Name -> "module:function"; the function takes what stands behind the name's colon and gives a Metering."""

GROUP = "joulemark.meters"


class UnknownMeter(LookupError):
    """The text names no meter, or names one in a way that meter does not know. One line, with the choices."""


def _table() -> dict[str, str]:
    """Built-in meters first; a package from outside adds a name but cannot replace a built-in one."""
    outside = {point.name: point.value for point in entry_points(group=GROUP)}
    return BUILTIN | {name: value for name, value in sorted(outside.items()) if name not in BUILTIN}


def names() -> tuple[str, ...]:
    return tuple(_table())


def open_named(text: str) -> Metering:
    """Open the meters that a text like "shelly:192.168.1.20", "amd:0" or "jetson" names.

    A meter that does not answer is no error but a `missing` of the Metering. "csv:FILE" opens nothing: the file is read
    after the run, by `backends.meters.csvfile`. UnknownMeter when the text cannot be understood.
    """
    name, _, argument = text.partition(":")
    table = _table()
    if name not in table:
        raise UnknownMeter(f"No meter is called {name!r}. There are: {', '.join(table)}.")
    module, _, attribute = table[name].partition(":")
    metering: Metering = getattr(import_module(module), attribute)(argument)
    return metering
