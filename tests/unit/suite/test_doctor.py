"""What the doctor says of a backend, line by line."""

from __future__ import annotations

from backends.base import Device
from suite.doctor import Diagnosis


def device(index: int) -> Device:
    return Device(index=index, name="A100", memory_bytes=None)


def test_several_devices_stand_with_the_numbers_that_device_takes() -> None:
    assert "0: A100, 1: A100" in Diagnosis(name="cuda", devices=(device(0), device(1))).lines()[0]
    assert Diagnosis(name="cuda", devices=(device(0),)).lines()[0].endswith("A100")


def test_where_meters_only_guess_it_says_what_follows() -> None:
    told = "so energy is estimated here: it is shown apart and never ranked"
    assert told in Diagnosis(name="cpu", devices=(device(0),), estimated=True).lines()[-1]
    assert not any(told in line for line in Diagnosis(name="cpu", devices=(device(0),)).lines())
