"""Compiling and warming up cost joules too: they are told apart from the windows, from the same ticks."""

from __future__ import annotations

import pytest

from suite.normalise import spent
from suite.record import Attempt, Stage
from suite.trace import Meter, Ticks

SECOND = 1_000_000_000
METER = Meter(
    domain="gpu0",
    boundary="device",
    method="counter",
    source="test",
    bound=None,
    check=False,
    calibration=0.0,
    note=None,
    update_period_s=0.01,
    tick_width_s=0.0,
    resolution_uj=None,
    scope=None,
)


def attempt(*stages: tuple[str, float, float], until_s: int = 20) -> Attempt:
    """On a machine that draws 50 W."""
    at_ns = tuple(range(0, until_s * SECOND, SECOND // 100))
    ticks = Ticks(0, at_ns, tuple(50 * ns // 1000 for ns in at_ns))
    return Attempt(
        outcome="ok",
        detail=None,
        sweep=(),
        stages=tuple(Stage(name=name, start_ns=int(a * 1e9), end_ns=int(b * 1e9)) for name, a, b in stages),
        windows=(),
        ticks=(ticks,),
        events=(),
        conditions=(),
        energies=(),
        quality=None,
        audits=(),
        peak_memory_bytes=None,
        notes=(),
    )


def test_each_stage_has_its_seconds_and_its_joules() -> None:
    found = spent([METER], attempt(("build", 1, 3), ("compile", 3, 13)), "device")
    assert [(one.stage, one.seconds) for one in found] == [("build", 2.0), ("compile", 10.0)]
    assert [one.joules for one in found] == [pytest.approx(100), pytest.approx(500)]


def test_a_stage_too_short_for_its_meter_or_off_the_record_is_unknown_and_not_zero() -> None:
    found = spent([METER], attempt(("build", 1, 1.5), ("compile", 15, 25)), "device")
    assert [one.joules for one in found] == [None, None]
