"""Which meters an NVIDIA board gets; nvidia-ml-py is the real one, the driver is not."""

from __future__ import annotations

from typing import Any

import pytest

from backends import nvml
from backends.base import BackendUnavailable, Metering
from backends.meters import nvml as meters
from backends.meters.base import Meter

INVALID_ARGUMENT, NOT_SUPPORTED, FUNCTION_NOT_FOUND, LOST = 2, 3, 13, 15


def board(index: int = 0) -> nvml.Board:
    return nvml.boards({})[index]


def opened(index: int = 0) -> Metering:
    return meters.open_meters(board(index), f"gpu{index}")


def kinds(metering: Metering) -> list[tuple[str, str, bool, str | None]]:
    described = [meter.description for meter in metering.meters]
    return [(one.source, one.method, one.check, one.scope) for one in described]


def energy_j(driver: Any, counter: Meter) -> float:
    """What a counter counts in a second."""
    before = counter.read()
    driver.set(now_ms=1_000)
    return (counter.read().energy_uj - before.energy_uj) / 1e6


COUNTER = ("nvml.total_energy", "counter", False, "gpu")
CHECK = ("nvml.power_instant", "integrated", True, "gpu")
ALONE = ("nvml.power_instant", "integrated", False, "gpu")


def test_a_board_has_its_counter_and_a_second_opinion_that_is_not_added(driver: Any) -> None:
    assert kinds(opened()) == [COUNTER, CHECK]
    assert [meter.description.resolution_uj for meter in opened().meters] == [1_000, None]


@pytest.mark.fault("board before Volta: neither counter nor instant power", "power_integrated")
def test_an_old_board_gives_its_power_by_the_question_that_was_instantaneous_then(driver: Any) -> None:
    driver.set(gpu0_capability=61, gpu0_energy_return=NOT_SUPPORTED, gpu0_field_return=NOT_SUPPORTED)
    assert kinds(opened()) == [("nvml.power_usage", "integrated", False, "gpu")]


@pytest.mark.fault("newer board whose only power is a mean of the last second", "no_meter")
def test_a_newer_board_is_not_read_by_a_question_that_answers_with_a_mean(driver: Any) -> None:
    driver.set(gpu0_capability=86, gpu0_energy_return=NOT_SUPPORTED, gpu0_field_return=NOT_SUPPORTED)
    assert opened().meters == ()


@pytest.mark.fault("GPU without an energy counter", "power_integrated")
def test_without_a_counter_the_integrated_power_is_the_measurement_and_says_so(driver: Any) -> None:
    driver.set(gpu0_energy_return=NOT_SUPPORTED)
    metering = opened()
    assert kinds(metering) == [ALONE]
    assert "no energy counter" in (metering.meters[0].description.note or "")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        pytest.param(
            "field_return", NOT_SUPPORTED, marks=pytest.mark.fault("GPU without instant power", "right joules")
        ),
        pytest.param(
            "field_return", INVALID_ARGUMENT, marks=pytest.mark.fault("driver too old for a field", "right joules")
        ),
        pytest.param(
            "fields_return", FUNCTION_NOT_FOUND, marks=pytest.mark.fault("driver too old for fields", "right joules")
        ),
        pytest.param("reported_power_mw", 0, marks=pytest.mark.fault("power always read as 0 W", "right joules")),
    ],
)
def test_without_instant_power_the_counter_stands_alone(driver: Any, key: str, code: int) -> None:
    driver.set(**{f"gpu0_{key}": code})
    metering = opened()
    assert kinds(metering) == [COUNTER]
    assert energy_j(driver, metering.meters[0]) == 300


@pytest.mark.fault("GPU with neither counter nor power", "no_meter")
def test_a_board_that_answers_neither_has_no_meter_and_no_zero(driver: Any) -> None:
    driver.set(gpu0_field_return=NOT_SUPPORTED, gpu0_energy_return=NOT_SUPPORTED)
    metering = opened()
    assert metering.meters == ()
    assert [one.code for one in metering.missing] == ["no_meter"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        pytest.param(
            {"gpu0_return": LOST}, "GPU is lost", marks=pytest.mark.fault("GPU lost after listing", "no_meter")
        ),
        pytest.param({"count": 0}, "Not Found", marks=pytest.mark.fault("GPU unplugged after listing", "no_meter")),
    ],
)
def test_a_board_lost_since_it_was_listed_has_no_meter_and_says_why(
    driver: Any, answers: dict[str, int], reason: str
) -> None:
    listed = board()
    driver.set(**answers)
    (missing,) = meters.open_meters(listed, "gpu0").missing
    assert (missing.code, reason in missing.reason) == ("no_meter", True)


@pytest.mark.fault("GPU split by MIG", "mig_enabled")
def test_a_board_split_by_mig_has_no_meter(driver: Any) -> None:
    driver.set(gpu0_mig=1)
    metering = opened()
    assert metering.meters == ()
    assert [one.code for one in metering.missing] == ["mig_enabled"]


@pytest.mark.fault("GPU that wakes up slowly", "right joules")
def test_a_slow_first_answer_does_not_cost_a_board_its_meters(driver: Any) -> None:
    listed = board()
    driver.set(gpu0_hang_ms=130, **{"gpu0_hang_ms@420": 0})
    driver.start()
    assert kinds(meters.open_meters(listed, "gpu0")) == [COUNTER, CHECK]


@pytest.mark.fault("counter that may cover a whole module", "module_scope")
def test_a_counter_on_a_module_is_of_the_module_and_so_is_its_check(driver: Any) -> None:
    driver.set(gpu0_module_power_mw=500_000, gpu0_energy_module=1)
    metering = opened()
    assert kinds(metering) == [
        ("nvml.total_energy", "counter", False, "module"),
        ("nvml.power_instant", "integrated", True, "module"),
    ]
    assert "module" in (metering.meters[0].description.note or "")
    assert kinds(opened(1)) == [COUNTER, CHECK]
    assert metering.meters[1].read().power_w == 500
    assert energy_j(driver, metering.meters[0]) == 500


@pytest.mark.fault("module whose driver counts the GPU apart", "right joules")
def test_on_a_module_the_gpus_own_counter_is_preferred(driver: Any) -> None:
    driver.set(gpu0_module_power_mw=500_000, gpu0_energy_module=1, gpu0_field191_return=0)
    metering = opened()
    assert kinds(metering) == [("nvml.energy", "counter", False, "gpu"), CHECK]
    assert energy_j(driver, metering.meters[0]) == 300


def test_the_meters_close_what_they_opened(driver: Any) -> None:
    import pynvml

    before = pynvml._nvmlLib_refcount
    metering = opened()
    assert pynvml._nvmlLib_refcount == before + 2
    for meter in metering.meters:
        meter.close()
    driver.set(gpu0_field_return=NOT_SUPPORTED, gpu0_energy_return=NOT_SUPPORTED)
    opened()
    assert pynvml._nvmlLib_refcount == before


@pytest.mark.fault("driver gone after listing", "nvml_absent")
def test_a_driver_gone_since_the_board_was_listed_makes_the_backend_unavailable(driver: Any) -> None:
    listed = board()
    driver.set(init=9)
    with pytest.raises(BackendUnavailable, match="Driver Not Loaded"):
        meters.open_meters(listed, "gpu0")
