"""A logger's file, read after the run, becomes a meter like any other; what it does not reach stays unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.assemble import Tried
from suite.energy import Energy, window_energy
from suite.join import Log, is_log, join, read
from suite.record import Attempt, Cell, MissingMeter, Work
from suite.trace import Window

SECOND = 1_000_000_000
UNIX_S = 1_780_000_000.0  # what the wall clock showed at the origin
ORIGIN_NS = 5_000 * SECOND
WINDOW = Window(20 * SECOND, 140 * SECOND, 1)


def logged(
    folder: Path, power_w: float = 200.0, *, until_s: int = 200, hole_s: range = range(0), late_s: float = 0
) -> str:
    """A log with a line each second, from 10 s after the origin on; the name of the meter."""
    lines = [f"{UNIX_S + second - late_s},{power_w}" for second in range(10, until_s) if second not in hole_s]
    path = folder / "log.csv"
    path.write_text("\n".join(["time,watts", *lines]))
    return f"csv:{path},offset={late_s}" if late_s else f"csv:{path}"


def tried(clock: tuple[tuple[int, float], ...], windows: tuple[Window, ...] = (WINDOW,)) -> Tried:
    attempt = Attempt(
        outcome="ok",
        detail=None,
        stages=(),
        windows=windows,
        ticks=(),
        events=(),
        conditions=(),
        energies=((),) * len(windows),
        quality=None,
        audits=(),
        sweep=(),
        peak_memory_bytes=None,
        notes=(),
    )
    cell = Cell(
        workload="gpt",
        version=1,
        mode="train",
        size="s",
        backend="cpu",
        framework="torch",
        precision="fp32",
        batch=1,
        technique="eager",
        device=0,
    )
    return Tried(
        cell=cell,
        work=Work(unit="token", units_per_step=1, parameters=1, flops_per_step=1.0, bytes_per_step=1.0),
        attempt=attempt,
        windows_s=1,
        sampler_s=0,
        controller_s=0,
        spent_s=1,
        origin_ns=ORIGIN_NS,
        clock=clock,
    )


def ahead(*jumps_s: tuple[int, float]) -> tuple[tuple[int, float], ...]:
    """How far the wall clock is ahead of CLOCK_MONOTONIC each second; from a second on it is set by so much."""
    return tuple(
        (ORIGIN_NS + second * SECOND, UNIX_S - 5_000 + sum(by_s for from_s, by_s in jumps_s if second >= from_s))
        for second in range(210)
    )


def energy(name: str, clock: tuple[tuple[int, float], ...]) -> Energy:
    log = read(name)
    assert isinstance(log, Log)
    joined = join(log, 0, [tried(clock)])
    return window_energy([joined.meter], [ticks for ticks in joined.ticks if ticks is not None], WINDOW, "wall")


def test_a_log_gives_the_joules_of_a_window(tmp_path: Path) -> None:
    found = energy(logged(tmp_path), ahead())
    assert found.joules == pytest.approx(200 * 120)
    assert "power_integrated" in found.reasons


@pytest.mark.fault("logger's clock 7 s behind", "right joules")
def test_an_offset_lays_the_loggers_clock_on_this_machines(tmp_path: Path) -> None:
    assert energy(logged(tmp_path, late_s=7.0), ahead()).joules == pytest.approx(200 * 120)


@pytest.mark.fault("log with a hole in the window", "trace_gap")
def test_a_log_with_a_hole_in_the_window_is_no_measurement_of_it(tmp_path: Path) -> None:
    found = energy(logged(tmp_path, hole_s=range(60, 70)), ahead())
    assert (found.joules, found.reasons) == (None, ("trace_gap",))
    assert energy(logged(tmp_path, hole_s=range(60, 62)), ahead()).joules == pytest.approx(200 * 120)


@pytest.mark.fault("log that ends before the window does", "trace_gap")
def test_a_log_that_ends_too_early_leaves_the_window_unknown(tmp_path: Path) -> None:
    found = energy(logged(tmp_path, until_s=100), ahead())
    assert (found.joules, found.reasons) == (None, ("trace_gap",))


@pytest.mark.fault("wall clock set forward by an hour in the window", "trace_gap")
def test_a_clock_that_was_set_meanwhile_moves_no_joules(tmp_path: Path) -> None:
    found = energy(logged(tmp_path), ahead((60, 3600.0)))
    assert found.joules is None
    assert found.reasons == ("trace_gap",)


def test_an_attempt_without_a_known_clock_or_without_windows_has_no_ticks(tmp_path: Path) -> None:
    log = read(logged(tmp_path))
    assert isinstance(log, Log)
    assert join(log, 0, [tried(()), tried(ahead(), windows=())]).ticks == (None, None)


@pytest.mark.fault("log of another day", "trace_gap")
def test_a_log_of_another_day_reaches_no_attempt(tmp_path: Path) -> None:
    log = read(logged(tmp_path) + ",offset=86400")
    assert isinstance(log, Log)
    assert join(log, 0, [tried(ahead())]).ticks == (None,)


@pytest.mark.fault("log with words for watts", "log_refused")
def test_a_log_that_cannot_be_read_is_a_missing_meter_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,watts\n1,2\n2,much\n")
    missing = read(f"csv:{path}")
    assert isinstance(missing, MissingMeter)
    assert missing.code == "log_refused"
    assert "line 3" in missing.reason
    assert missing.cure


def test_only_files_are_read_after_the_run() -> None:
    assert is_log("csv:wall.csv")
    assert not is_log("shelly:10.0.0.7")
