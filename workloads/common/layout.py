"""Between the spec's layout of a weight and a framework's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _same(name: str, weight: Any) -> Any:
    return weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`into` the framework's arrays on the device, and `back`; both take the weight's name and the array.

    By default nothing changes. A gradient goes back by the same way as its weight.
    """

    into: Callable[[str, Any], Any] = _same
    back: Callable[[str, Any], Any] = _same


UNCHANGED = Layout()
