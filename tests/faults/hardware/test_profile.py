"""The two languages that fake hardware and its truth are written in say the same of every profile."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

HERE = Path(__file__).parent
BRIDGE = """
#include "profile.h"
double energy_mj(const char *steps, long long repeat_ms, double at_ms) {
    return profile_energy_mj(steps, repeat_ms, at_ms);
}
double power_mw(const char *steps, long long repeat_ms, double at_ms) {
    return profile_power_mw(steps, repeat_ms, at_ms);
}
"""


@pytest.fixture(scope="session")
def in_c(tmp_path_factory: pytest.TempPathFactory, compiled: Callable[..., Path]) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("profile")
    (folder / "bridge.c").write_text(BRIDGE)
    options = ("-Wall", "-Wextra", "-Werror", f"-I{HERE}")
    library = ctypes.CDLL(str(compiled(str(folder / "bridge.c"), folder / "bridge.so", *options)))
    for function in (library.energy_mj, library.power_mw):
        function.restype = ctypes.c_double
        function.argtypes = (ctypes.c_char_p, ctypes.c_longlong, ctypes.c_double)
    return library


POWERS = st.integers(0, 1_500_000)
GAPS = st.lists(st.tuples(st.integers(1, 20_000), POWERS), max_size=6)


def steps(first_mw: int, gaps: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    made = [(0, first_mw)]
    for gap_ms, power_mw in gaps:
        made.append((made[-1][0] + gap_ms, power_mw))
    return tuple(made)


@given(POWERS, GAPS, st.none() | st.integers(1, 5_000), st.integers(0, 3_600_000_000))
def test_c_and_python_agree_on_every_profile(
    in_c: Any, profiles: ModuleType, first_mw: int, gaps: list[tuple[int, int]], tail_ms: int | None, at_us: int
) -> None:
    made = steps(first_mw, gaps)
    profile = profiles.Profile(made, None if tail_ms is None else made[-1][0] + tail_ms)
    asked = (profile.text.encode(), profile.repeat_ms or 0, at_us / 1_000)
    assert in_c.power_mw(*asked) / 1_000 == pytest.approx(profile.power_w(at_us / 1e6))
    assert in_c.energy_mj(*asked) / 1_000 == pytest.approx(profile.energy_j(0, at_us / 1e6), rel=1e-9, abs=1e-6)


def test_the_energy_of_a_square_wave_is_its_mean_power_times_time(in_c: Any, profiles: ModuleType) -> None:
    wave = profiles.Profile.parsed("0:100000,250:500000", repeat_ms=1_000)
    assert wave.energy_j(1.0, 4.0) == pytest.approx(400.0 * 3)
    assert wave.energy_j(7.0, 7.3) == pytest.approx(100.0 * 0.25 + 500.0 * 0.05)
    assert in_c.energy_mj(wave.text.encode(), 1_000, 7_300.0) == pytest.approx(1_000 * wave.energy_j(0, 7.3))
    assert [wave.power_w(at_s) for at_s in (-1, 0, 0.2499, 0.25, 1.0, 9.9)] == [0, 100, 100, 500, 100, 500]


@pytest.mark.parametrize(("text", "repeat_ms"), [("5:1", None), ("0:1,9:2,9:3", None), ("0:1,9:2", 9)])
def test_steps_out_of_order_are_refused(profiles: ModuleType, text: str, repeat_ms: int | None) -> None:
    with pytest.raises(ValueError, match=r"steps begin at 0|lies past the period"):
        profiles.Profile.parsed(text, repeat_ms)
