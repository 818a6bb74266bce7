"""Other makers' meters, on modules with the interface of theirs: AMD's and Apple's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backends import meters
from backends.base import Metering
from backends.meters import apple
from backends.meters.base import CounterReset, MeterLost
from backends.processor_name import chip_name

AMDSMI = '''
"""The part of amdsmi 7 that the meters ask, with answers that a test may change."""
class AmdSmiException(Exception): pass
class AmdSmiLibraryException(AmdSmiException):
    def __str__(self): return "Error code:\\n\\t2 | AMDSMI_STATUS_NOT_SUPPORTED - Feature not supported"
opened = 0
driver = True
gpus = [{"energy": 1_000_000_000, "power": 300}, {"energy": 5_000_000_000, "power": 500}]
def amdsmi_init(flag=2):
    global opened
    if not driver: raise AmdSmiLibraryException(34)
    opened += 1
def amdsmi_shut_down():
    global opened
    opened -= 1
def amdsmi_get_processor_handles(): return list(range(len(gpus)))
def amdsmi_get_energy_count(handle):
    if gpus[handle]["energy"] is None: raise AmdSmiLibraryException(2)
    return {"energy_accumulator": gpus[handle]["energy"], "counter_resolution": 15.300000190734863, "timestamp": 7}
def amdsmi_get_power_info(handle):
    power = gpus[handle]["power"]
    if power is None: raise AmdSmiLibraryException(2)
    return {"socket_power": power, "current_socket_power": "N/A", "average_socket_power": power, "power_limit": 750}
'''

APPLE = '''
"""The part of zeus-apple-silicon 1.1 that the meters ask, with answers that a test may change."""
shown = {"cpu_total_mj": 9_000_000, "dram_mj": 1_000_000, "gpu_mj": 2_000_000, "ane_mj": 0, "gpu_sram_mj": None}
broken = subscribed = False
looks = 0
class AppleEnergyMetrics:
    def __init__(self): self.__dict__.update(shown)
class AppleEnergyMonitor:
    def __init__(self):
        if subscribed: raise RuntimeError("Failed to create IOReport subscription.")
    def get_cumulative_energy(self):
        global looks
        looks += 1
        if broken: raise ValueError("Unsupported or invalid energy unit provided: quJ")
        return AppleEnergyMetrics()
'''


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Any]]:
    """installed("amdsmi", source): puts a module of that name on the path and gives it, once it imports."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def install(name: str, source: str) -> Any:
        (tmp_path / f"{name}.py").write_text(source)
        names.append(name)
        sys.modules.pop(name, None)
        return __import__(name)

    yield install
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def amdsmi(installed: Any) -> Any:
    return installed("amdsmi", AMDSMI)


@pytest.fixture
def chip(installed: Any) -> Any:
    return installed("zeus_apple_silicon", APPLE)


def codes(metering: Metering) -> list[str]:
    return [one.code for one in metering.missing]


def domains(metering: Metering) -> list[str]:
    return [meter.description.domain for meter in metering.meters]


# -- AMD ---------------------------------------------------------------------------------------------------------------


def test_an_amd_gpu_has_its_counter_and_a_second_opinion(amdsmi: Any) -> None:
    counter, power = meters.open_named("amd:1").meters
    assert domains(meters.open_named("amd:1")) == ["amd-gpu1", "amd-gpu1"]
    assert (counter.description.method, counter.description.check) == ("counter", False)
    assert (power.description.method, power.description.check) == ("integrated", True)
    assert counter.description.resolution_uj == 15
    assert counter.description.boundary == "machine"
    assert power.read().power_w == 500.0
    counter.read()
    amdsmi.gpus[1]["energy"] += 1_000_000
    assert counter.read().energy_uj == pytest.approx(15_300_000, abs=2)


def test_amdsmi_is_shut_down_with_its_last_meter(amdsmi: Any) -> None:
    first, second = meters.open_named("amd:0").meters
    first.close()
    assert amdsmi.opened == 1
    second.close()
    assert amdsmi.opened == 0


@pytest.mark.fault("amdsmi is not installed", "amd_absent")
def test_without_amdsmi_the_cure_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "amdsmi", None)
    metering = meters.open_named("amd:0")
    assert codes(metering) == ["amd_absent"]
    assert "pip install amdsmi" in metering.missing[0].cure


@pytest.mark.parametrize(
    "error",
    [
        pytest.param("KeyError('libamd_smi.so')", marks=pytest.mark.fault("amdsmi without ROCm", "amd_absent")),
        pytest.param("OSError('libdrm')", marks=pytest.mark.fault("ROCm's library does not load", "amd_absent")),
    ],
)
def test_without_rocm_amdsmi_is_named_and_prints_nothing(
    installed: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, error: str
) -> None:
    installed("amdsmi", "")
    del sys.modules["amdsmi"]
    source = f"print('Unable to find libamd_smi.so library')\nraise {error}  # and more, so that the size differs\n"
    (tmp_path / "amdsmi.py").write_text(source)
    metering = meters.open_named("amd:0")
    assert codes(metering) == ["amd_absent"]
    assert "ROCm" in metering.missing[0].reason
    assert capsys.readouterr().out == ""


@pytest.mark.fault("AMD's driver is not loaded", "amd_absent")
def test_without_a_driver_the_cure_loads_it(amdsmi: Any) -> None:
    amdsmi.driver = False
    (missing,) = meters.open_named("amd:0").missing
    assert missing.code == "amd_absent"
    assert "modprobe amdgpu" in missing.cure
    assert "\n" not in missing.reason


@pytest.mark.fault("there is no AMD GPU of that number", "amd_absent")
def test_a_number_too_high_is_missing_and_says_how_many_there_are(amdsmi: Any) -> None:
    (missing,) = meters.open_named("amd:2").missing
    assert (missing.code, amdsmi.opened) == ("amd_absent", 0)
    assert "2 in all" in missing.reason


@pytest.mark.parametrize(
    ("energy", "power"),
    [
        pytest.param("N/A", "N/A", marks=pytest.mark.fault("second die of an MI250", "amd_no_counter")),
        pytest.param(0, 0, marks=pytest.mark.fault("second die of an MI250 that says 0", "amd_no_counter")),
        pytest.param(2**64 - 1, 2**32 - 1, marks=pytest.mark.fault("AMD GPU answers all ones", "amd_no_counter")),
        pytest.param(None, None, marks=pytest.mark.fault("AMD GPU seen from a guest", "amd_no_counter")),
    ],
)
def test_a_gpu_that_counts_nothing_is_missing_and_never_zero(amdsmi: Any, energy: Any, power: Any) -> None:
    amdsmi.gpus[1] = {"energy": energy, "power": power}
    metering = meters.open_named("amd:1")
    assert (metering.meters, codes(metering), amdsmi.opened) == ((), ["amd_no_counter"], 0)
    assert "--meter amd:0" in metering.missing[0].cure


@pytest.mark.fault("AMD GPU has no energy counter", "right joules")
def test_without_a_counter_the_power_is_the_measurement(amdsmi: Any) -> None:
    amdsmi.gpus[0]["energy"] = 0
    (power,) = meters.open_named("amd:0").meters
    assert (power.description.method, power.description.check) == ("integrated", False)
    power.close()
    assert amdsmi.opened == 0


@pytest.mark.fault("AMD's counter goes backward", "counter_fell")
def test_a_counter_that_falls_is_told_and_counting_goes_on(amdsmi: Any) -> None:
    counter, _ = meters.open_named("amd:0").meters
    counter.read()
    amdsmi.gpus[0]["energy"] -= 5
    with pytest.raises(CounterReset, match="amd-gpu0"):
        counter.read()
    amdsmi.gpus[0]["energy"] += 100
    assert counter.read().energy_uj == 1_530


@pytest.mark.fault("AMD's driver stops answering", "meter_lost")
def test_an_amd_gpu_that_stops_answering_is_lost(amdsmi: Any) -> None:
    both = meters.open_named("amd:0").meters
    amdsmi.gpus[0] = {"energy": None, "power": None}
    for meter in both:
        with pytest.raises(MeterLost, match="NOT_SUPPORTED") as lost:
            meter.read()
        assert "\n" not in str(lost.value)


@pytest.mark.fault("amdsmi of before ROCm 6.3", "amd_no_counter")
def test_an_old_amdsmi_whose_counter_has_another_name_is_not_misread(amdsmi: Any) -> None:
    amdsmi.amdsmi_get_energy_count = lambda handle: {"power": 8_152_136, "counter_resolution": 15.3, "timestamp": 1}
    amdsmi.gpus[0]["power"] = None
    (missing,) = meters.open_named("amd:0").missing
    assert (missing.code, "ROCm 6.3" in missing.reason) == ("amd_no_counter", True)


@pytest.mark.parametrize("text", ["amd", "amd:", "amd:x", "amd:-1", "amd:0 "])
def test_amd_needs_a_number(text: str) -> None:
    with pytest.raises(meters.UnknownMeter, match="amd:0"):
        meters.open_named(text)


# -- Apple -------------------------------------------------------------------------------------------------------------


def test_an_apple_chip_shows_its_rails(chip: Any) -> None:
    metering = meters.open_named("apple")
    assert domains(metering) == ["package-0", "dram-0", "gpu0", "ane0"]
    assert {meter.description.method for meter in metering.meters} == {"rails"}
    assert {meter.description.boundary for meter in metering.meters} == {"machine"}
    assert {meter.description.note for meter in metering.meters} == {"Apple's own power model"}
    for meter in metering.meters:
        meter.close()


def test_at_the_device_boundary_a_cpu_answers_for_itself_and_its_memory(chip: Any) -> None:
    assert domains(apple.open_meters("device", chip="Apple M4")) == ["package-0", "dram-0"]


def test_apples_millijoules_are_counted_from_the_first_reading(chip: Any) -> None:
    package, dram = apple.open_meters("device", chip="Apple M4", reuse_s=0).meters
    package.read(), dram.read()
    chip.shown["cpu_total_mj"] += 12_345
    assert package.read().energy_uj == 12_345_000
    assert dram.read().energy_uj == 0


def test_one_look_at_the_chip_serves_all_its_meters(chip: Any) -> None:
    for meter in apple.open_meters("machine", chip="Apple M4", reuse_s=60).meters:
        meter.read()
    assert chip.looks == 1


@pytest.mark.fault("zeus-apple-silicon is not installed", "apple_absent")
def test_without_the_library_the_cure_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeus_apple_silicon", None)
    (missing,) = meters.open_named("apple").missing
    assert missing.code == "apple_absent"
    assert "pip install zeus-apple-silicon" in missing.cure


@pytest.mark.fault("Apple chip of two dies, one of which is counted", "apple_two_dies")
def test_an_ultra_is_refused_rather_than_counted_by_half(chip: Any) -> None:
    metering = apple.open_meters("device", chip="Apple M2 Ultra")
    assert (metering.meters, codes(metering)) == ((), ["apple_two_dies"])


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param(
            "cpu_total_mj", ["apple_absent"], marks=pytest.mark.fault("Apple chip without a CPU rail", "apple_absent")
        ),
        pytest.param(
            "dram_mj", ["dram_missing"], marks=pytest.mark.fault("Apple chip without a DRAM rail", "dram_missing")
        ),
        pytest.param(
            "gpu_mj",
            ["apple_rail_missing"],
            marks=pytest.mark.fault("Apple chip without a GPU rail", "apple_rail_missing"),
        ),
    ],
)
def test_a_rail_that_is_not_shown_is_named_and_never_zero(chip: Any, field: str, expected: list[str]) -> None:
    chip.shown[field] = None
    metering = apple.open_meters("machine", chip="Apple M5")
    assert codes(metering) == expected
    assert len(metering.meters) == (0 if field == "cpu_total_mj" else 3)


@pytest.mark.fault("Apple's counters cannot be subscribed to", "apple_absent")
def test_a_refused_subscription_is_missing(chip: Any) -> None:
    chip.subscribed = True
    (missing,) = apple.open_meters("device", chip="").missing
    assert (missing.code, "subscription" in missing.reason) == ("apple_absent", True)


@pytest.mark.fault("Apple's counters stop answering", "meter_lost")
def test_a_chip_that_stops_answering_is_lost(chip: Any) -> None:
    package, dram = apple.open_meters("device", chip="", reuse_s=0).meters
    chip.shown["dram_mj"] = None
    assert package.read().energy_uj == 0
    with pytest.raises(MeterLost, match="dram-0"):
        dram.read()
    chip.broken = True
    with pytest.raises(MeterLost, match="quJ"):
        package.read()


def test_a_machine_that_names_no_chip_has_an_empty_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chip_name() == ""
