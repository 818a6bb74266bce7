"""A logger's file becomes ticks on the run's clock, or is refused with its line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.meters import UnknownMeter
from backends.meters.csvfile import CsvMeter, CsvRefused, Sample, parse, read_samples, ticks, update_period_s

START_S = 1_767_225_600.0  # 2026-01-01
BOOTED_S = START_S - 50_000.0
SECOND_NS = 1_000_000_000
STEADY = ((50_000 * SECOND_NS, BOOTED_S),)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "power.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(CsvRefused) as refused:
        read_samples(written(folder, text))
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("csv:log.csv", CsvMeter(path=Path("log.csv"))),
        ("log.csv", CsvMeter(path=Path("log.csv"))),
        ("csv:a/b c.csv,offset=-1.5", CsvMeter(path=Path("a/b c.csv"), offset_s=-1.5)),
        ("csv:x,offset=2,period=0.1", CsvMeter(path=Path("x"), offset_s=2.0, period_s=0.1)),
        ("csv:x,period=1,offset=0", CsvMeter(path=Path("x"), period_s=1.0)),
        ("csv:run,1.csv,offset=1", CsvMeter(path=Path("run,1.csv"), offset_s=1.0)),
    ],
)
def test_an_option_says_where_the_file_is_and_how_its_clock_stands(text: str, meaning: CsvMeter) -> None:
    assert parse(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "csv:",
        "csv:x,offset=",
        "csv:x,offset=nan",
        "csv:x,offset=inf",
        "csv:x,ofset=1",
        "csv:x,period=0",
        "csv:x,period=-1",
        "csv:x,offset=1,offset=2",
    ],
)
def test_an_option_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(UnknownMeter, match="csv"):
        parse(text)


@pytest.mark.parametrize("separator", [",", ";", "\t", " , "])
@pytest.mark.parametrize("header", ["", "time,watts\n", "t_unix,power_w\n", "Zeit,P [W]\n", '"time","power (W)"\n'])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\n"])
def test_separators_headers_and_ends_of_all_kinds_are_read(
    tmp_path: Path, separator: str, header: str, end: str
) -> None:
    text = (header + "1767225600,100.5\n1767225601.25,0").replace(",", separator) + end
    assert read_samples(written(tmp_path, text)) == ((START_S, 100.5), (START_S + 1.25, 0.0))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("header", ["", "time,watts\n"])
def test_a_spreadsheets_mark_and_line_ends_do_no_harm(tmp_path: Path, header: str, line_end: str) -> None:
    text = f"\ufeff{header}1767225600,1\n1767225601,2\n".replace("\n", line_end)
    assert read_samples(written(tmp_path, text)) == ((START_S, 1.0), (START_S + 1, 2.0))


@pytest.mark.parametrize(
    "time", ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-12-31 19:00:00.000-05:00", "20260101T000000Z"]
)
def test_times_with_their_zone_are_understood(tmp_path: Path, time: str) -> None:
    assert read_samples(written(tmp_path, f"{time},5\n1767225601,5\n"))[0].unix_s == START_S


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(text, says, marks=pytest.mark.fault(f"logger's file: {name}", "csv refused"), id=name)
        for name, text, says in [
            ("times fall", "time,watts\n9,1\n8,1\n", "line 3: the time falls"),
            ("a time comes twice", "9,1\n9,1\n", "line 2: the time of the line before"),
            ("power is NaN", "8,1\n9,nan\n", "line 2: 'nan' is no power"),
            ("power is missing", "8,1\n9,\n", "line 2: '' is no power"),
            ("power is infinite", "8,1\n9,inf\n", "line 2: inf W is out of range"),
            ("power is negative", "8,1\n\n9,-0.1\n", "line 3: -0.1 W is out of range"),
            ("power is in milliwatts", "8,150000\n9,150000\n", "line 1: 150000 W is out of range"),
            ("header names milliwatts", "time,power_mw\n8,1\n9,1\n", "line 1: the second column is called 'power_mw'"),
            ("header names volts", "time,voltage\n8,1\n9,1\n", "Give watts"),
            ("decimal comma", "8;1\n9;1,5\n", "line 2: '1,5' is no power"),
            ("decimal comma between commas", "8,1,5\n", "line 1: 3 column(s)"),
            ("time without a zone", "2026-01-01T00:00:00,1\n", "line 1: 2026-01-01T00:00:00 has no time zone"),
            ("time is no time", "8,1\nnoon,2\n", "line 2: 'noon' is no time"),
            ("time is NaN", "nan,1\n9,2\n", "line 1: nan is no time in seconds"),
            ("time in milliseconds", "1767225600000,1\n", "not milliseconds"),
            ("one sample", "time,watts\n8,1\n", "1 sample(s)"),
            ("no sample", "time,watts\n", "0 sample(s)"),
            ("empty", "", "0 sample(s)"),
            ("two headers", "time,watts\ntime,watts\n8,1\n", "line 2: 'time' is no time"),
            ("not text", b"8,1\n9,\xff\n", "not UTF-8 at byte 6"),
            ("cut off in its last line", "8,1\n9,1\n10", "line 3: 1 column(s)"),
        ]
    ],
)
def test_a_file_with_anything_doubtful_is_refused_with_its_line(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in refusal(tmp_path, text)


@pytest.mark.fault("logger's file: larger than 64 MiB", "csv refused")
def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "8,1\n9,1\n")
    with path.open("r+b") as file:
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(CsvRefused, match="64 MiB"):
        read_samples(path)


@pytest.mark.fault("logger's file: not there", "csv refused")
def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv", Path("/dev/zero")):
        with pytest.raises(CsvRefused, match="no such file"):
            read_samples(path)


def test_the_update_period_is_the_median_spacing() -> None:
    samples = [Sample(at_s, 1.0) for at_s in (0.0, 1.0, 2.0, 3.0, 10.0)]
    assert update_period_s(samples) == 1.0


def logged(power_w: float, seconds: int, from_s: float = START_S) -> list[Sample]:
    return [Sample(from_s + second, power_w) for second in range(seconds + 1)]


@given(power_w=st.floats(0, 1e5), offset_s=st.floats(-1e4, 1e4), seconds=st.integers(1, 60))
def test_a_steady_power_gives_power_times_time_whatever_the_offset(
    power_w: float, offset_s: float, seconds: int
) -> None:
    at_ns, energy_uj = ticks(logged(power_w, seconds, START_S - offset_s), offset_s, STEADY)
    assert energy_uj[-1] - energy_uj[0] == pytest.approx(power_w * seconds * 1e6, rel=1e-5, abs=2)
    assert at_ns[0] == pytest.approx(50_000 * SECOND_NS, abs=2_000)
    assert at_ns[-1] - at_ns[0] == pytest.approx(seconds * SECOND_NS, abs=2_000)


def test_power_that_changes_is_integrated_by_trapezoids() -> None:
    samples = [Sample(START_S, 0.0), Sample(START_S + 2, 100.0), Sample(START_S + 3, 100.0), Sample(START_S + 4, 0.0)]
    assert ticks(samples, 0.0, STEADY)[1] == (0, 100_000_000, 200_000_000, 250_000_000)


def clock(*changes: tuple[int, float], until_s: int = 60) -> list[tuple[int, float]]:
    """A look at the clocks each second; from each (second, by) on the wall clock is that much further ahead."""
    return [
        ((50_000 + second) * SECOND_NS, BOOTED_S + sum(by_s for since, by_s in changes if second >= since))
        for second in range(until_s + 1)
    ]


def test_a_clock_that_is_slewed_is_followed_between_looks_too() -> None:
    slewed = [((50_000 + second) * SECOND_NS, BOOTED_S + second * 500e-6) for second in range(61)]
    instants_ns = [(50_000 + tenth / 10) * SECOND_NS for tenth in range(601)]
    samples = [Sample(at_ns / 1e9 + BOOTED_S + (at_ns / 1e9 - 50_000) * 500e-6, 50.0) for at_ns in instants_ns]
    at_ns, _ = ticks(samples, 0.0, slewed)
    assert at_ns == pytest.approx(instants_ns, abs=2_000)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            [(30, by_s)], marks=pytest.mark.fault("wall clock is stepped while a logger logs by it", "right joules")
        )
        for by_s in (3.0, -3.0, 0.02)
    ]
    + [
        pytest.param(
            [(10, 1_000.0), (20, -500.0), (30, 2_000.0)],
            marks=pytest.mark.fault("wall clock is stepped forth and back again", "right joules"),
        )
    ],
)
def test_a_logger_on_this_machine_is_followed_over_steps_of_its_clock(changes: list[tuple[int, float]]) -> None:
    looks = clock(*changes)
    by_the_clock = sorted(at_ns / 1e9 + ahead_s for at_ns, ahead_s in looks)
    at_ns, energy_uj = ticks([Sample(unix_s, 100.0) for unix_s in by_the_clock], 0.0, looks)
    assert all(before < after for before, after in pairwise(at_ns))
    assert all(min(abs(one - instant) for instant, _ in looks) < 2_000 for one in at_ns)
    assert energy_uj[-1] == pytest.approx(100 * 60 * 1e6, rel=1e-6)


def test_looks_in_quick_succession_do_not_turn_the_clock_round() -> None:
    looks = [(0, 1.0), (1_000_000, 0.995), (2_000_000, 1.0), (SECOND_NS, 1.0)]
    times_s = [1.0 + n / 2_000 for n in range(2_000)]
    at_ns, _ = ticks([Sample(unix_s, 1.0) for unix_s in times_s], 0.0, looks)
    shown = [0, *(round((unix_s - 1.0) * 1e9) for unix_s in times_s if unix_s >= 1.002)]
    assert at_ns == pytest.approx(shown, abs=2)


@pytest.mark.fault("wall clock leaps over a logger's samples", "samples left out")
def test_times_that_the_clock_never_showed_belong_to_no_instant() -> None:
    at_ns, _ = ticks(logged(100.0, 60), 0.0, clock((30, 10.0)))
    shown = [round(one / SECOND_NS) - 50_000 for one in at_ns]
    assert shown == [*range(30), *range(30, 51)]


@pytest.mark.fault("wall clock shows the same times twice", "samples left out")
def test_times_that_the_clock_showed_twice_belong_to_no_instant() -> None:
    at_ns, _ = ticks([Sample(START_S + second + 0.5, 100.0) for second in range(40)], 0.0, clock((30, -10.0)))
    seconds = [at / SECOND_NS - 50_000 for at in at_ns]
    assert seconds == pytest.approx(
        [*[one + 0.5 for one in range(20)], *[one + 0.5 for one in range(39, 50)]], abs=1e-5
    )


def test_before_the_first_look_and_after_the_last_the_clock_is_taken_to_run_on() -> None:
    at_ns, _ = ticks(logged(1.0, 200, START_S - 70), 0.0, clock())
    assert (at_ns[0], at_ns[-1]) == (
        pytest.approx(49_930 * SECOND_NS, abs=2_000),
        pytest.approx(50_130 * SECOND_NS, abs=2_000),
    )


def test_a_days_log_in_iso_times_ends_in_the_right_joules(tmp_path: Path) -> None:
    start = datetime.fromtimestamp(START_S, UTC)
    lines = [f"{(start + timedelta(milliseconds=500 * n)).isoformat()};250\n" for n in range(2_001)]
    samples = read_samples(written(tmp_path, "time;W\n" + "".join(lines)))
    _, energy_uj = ticks(samples, 0.0, STEADY)
    assert energy_uj[-1] == pytest.approx(250 * 1_000 * 1e6, rel=1e-6)
    assert update_period_s(samples) == pytest.approx(0.5, abs=1e-6)
