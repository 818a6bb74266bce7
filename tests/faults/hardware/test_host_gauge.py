"""What befalls a host while it is measured, on trees of files as Linux shows them: two readings and their codes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from backends.meters.host_gauge import HostGauge
from suite.conditions import events_of
from suite.trace import Conditions

STAT = "cpu  {user} 0 2000 90000 300 0 40 {steal} 0 0\ncpu0 {user} 0 2000 90000 300 0 40 {steal} 0 0\n"
SECOND_NS = 1_000_000_000


class Host:
    """A machine of one package of two cores, on the mains, with a battery; its clocks are this machine's, moved."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ahead_ns = {"boottime_s": 0, "realtime_s": 1_700_000_000 * SECOND_NS, "raw_s": -5_000_000}
        self.set("proc/stat", STAT.format(user=1_000, steal=0))
        self.set("proc/vmstat", "nr_free_pages 9\npswpin 100\npswpout 200\npgfault 7")
        for core in range(2):
            for name in ("core_throttle_count", "package_throttle_count"):
                self.set(f"sys/devices/system/cpu/cpu{core}/thermal_throttle/{name}", 3)
            self.set(f"sys/devices/system/cpu/cpu{core}/topology/physical_package_id", 0)
            self.set(f"sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list", core)
            self.set(f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq", 3_000_000)
        self.supply("AC", type="Mains", online=1)
        self.supply("BAT0", type="Battery", status="Full")
        self.gauge = HostGauge(root, {name: self._clock(name) for name in self.ahead_ns})

    def _clock(self, name: str) -> Callable[[], int]:
        return lambda: time.monotonic_ns() + self.ahead_ns[name]

    def set(self, name: str, content: object) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(f"{content}\n")

    def supply(self, name: str, **answers: object) -> None:
        for key, value in answers.items():
            self.set(f"sys/class/power_supply/{name}/{key}", value)

    def codes_of(self, change: Callable[[], None], seconds: float = 1.0) -> list[str]:
        """The reason codes of what changes between two readings so far apart."""
        before = self.gauge.read()
        change()
        after = self.gauge.read()
        values: dict[str, tuple[float | None, ...]] = {
            quantity: (before.get(quantity), after.get(quantity)) for quantity in {**before, **after}
        }
        conditions = Conditions(domain="host", at_ns=(0, int(seconds * SECOND_NS)), values=values)
        return [event.code for event in events_of(conditions, workers=0)]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path / "proc"))
    return Host(tmp_path)


def test_a_quiet_host_gives_no_code(host: Host) -> None:
    assert host.codes_of(lambda: None) == []
    assert host.gauge.read()["on_battery"] == 0


@pytest.mark.fault("a core's thermal throttle count rises", "cpu_throttled")
def test_a_core_that_throttles_is_seen(host: Host) -> None:
    count = "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count"
    assert host.codes_of(lambda: host.set(count, 4)) == ["cpu_throttled"]


@pytest.mark.fault("a package's thermal throttle count rises", "cpu_throttled")
def test_a_package_that_throttles_is_seen(host: Host) -> None:
    count = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"
    assert host.codes_of(lambda: host.set(count, 4)) == ["cpu_throttled"]


@pytest.mark.fault("processor taken offline and back", "no false throttling")
def test_a_core_that_goes_and_comes_back_has_not_throttled(host: Host) -> None:
    count = "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count"
    assert host.codes_of((host.root / count).unlink) == []
    assert "cpu_throttle_count" not in host.gauge.read()
    assert host.codes_of(lambda: host.set(count, 3)) == []
    assert host.gauge.read()["cpu_throttle_count"] == 9


def unplug(host: Host) -> None:
    host.supply("AC", online=0)
    host.supply("BAT0", status="Discharging")


@pytest.mark.fault("mains unplugged", "on_battery")
def test_a_host_on_its_battery_is_seen(host: Host) -> None:
    assert host.codes_of(lambda: unplug(host)) == ["on_battery"]


@pytest.mark.fault("battery discharges though the mains are on", "not on_battery")
def test_a_battery_that_helps_the_mains_is_not_the_supply(host: Host) -> None:
    host.supply("BAT0", status="Discharging")
    assert host.gauge.read()["on_battery"] == 0


@pytest.mark.fault("battery of a wireless mouse discharges", "not on_battery")
def test_a_mouse_has_a_battery_of_its_own(host: Host) -> None:
    host.supply("AC", online=0)
    host.supply("hidpp_battery_0", type="Battery", scope="Device", status="Discharging")
    assert host.gauge.read()["on_battery"] == 0


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("pswpin 500\npswpout 200", marks=pytest.mark.fault("pages swapped in", "swapping")),
        pytest.param("pswpin 100\npswpout 600", marks=pytest.mark.fault("pages swapped out", "swapping")),
    ],
)
def test_swapping_is_seen(host: Host, line: str) -> None:
    assert host.codes_of(lambda: host.set("proc/vmstat", line)) == ["swapping"]


@pytest.mark.fault("hypervisor takes processor time away", "steal time told")
def test_stolen_and_busy_time_are_told_apart(host: Host) -> None:
    before = host.gauge.read()
    host.set("proc/stat", STAT.format(user=1_250, steal=75))
    after = host.gauge.read()
    assert after["cpu_busy_s"] - before["cpu_busy_s"] == pytest.approx(2.5)
    assert after["cpu_steal_s"] - before["cpu_steal_s"] == pytest.approx(0.75)


def moved(host: Host, **by_s: float) -> Callable[[], None]:
    def move() -> None:
        for clock, seconds in by_s.items():
            host.ahead_ns[clock] += round(seconds * SECOND_NS)

    return move


@pytest.mark.parametrize(
    "step_s",
    [
        pytest.param(3_600.0, marks=pytest.mark.fault("wall clock set forward by an hour", "clock_stepped")),
        pytest.param(-3_600.0, marks=pytest.mark.fault("wall clock set back by an hour", "clock_stepped")),
    ],
)
def test_a_step_of_the_wall_clock_is_seen_and_nothing_else(host: Host, step_s: float) -> None:
    before = host.gauge.read()["realtime_s"]
    assert host.codes_of(moved(host, realtime_s=step_s)) == ["clock_stepped"]
    assert host.gauge.read()["realtime_s"] - before == pytest.approx(step_s, abs=1e-4)


@pytest.mark.fault("machine suspended for a minute", "suspended")
def test_a_suspend_is_seen(host: Host) -> None:
    """The wall clock goes on in a suspend as well."""
    assert "suspended" in host.codes_of(moved(host, boottime_s=60.0, realtime_s=60.0))


@pytest.mark.parametrize(
    ("slewed_s", "codes"),
    [
        pytest.param(0.0005, [], marks=pytest.mark.fault("clock slewed by the usual 500 ppm", "nothing")),
        pytest.param(0.002, ["clock_slewed"], marks=pytest.mark.fault("clock slewed by 0.2 %", "clock_slewed")),
        pytest.param(0.02, ["clock_unsteady"], marks=pytest.mark.fault("clock slewed by 2 %", "clock_unsteady")),
    ],
)
def test_a_slewed_clock_is_seen_against_the_hardwares_own(host: Host, slewed_s: float, codes: list[str]) -> None:
    assert host.codes_of(moved(host, raw_s=-slewed_s)) == codes
