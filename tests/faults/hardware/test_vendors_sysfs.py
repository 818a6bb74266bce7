"""Meters on trees of files as the kernel shows them: Intel's GPUs under hwmon, and the INA3221 of a Jetson."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backends import meters
from backends.base import Metering
from backends.meters import hwmon, ina3221
from backends.meters.base import CounterReset, MeterLost


def codes(metering: Metering) -> list[str]:
    return [one.code for one in metering.missing]


# -- Intel GPUs --------------------------------------------------------------------------------------------------------


class Hwmon:
    """A tree of sensors as Linux numbers them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def device(self, number: int, driver: str, **files: object) -> Path:
        path = self.root / f"hwmon{number}"
        path.mkdir(parents=True)
        (path / "name").write_text(f"{driver}\n")
        for name, content in files.items():
            (path / name).write_text(f"{content}\n")
        return path


@pytest.fixture
def sensors(tmp_path: Path) -> Hwmon:
    return Hwmon(tmp_path / "hwmon")


def test_intel_gpus_are_found_among_other_sensors_each_once(sensors: Hwmon) -> None:
    sensors.device(0, "coretemp", temp1_input=40_000)
    sensors.device(2, "i915", energy1_input=1_000)
    sensors.device(3, "i915_gt0", energy1_input=900)
    sensors.device(4, "amd_energy", energy1_input=5)
    sensors.device(10, "xe", energy1_input=7_000, energy1_label="card", energy2_input=6_000, energy2_label="pkg")
    metering = hwmon.open_meters(root=sensors.root)
    described = [(meter.description.domain, meter.description.source) for meter in metering.meters]
    assert described == [("intel-gpu0", "hwmon.i915"), ("intel-gpu1", "hwmon.xe")]
    assert {meter.description.note for meter in metering.meters} == {None}
    last = metering.meters[1]
    last.read()
    (sensors.root / "hwmon10/energy1_input").write_text("8500\n")
    assert last.read().energy_uj == 1_500


def test_a_card_that_counts_its_package_only_says_so(sensors: Hwmon) -> None:
    sensors.device(1, "xe", energy2_input=6_000, energy2_label="pkg")
    (meter,) = hwmon.open_meters(root=sensors.root).meters
    assert meter.description.note == "covers the pkg, not the whole card"


@pytest.mark.fault("no Intel GPU is there", "hwmon_absent")
def test_no_intel_gpu_is_missing(sensors: Hwmon) -> None:
    sensors.device(0, "xe", power1_max=300_000_000)
    (sensors.root / "hwmon1").mkdir()
    assert codes(hwmon.open_meters(root=sensors.root)) == ["hwmon_absent"]
    assert codes(hwmon.open_meters(root=sensors.root / "nowhere")) == ["hwmon_absent"]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.fault("Intel GPU's counter is for root alone", "hwmon_permission_denied")
def test_a_refused_counter_is_a_command() -> None:
    with tempfile.TemporaryDirectory() as folder:  # outside pytest's own, which no other user may enter
        Path(folder).chmod(0o755)
        counter = Hwmon(Path(folder)).device(0, "xe", energy1_input=7) / "energy1_input"
        counter.chmod(0)
        with as_nobody():
            (missing,) = hwmon.open_meters(root=Path(folder)).missing
    assert missing.code == "hwmon_permission_denied"
    assert f"sudo chmod a+r {counter}" in missing.cure


@pytest.mark.fault("Intel GPU's counter is no number", "hwmon_absent")
def test_a_counter_that_is_no_number_is_missing(sensors: Hwmon) -> None:
    sensors.device(0, "xe", energy1_input="")
    assert codes(hwmon.open_meters(root=sensors.root)) == ["hwmon_absent"]


@pytest.mark.fault("Intel GPU falls off its bus", "meter_lost")
def test_an_intel_gpu_that_goes_away_is_lost(sensors: Hwmon) -> None:
    path = sensors.device(0, "i915", energy1_input=7)
    (meter,) = hwmon.open_meters(root=sensors.root).meters
    (path / "energy1_input").unlink()
    with pytest.raises(MeterLost, match="No such file"):
        meter.read()


@pytest.mark.fault("Intel GPU's counter leaps by a register's range", "counter_fell")
def test_a_leap_that_no_card_could_have_drawn_is_not_counted(sensors: Hwmon) -> None:
    path = sensors.device(0, "i915", energy1_input=7)
    (meter,) = hwmon.open_meters(root=sensors.root).meters
    meter.read()
    (path / "energy1_input").write_text(f"{2**32 * 61}\n")
    with pytest.raises(CounterReset):
        meter.read()
    assert meter.read().energy_uj == 0


# -- Jetson ------------------------------------------------------------------------------------------------------------


def jetson(root: Path, *labels: str, voltage_mv: object = 5_000, current_ma: object = 2_000) -> Path:
    path = root / "1-0040/hwmon/hwmon3"
    path.mkdir(parents=True)
    for number, label in enumerate(labels, start=1):
        (path / f"in{number}_label").write_text(f"{label}\n")
        (path / f"in{number}_input").write_text("1000\n")
        (path / f"curr{number}_input").write_text("1000\n")
        if label == "VDD_IN":
            (path / f"in{number}_input").write_text(f"{voltage_mv}\n")
            (path / f"curr{number}_input").write_text(f"{current_ma}\n")
    return path


def test_a_jetson_module_is_metered_at_its_input(tmp_path: Path) -> None:
    jetson(tmp_path, "VDD_CPU_GPU_CV", "VDD_IN", "VDD_SOC", voltage_mv=19_080, current_ma=1_250)
    (meter,) = ina3221.open_meters(tmp_path).meters
    assert (meter.description.boundary, meter.description.method) == ("wall", "integrated")
    assert "carrier board" in str(meter.description.note)
    assert meter.read().power_w == pytest.approx(23.85)


@pytest.mark.fault("machine is no Jetson", "jetson_absent")
def test_no_sensor_is_missing(tmp_path: Path) -> None:
    (missing,) = ina3221.open_meters(tmp_path).missing
    assert (missing.code, "no Jetson" in missing.reason) == ("jetson_absent", True)


@pytest.mark.fault("Jetson shows single rails but not its input", "jetson_absent")
def test_rails_are_not_taken_for_the_input(tmp_path: Path) -> None:
    jetson(tmp_path, "VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
    (missing,) = ina3221.open_meters(tmp_path).missing
    assert missing.code == "jetson_absent"
    assert "VDD_CPU_CV, VDD_GPU_SOC, VIN_SYS_5V0, but not VDD_IN" in missing.reason


@pytest.mark.parametrize(
    ("current_ma", "says"),
    [
        pytest.param("", "no number", marks=pytest.mark.fault("Jetson's sensor gives no number", "meter_lost")),
        pytest.param(-300, "no module", marks=pytest.mark.fault("Jetson's current turns negative", "meter_lost")),
        pytest.param(10**9, "no module", marks=pytest.mark.fault("Jetson's current is beyond reason", "meter_lost")),
    ],
)
def test_a_jetsons_sensor_that_fails_is_lost_and_none_from_the_start(
    tmp_path: Path, current_ma: object, says: str
) -> None:
    path = jetson(tmp_path, "VDD_IN")
    (meter,) = ina3221.open_meters(tmp_path).meters
    assert meter.read().power_w == 10.0
    (path / "curr1_input").write_text(f"{current_ma}\n")
    with pytest.raises(MeterLost, match=says):
        meter.read()
    assert codes(ina3221.open_meters(tmp_path)) == ["jetson_absent"]


@pytest.mark.parametrize("name", ["apple", "hwmon", "jetson"])
def test_meters_of_this_machine_open_by_name_and_take_no_more(name: str) -> None:
    assert isinstance(meters.open_named(name), Metering)
    with pytest.raises(meters.UnknownMeter, match=name):
        meters.open_named(f"{name}:0")
