"""A TPU's work and its rails, on a real TPU."""

from __future__ import annotations

import time
from typing import Any

import pytest

import backends

pytestmark = pytest.mark.tpu


@pytest.fixture
def runtime() -> Any:
    return backends.load("tpu").attach("jax", 0)


def multiply(runtime: Any, seconds: float) -> None:
    import jax

    x = jax.device_put(jax.random.normal(jax.random.key(0), (4096, 4096)), runtime.device)
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        (x @ x).block_until_ready()


def test_it_has_a_name_and_does_its_work(runtime: Any) -> None:
    import jax

    assert backends.load("tpu").devices()[0].name.startswith("TPU")
    x = jax.device_put(jax.numpy.ones((1024, 1024)), runtime.device)
    result = x @ x
    runtime.synchronize()
    assert result.is_ready()


def test_its_rails_are_those_it_promised_or_none(runtime: Any) -> None:
    promised = [one.domain for one in backends.load("tpu").meters(0).rails]
    measured = runtime.measure_rails(lambda: multiply(runtime, 2))
    assert {rail.domain for rail in measured} <= set(promised)


def test_work_draws_a_plausible_power_and_more_than_idling(runtime: Any) -> None:
    multiply(runtime, 5)
    busy = runtime.measure_rails(lambda: multiply(runtime, 2))
    if not busy:
        pytest.skip("this chip or its runtime shows no rails")
    time.sleep(5)
    idle = runtime.measure_rails(lambda: time.sleep(2))
    assert [rail.part for rail in busy] == [rail.part for rail in idle] == ["core", "hbm"]
    assert 5 < sum(rail.power_w for rail in idle) < sum(rail.power_w for rail in busy) < 1_500
    assert all(rail.span_s > 0.2 and rail.samples >= 1 for rail in busy)
