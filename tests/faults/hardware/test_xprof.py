"""TPU rails out of profiles whose every watt is known: real XSpace bytes, read by the real ProfileData."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import pytest
from jax.profiler import ProfileData

from backends.jax_runtime import JaxRuntime
from backends.meters.xprof import Rail, rails
from backends.tpu import TpuRuntime

CORE_PL1 = "VDD Core FW Power Meter PL1(W)"
HBM_PL1 = "HBM FW Power Meter PL1(W)"
CORE_SPI = "VDD Core SPI Sampler Power Meter(W)"
CHIP = "/device:TPU:0"

Stats = Mapping[str, float | str]
Event = tuple[float, float, float | Stats]  # start in ms, how long in ms, watts or whatever else it tells
fault = pytest.mark.fault


def plane(name: str, lines: Mapping[str, Sequence[Event]], *, called: str | None = None) -> str:
    """One device in protobuf's text format; events are called as their line is, unless `called` names them."""
    keys: dict[str, int] = {}
    body = "".join(_line(number, label, events, keys) for number, (label, events) in enumerate(lines.items(), 1))
    names = [
        f'event_metadata {{ key: {n} value {{ id: {n} name: "{called or label}" }} }}'
        for n, label in enumerate(lines, 1)
    ]
    stats = [f'stat_metadata {{ key: {n} value {{ id: {n} name: "{key}" }} }}' for key, n in keys.items()]
    return f'planes {{ name: "{name}" {body} {" ".join(names + stats)} }}'


def _line(number: int, label: str, events: Sequence[Event], keys: dict[str, int]) -> str:
    return f'lines {{ id: {number} name: "{label}" {"".join(_event(number, event, keys) for event in events)} }}'


def _event(number: int, event: Event, keys: dict[str, int]) -> str:
    start_ms, lasts_ms, told = event
    stats = "".join(
        f"stats {{ metadata_id: {keys.setdefault(key, len(keys) + 1)} "
        + (f'str_value: "{value}" }} ' if isinstance(value, str) else f"double_value: {value} }} ")
        for key, value in (told if isinstance(told, Mapping) else {"power": told}).items()
    )
    return (
        f"events {{ metadata_id: {number} offset_ps: {start_ms * 1e9:.0f} duration_ps: {lasts_ms * 1e9:.0f} {stats}}} "
    )


def encoded(*planes: str) -> bytes:
    return bytes(ProfileData.text_proto_to_serialized_xspace(" ".join(planes)))


def found(*planes: str) -> tuple[Rail, ...]:
    return rails(ProfileData.from_serialized_xspace(encoded(*planes)))


def powers(*planes: str) -> dict[str, float]:
    return {rail.domain: round(rail.power_w, 6) for rail in found(*planes)}


def steady(power_w: float | Stats, *, first_ms: float = 0, count: int = 20, each_ms: float = 100) -> list[Event]:
    return [(first_ms + n * each_ms, each_ms, power_w) for n in range(count)]


def test_both_rails_are_told_with_their_power_their_time_and_their_meter() -> None:
    core, hbm = found(plane(CHIP, {HBM_PL1: steady(75.5), CORE_PL1: steady(82.8), "XLA Ops": [(0, 2_000, {})]}))
    assert core == Rail(
        device=0,
        part="core",
        name=CORE_PL1,
        power_w=pytest.approx(82.8),
        samples=20,
        span_s=pytest.approx(2.0),
        first_ns=0,
        last_ns=2_000_000_000,
    )
    assert (hbm.domain, hbm.name, hbm.power_w) == ("tpu0-hbm", HBM_PL1, pytest.approx(75.5))


def test_each_sample_weighs_as_much_as_it_lasts() -> None:
    assert powers(plane(CHIP, {CORE_PL1: [(0, 300, 100.0), (300, 100, 200.0)]})) == {"tpu0-core": 125.0}


@fault("meter writes instants instead of spans", "right joules")
def test_an_instant_lasts_until_the_next_one() -> None:
    assert powers(plane(CHIP, {CORE_PL1: [(0, 0, 100.0), (300, 0, 200.0), (400, 0, 999.0)]})) == {"tpu0-core": 125.0}


@fault("samples stamped out of order", "right joules")
def test_the_order_of_samples_in_the_file_does_not_matter() -> None:
    events: list[Event] = [(0, 300, 100.0), (300, 100, 200.0), (400, 50, 40.0), (450, 150, 60.0)]
    random.Random(3).shuffle(events)
    (rail,) = found(plane(CHIP, {CORE_PL1: events}))
    assert rail.power_w * rail.span_s == pytest.approx(30 + 20 + 2 + 9)


@fault("chip idles at both ends of the profile", "right joules")
def test_only_what_was_drawn_between_the_first_and_the_last_operation_counts() -> None:
    idle_around = [(0, 500, 10.0), *steady(200.0, first_ms=500), (2_500, 500, 10.0)]
    (rail,) = found(plane(CHIP, {CORE_PL1: idle_around, "XLA Ops": [(550, 5, {}), (2_400, 50, {})]}))
    assert (rail.power_w, rail.span_s) == (pytest.approx(200.0), pytest.approx(1.9))
    assert (rail.first_ns, rail.last_ns) == (550_000_000, 2_450_000_000)


@fault("samples missing in the middle of the profile", "right joules, and the gap shows in the time covered")
def test_a_gap_weighs_nothing() -> None:
    (rail,) = found(plane(CHIP, {CORE_PL1: [*steady(150.0, count=5), *steady(150.0, first_ms=1_500, count=5)]}))
    assert (rail.power_w, rail.span_s) == (pytest.approx(150.0), pytest.approx(1.0))
    assert rail.last_ns - rail.first_ns == 2_000_000_000


@fault("several chips in one profile", "right joules")
def test_each_chip_has_its_own_rails() -> None:
    chips = [plane(f"/device:TPU:{n}", {CORE_PL1: steady(100.0 + n), HBM_PL1: steady(50.0 + n)}) for n in (11, 0, 2)]
    assert powers(*chips) == {
        "tpu0-core": 100.0,
        "tpu0-hbm": 50.0,
        "tpu2-core": 102.0,
        "tpu2-hbm": 52.0,
        "tpu11-core": 111.0,
        "tpu11-hbm": 61.0,
    }


@pytest.mark.parametrize(
    ("meters", "power_w"),
    [
        pytest.param(
            {CORE_PL1: 90.0, CORE_SPI: 80.0}, 80.0, marks=fault("SPI and firmware meter one rail", "right joules")
        ),
        pytest.param(
            {CORE_PL1.replace("PL1", f"PL{n}"): 81.0 + n for n in (4, 3, 2, 1)},
            82.0,
            marks=fault("four firmware meters of one rail", "right joules"),
        ),
        pytest.param(
            {CORE_PL1.replace("PL1", "PL3"): 82.8, CORE_PL1.replace("PL1", "PL4"): 83.0},
            82.8,
            marks=fault("PL1 and PL2 missing", "right joules"),
        ),
        pytest.param(
            {CORE_SPI: float("nan"), CORE_PL1: 90.0},
            90.0,
            marks=fault("NaN from the best of two meters", "right joules"),
        ),
        pytest.param({f"{CORE_PL1} 0": 90.0}, 90.0, marks=fault("meter's name followed by its core", "right joules")),
    ],
)
def test_one_meter_stands_for_a_rail_and_meters_are_never_added(meters: Mapping[str, float], power_w: float) -> None:
    assert powers(plane(CHIP, {name: steady(value) for name, value in meters.items()})) == {"tpu0-core": power_w}


@pytest.mark.parametrize(("line", "event"), [(CORE_PL1, "17"), ("_counters_", CORE_PL1)])
def test_either_the_event_or_its_line_names_the_meter(line: str, event: str) -> None:
    assert powers(plane(CHIP, {line: steady(90.0)}, called=event)) == {"tpu0-core": 90.0}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([*steady(90.0), (2_000, 100, float("nan"))], marks=fault("power is NaN once", "rail left out")),
        pytest.param([*steady(90.0), (2_000, 100, -5.0)], marks=fault("negative power", "rail left out")),
        pytest.param([*steady(90.0), (2_000, 100, 4.2e6)], marks=fault("absurd power", "rail left out")),
        pytest.param([*steady(90.0), (2_000, 100, float("inf"))], marks=fault("infinite power", "rail left out")),
        pytest.param(steady(0.0), marks=fault("meter of a chip without calibration stays at 0 W", "rail left out")),
        pytest.param([(700, 0, 90.0)], marks=fault("one instant only", "rail left out")),
        pytest.param([], marks=fault("meter without samples", "rail left out")),
        pytest.param([*steady(90.0), (150, 100, 90.0)], marks=fault("overlapping samples", "rail left out")),
        pytest.param([*steady(90.0), (2_100, -50, 90.0)], marks=fault("sample ends before it starts", "rail left out")),
        pytest.param(steady({"power level": "high"}), marks=fault("sample tells no number", "rail left out")),
        pytest.param(steady({"a": 90.0, "b": 3.0}), marks=fault("sample tells two unnamed numbers", "rail left out")),
    ],
)
def test_a_meter_that_makes_no_sense_costs_its_own_rail_only(events: Sequence[Event]) -> None:
    assert powers(plane(CHIP, {CORE_PL1: events, HBM_PL1: steady(75.5)})) == {"tpu0-hbm": 75.5}


def test_a_meter_that_sees_most_of_the_work_speaks_for_it() -> None:
    assert powers(plane(CHIP, {CORE_PL1: steady(90.0, count=11), "XLA Ops": [(0, 2_000, {})]})) == {"tpu0-core": 90.0}


def test_one_long_sample_is_enough_for_a_power_that_never_changed() -> None:
    (rail,) = found(plane(CHIP, {CORE_PL1: [(0, 2_000, 90.0)]}))
    assert (rail.power_w, rail.samples, rail.span_s) == (pytest.approx(90.0), 1, pytest.approx(2.0))


def test_the_stamps_that_the_runtime_adds_are_not_taken_for_watts() -> None:
    told = {"device_offset_ps": 7.0, "device_duration_ps": 8.0, "value": 90.0}
    assert powers(plane(CHIP, {CORE_PL1: steady(told)})) == {"tpu0-core": 90.0}
    assert powers(plane(CHIP, {CORE_PL1: steady({**told, "power": 80.0})})) == {"tpu0-core": 80.0}


@pytest.mark.parametrize(
    "planes",
    [
        pytest.param((), marks=fault("profile without planes", "no rails")),
        pytest.param((plane(CHIP, {}),), marks=fault("empty plane", "no rails")),
        pytest.param((plane(CHIP, {"XLA Ops": steady({})}),), marks=fault("no power counters", "no rails")),
        pytest.param((plane(CHIP, {CORE_PL1: steady(90.0)}),) * 2, marks=fault("two planes of one chip", "no rails")),
        pytest.param(
            (plane(CHIP, {f"{CORE_PL1} 0": steady(90.0), f"{CORE_PL1} 1": steady(70.0)}),),
            marks=fault("two cores under one meter's name", "no rails"),
        ),
        pytest.param(
            (plane(CHIP, {CORE_PL1: steady(90.0), "XLA Ops": [(9_000, 100, {})]}),),
            marks=fault("samples end before the work starts", "no rails"),
        ),
        pytest.param(
            (plane(CHIP, {CORE_PL1: steady(90.0, count=9), "XLA Ops": [(0, 2_000, {})]}),),
            marks=fault("meter stops before half of the work is done", "no rails"),
        ),
        *(
            pytest.param((plane(other, {CORE_PL1: steady(90.0)}),), marks=fault(f"meter on {other}", "no rails"))
            for other in ("/host:CPU", "/device:GPU:0", "/device:TPU:0 SparseCore 0")
        ),
        pytest.param(
            (
                plane(
                    CHIP, {name: steady(90.0) for name in ("VDD Core Power", "HBM FW Power Meter PL5(W)", "Power(W)")}
                ),
            ),
            marks=fault("meters of other names", "no rails"),
        ),
    ],
)
def test_what_is_not_understood_is_no_rail(planes: tuple[str, ...]) -> None:
    assert found(*planes) == ()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def runtime() -> TpuRuntime:
    """A chip that the user calls 3 and the machine 0, on JAX's CPU platform."""
    return TpuRuntime(jax.local_devices(backend="cpu")[0], 3)


def leaving(folders: Path, content: bytes) -> Callable[[], None]:
    """Work during which a runtime leaves a profile newer than the one that JAX itself will write."""

    def run() -> None:
        (folder,) = folders.glob("joulemark-*")
        path = folder / "plugins/profile/later/host.xplane.pb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        os.utime(path, (time.time() + 3_600,) * 2)

    return run


TWO_CHIPS = encoded(*(plane(f"/device:TPU:{n}", {CORE_PL1: steady(90.0 + n), HBM_PL1: steady(70.0)}) for n in (0, 3)))


def test_the_runtime_tells_the_rails_of_its_own_chip_and_leaves_nothing_behind(
    folders: Path, runtime: TpuRuntime
) -> None:
    measured = runtime.measure_rails(leaving(folders, TWO_CHIPS))
    assert [(rail.domain, rail.power_w) for rail in measured] == [("tpu3-core", 90.0), ("tpu3-hbm", 70.0)]
    assert list(folders.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TWO_CHIPS[:40], marks=fault("profile cut short in its first plane", "no rails")),
        pytest.param(TWO_CHIPS[:-1], marks=fault("profile cut short by its last byte", "no rails")),
        pytest.param(b"\xff" * 64, marks=fault("profile of garbage bytes", "no rails")),
        pytest.param(b"", marks=fault("empty profile", "no rails")),
    ],
    ids=["first plane", "last byte", "garbage", "empty"],
)
def test_an_unreadable_profile_shows_no_rails(folders: Path, runtime: TpuRuntime, content: bytes) -> None:
    assert runtime.measure_rails(leaving(folders, content)) == ()
    assert list(folders.iterdir()) == []


@fault("platform's profiler shows no rails", "no rails")
def test_a_real_profile_of_a_cpu_has_no_rails_and_its_work_was_done(folders: Path, runtime: TpuRuntime) -> None:
    square = jax.jit(lambda x: x @ x @ x @ x)
    x = jax.numpy.ones((1_500, 1_500))
    results: list[Any] = []
    assert runtime.measure_rails(lambda: results.append(square(x))) == ()
    assert results[0].is_ready()


@fault("another profile is running", "no rails")
def test_no_rails_while_somebody_else_profiles(folders: Path, runtime: TpuRuntime, tmp_path: Path) -> None:
    with jax.profiler.trace(str(tmp_path / "theirs")):
        assert runtime.measure_rails(pytest.fail) == ()


@fault("no folder for temporary files", "no rails")
def test_no_rails_without_a_place_to_write(
    monkeypatch: pytest.MonkeyPatch, runtime: TpuRuntime, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert runtime.measure_rails(pytest.fail) == ()


@fault("profile cannot be written", "no rails")
def test_no_rails_when_the_profile_cannot_be_written(folders: Path, runtime: TpuRuntime) -> None:
    taken: list[Path] = []

    def put_a_file_where_the_folder_was() -> None:
        (folder,) = folders.glob("joulemark-*")
        shutil.rmtree(folder)
        folder.touch()
        taken.append(folder)

    assert runtime.measure_rails(put_a_file_where_the_folder_was) == ()
    taken[0].unlink(missing_ok=True)
    jax.profiler.stop_trace()  # JAX keeps a profile that it could not write


@fault("work fails while it is profiled", "its own error")
def test_an_error_of_the_work_passes_through_and_ends_the_profile(folders: Path, runtime: TpuRuntime) -> None:
    def fail() -> None:
        raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")

    with pytest.raises(RuntimeError, match="RESOURCE_EXHAUSTED"):
        runtime.measure_rails(fail)
    assert [rail.part for rail in runtime.measure_rails(leaving(folders, TWO_CHIPS))] == ["core", "hbm"]


def test_other_platforms_have_no_rails_and_do_not_run_the_work() -> None:
    assert JaxRuntime(jax.local_devices(backend="cpu")[0]).measure_rails(pytest.fail) == ()
