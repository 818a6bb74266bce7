"""Faulty hardware in real time: what each scenario draws, what goes wrong with it when, and what must come of it.

Times are seconds after the scenario's zero. SHORT are the windows that most scenarios are judged by, LONG one of ten
seconds and a half. A window not named in `codes` must have the right joules.
"""

# No "from __future__ import annotations": this file is loaded by its path, and dataclasses look names up by module.
from dataclasses import dataclass, field

SHORT = ((10.5, 12.5), (13.0, 15.0), (15.5, 17.5), (18.0, 20.0), (22.0, 24.0))
LONG = ((10.0, 20.5),)
END_S = 25.0

LOST, NOT_SUPPORTED, RESET_REQUIRED, TIMEOUT = 15, 3, 16, 10
HW_SLOWDOWN, HW_THERMAL, POWER_BRAKE, SW_THERMAL, SW_CAP, CLOCKS_SET = 0x8, 0x40, 0x80, 0x20, 0x4, 0x2


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`gpu` and `rapl` are lines of the fake driver and of the fake counter, with or without a time."""

    fault: str
    outcome: str
    steps: str = "0:300000"
    repeat_ms: int = 0
    gpu: tuple[str, ...] = ()
    rapl: tuple[str, ...] | None = None  # a scenario of RAPL where it is given
    offset_uj: int = 0
    windows: tuple[tuple[float, float], ...] = SHORT
    codes: dict[int, str] = field(default_factory=dict)  # window -> the code that takes its joules
    flags: dict[int, str] = field(default_factory=dict)  # window -> the code that comes with right joules
    either: dict[int, str] = field(default_factory=dict)  # window -> right joules, or this code
    within: float = 0.01

    @property
    def name(self) -> str:
        return self.fault.replace(" ", "-")


def at(seconds: float, line: str) -> str:
    """A line that holds from so many seconds on."""
    key, _, value = line.partition(" ")
    return f"{key}@{round(seconds * 1000)} {value}"


def during(start_s: float, end_s: float, line: str, otherwise: str = "0") -> tuple[str, str]:
    return at(start_s, line), at(end_s, f"{line.partition(' ')[0]} {otherwise}")


def seen(fault: str, bit: int, code: str, *, invalid: bool) -> Scenario:
    """The board is held back in the second window, long enough to be seen, and no look before falls in the first."""
    lines = during(13.7, 14.95, f"clocks_event_reasons {bit}")
    which = {"codes": {1: code}} if invalid else {"flags": {1: code}}
    return Scenario(fault=fault, outcome=code, gpu=lines, **which)


EVERY = tuple(range(len(SHORT)))
AFTER_FIRST = EVERY[1:]

SCENARIOS = (
    # what is no fault of anybody
    Scenario(fault="steady power", outcome="right joules"),
    Scenario(
        fault="counter that ticks every 100 ms",
        outcome="right joules",
        gpu=("update_ms 100", "phase_ms 37"),
        windows=LONG,
        within=0.001,
    ),
    Scenario(
        fault="ticks that stray by 5 ms",
        outcome="right joules",
        gpu=("update_ms 100", "jitter_ms 5"),
        windows=LONG,
        within=0.001,
    ),
    Scenario(
        fault="2 s window on a counter that ticks every 15 ms",
        outcome="right joules",
        gpu=("update_ms 15", "phase_ms 7"),
    ),
    Scenario(
        fault="power that steps at the window's edges",
        outcome="right joules",
        steps="0:60000,10000:420000,20500:60000",
        gpu=("update_ms 100", "phase_ms 51"),
        windows=LONG,
        within=0.001,
    ),
    Scenario(
        fault="square wave under a slow counter",
        outcome="right joules",
        steps="0:400000,250:100000",
        repeat_ms=500,
        gpu=("update_ms 100", "phase_ms 20"),
        windows=LONG,
        within=0.005,
    ),
    Scenario(
        fault="window shorter than 100 updates of its counter",
        outcome="window_short",
        gpu=("update_ms 100",),
        codes=dict.fromkeys(EVERY, "window_short"),
    ),
    # the meter
    Scenario(
        fault="board lost for a second",
        outcome="meter_lost",
        gpu=during(13.6, 14.6, f"return {LOST}"),
        codes={1: "meter_lost"},
    ),
    Scenario(
        fault="board lost for good",
        outcome="meter_lost",
        gpu=(at(13.6, f"return {LOST}"),),
        codes=dict.fromkeys(AFTER_FIRST, "meter_lost"),
    ),
    Scenario(
        fault="board that needs a reset",
        outcome="meter_lost",
        gpu=(at(13.6, f"return {RESET_REQUIRED}"),),
        codes=dict.fromkeys(AFTER_FIRST, "meter_lost"),
    ),
    Scenario(
        fault="driver that times out for a second",
        outcome="meter_lost",
        gpu=during(13.6, 14.6, f"return {TIMEOUT}"),
        codes={1: "meter_lost"},
    ),
    Scenario(
        fault="counter that fails for 30 ms",
        outcome="right joules",
        gpu=during(13.601, 13.631, f"energy_return {TIMEOUT}"),
    ),
    Scenario(
        fault="counter set back by a driver reload",
        outcome="counter_fell",
        gpu=(at(13.6, "energy_offset_mj -3000000"),),
        codes={1: "counter_fell"},
    ),
    Scenario(
        fault="counter that stands still for six seconds",
        outcome="counter_stuck",
        gpu=(at(13.6, "energy_stuck_mj 4081000"),),
        codes=dict.fromkeys(AFTER_FIRST, "counter_stuck"),
    ),
    Scenario(
        fault="driver call that hangs",
        outcome="meter_lost",
        gpu=during(11.6, 11.9, "hang_ms 60000"),
        codes={0: "meter_lost", 1: "meter_lost", 2: "meter_lost"},
        either={3: "meter_lost"},
    ),
    Scenario(
        fault="vendor library that crashes",
        outcome="meter_lost",
        gpu=during(11.6, 11.9, "segfault 1"),
        codes={0: "meter_lost"},
        either={1: "meter_lost"},
    ),
    Scenario(
        fault="board without an energy counter",
        outcome="right joules, power_integrated",
        gpu=(f"energy_return {NOT_SUPPORTED}", "update_ms 10"),
        steps="0:300000,10:310000",
        repeat_ms=20,
        flags=dict.fromkeys(EVERY, "power_integrated"),
    ),
    Scenario(
        fault="power of 0 W on a board without a counter",
        outcome="meter_lost",
        gpu=(f"energy_return {NOT_SUPPORTED}", "update_ms 10", *during(13.6, 14.6, "reported_power_mw 0", "300000")),
        steps="0:300000,10:310000",
        repeat_ms=20,
        codes={1: "meter_lost"},
        within=0.04,
    ),
    Scenario(
        fault="power far above the limit on a board without a counter",
        outcome="meter_lost",
        gpu=(
            f"energy_return {NOT_SUPPORTED}",
            "update_ms 10",
            *during(13.6, 14.6, "reported_power_mw 9000000", "300000"),
        ),
        steps="0:300000,10:310000",
        repeat_ms=20,
        codes={1: "meter_lost"},
        within=0.04,
    ),
    Scenario(
        fault="counter and power that disagree by 10 %",
        outcome="right joules, methods_disagree",
        gpu=("reported_power_mw 330000",),
        windows=LONG,
        flags={0: "methods_disagree"},
        within=0.001,
    ),
    Scenario(
        fault="second opinion lost, the counter well",
        outcome="right joules",
        gpu=during(13.6, 14.6, f"field_return {LOST}"),
    ),
    # what surrounds it
    seen("hardware slowdown", HW_SLOWDOWN, "hw_slowdown", invalid=True),
    seen("thermal slowdown by hardware", HW_THERMAL, "hw_thermal_slowdown", invalid=True),
    seen("power brake", POWER_BRAKE, "power_brake", invalid=True),
    seen("thermal slowdown by the driver", SW_THERMAL, "sw_thermal_slowdown", invalid=False),
    seen("power cap", SW_CAP, "sw_power_cap", invalid=False),
    seen("clocks fixed by a user", CLOCKS_SET, "clocks_set", invalid=False),
    Scenario(
        fault="uncorrected memory errors",
        outcome="ecc_uncorrected",
        gpu=(at(14.0, "ecc 2"),),
        codes={1: "ecc_uncorrected"},
    ),
    Scenario(
        fault="power limit changed in a window",
        outcome="power_limit_changed",
        gpu=(at(14.0, "power_limit_mw 500000"),),
        codes={1: "power_limit_changed"},
    ),
    Scenario(
        fault="another process computes on the board",
        outcome="foreign_compute",
        gpu=("compute 4711:1000000", at(13.7, "compute 4711:1000000,4712:2000000"), at(14.95, "compute 4711:1000000")),
        codes={1: "foreign_compute"},
    ),
    Scenario(
        fault="a desktop draws on the board",
        outcome="right joules, foreign_graphics",
        gpu=("graphics 99:5000000",),
        flags=dict.fromkeys(EVERY, "foreign_graphics"),
    ),
    # RAPL
    Scenario(
        fault="RAPL counter that wraps in a window",
        outcome="right joules",
        rapl=(),
        steps="0:150000",
        offset_uj=262_143_328_850 - 2_040_000_000,
    ),
    Scenario(
        fault="RAPL counter that wraps in a long window",
        outcome="right joules",
        rapl=(),
        steps="0:150000",
        offset_uj=262_143_328_850 - 2_040_000_000,
        windows=LONG,
        within=0.001,
    ),
    Scenario(
        fault="RAPL read that fails for 30 ms",
        outcome="right joules",
        rapl=during(13.601, 13.631, "eio 1"),
        steps="0:150000",
    ),
    Scenario(
        fault="RAPL read that fails for a second",
        outcome="meter_lost",
        rapl=during(13.6, 14.6, "eio 1"),
        steps="0:150000",
        codes={1: "meter_lost"},
    ),
    Scenario(
        fault="RAPL file that is empty for a second",
        outcome="meter_lost",
        rapl=during(13.6, 14.6, "empty 1"),
        steps="0:150000",
        codes={1: "meter_lost"},
    ),
    Scenario(
        fault="RAPL counter that is set back",
        outcome="counter_fell",
        rapl=(at(13.6, "reset 5"),),
        steps="0:150000",
        codes={1: "counter_fell"},
    ),
    Scenario(
        fault="RAPL read that hangs",
        outcome="meter_lost",
        rapl=during(11.6, 11.9, "hang_ms 60000"),
        steps="0:150000",
        codes={0: "meter_lost", 1: "meter_lost", 2: "meter_lost"},
        either={3: "meter_lost"},
    ),
)
