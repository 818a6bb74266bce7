"""What strangers type wrongly, and disks and pipes that end too early: a line with the cure, never a traceback."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from suite import exits


def call(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suite", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A folder with another program's JSON and an empty folder."""
    (tmp_path / "package.json").write_text('{"name": "left-pad"}')
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize("path", ["nowhere.json", "empty"])
@pytest.mark.parametrize("command", ["show", "submit", "compare"])
def test_a_path_that_is_no_file_is_a_usage_error_that_says_what_to_name(
    stranger: Path, command: str, path: str
) -> None:
    done = call(command, path, *(["package.json"] if command == "compare" else []), cwd=stranger)
    assert (done.returncode, done.stdout) == (exits.USAGE, "")
    assert path in done.stderr
    assert ": name " in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_of_another_program_is_named_with_the_place_and_the_cure(stranger: Path) -> None:
    shown = call("show", "package.json", cwd=stranger)
    assert shown.returncode == exits.CHECK_FAILED
    assert "schema at /schema_version: Field required. See docs/result.schema.json." in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_submitting_another_programs_file_tells_a_few_faults_and_where_the_rest_is(stranger: Path) -> None:
    done = call("submit", "package.json", cwd=stranger)
    assert done.returncode == exits.CHECK_FAILED
    assert "/schema_version" in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[-1].endswith("more; all of them: python -m suite check package.json")
    assert done.stderr.count("\n") == 4


@pytest.mark.parametrize("code", ["WINDOW_SHORT", "window-short"])
def test_a_reason_code_is_known_in_any_case_and_with_hyphens(tmp_path: Path, code: str) -> None:
    assert call("explain", code, cwd=tmp_path).stdout.startswith("window_short\n")


def test_a_misspelt_reason_code_is_answered_by_the_nearest(tmp_path: Path) -> None:
    done = call("explain", "windw_short", cwd=tmp_path)
    assert done.returncode == exits.USAGE
    assert "Did you mean window_short?" in done.stderr
    assert "Did you mean" not in call("explain", "qqq", cwd=tmp_path).stderr


@pytest.mark.parametrize("meter", ["shelly", "shelly:", "tasmota:http://192.168.1.20/"])
def test_a_wall_meter_without_a_host_is_a_usage_error_before_anything_starts(tmp_path: Path, meter: str) -> None:
    done = call("run", "--backend", "simulated", "--meter", meter, cwd=tmp_path)
    assert done.returncode == exits.USAGE
    assert "needs a host" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["prefill", "decode", "sample"])
def test_a_mode_of_a_workload_is_answered_by_the_mode_that_runs_it(tmp_path: Path, mode: str) -> None:
    done = call("plan", "--mode", mode, cwd=tmp_path)
    assert done.returncode == exits.USAGE
    assert "train, infer. All modes but train run with infer." in done.stderr


def test_the_plan_says_on_what_it_would_run_and_what_is_left_out(tmp_path: Path) -> None:
    lines = call("plan", "--backend", "simulated", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "simulated 100 W machine: simulated backend"
    planned = next(number for number, line in enumerate(lines) if line.startswith("Plan: "))
    assert all(note.startswith("  ") for note in lines[1:planned])  # of a chip without bfloat16, for one


def test_the_list_stands_in_columns(tmp_path: Path) -> None:
    *lines, _ = call("list", cwd=tmp_path).stdout.splitlines()
    assert len(set(map(len, lines))) == 1
    at = lines[0].index("unit")
    assert {line[at - 2 : at] for line in lines} == {"  "}
    assert not any(line.startswith("calib") and any(map(str.isdecimal, line)) for line in lines)


def test_a_full_disk_behind_the_output_is_one_line(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as output:
        done = subprocess.run(
            [sys.executable, "-m", "suite", "list"],
            cwd=tmp_path, stdout=output, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == exits.CANNOT_WRITE
    assert done.stderr == "Cannot write: no space is left on the device. Make room there.\n"


def test_a_reader_who_has_seen_enough_ends_the_command_without_a_word(tmp_path: Path, synthetic: ModuleType) -> None:
    (file,) = synthetic.write(tmp_path, 1)
    for command in (("list",), ("show", str(file))):
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run(
            [sys.executable, "-m", "suite", *command],
            cwd=tmp_path, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        os.close(write_end)
        assert (done.returncode, done.stderr) == (exits.CANNOT_WRITE, ""), command


def test_a_site_that_has_no_room_is_one_short_line(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    site = Path(__file__).parents[3] / "site"
    own = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}  # it writes files too
    done = subprocess.run(
        [sys.executable, "-m", "suite", "site", "--site", str(site), "--out", str(tmp_path / "out")],
        cwd=tmp_path, env=own, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)),
    )  # fmt: skip
    assert done.returncode == exits.CANNOT_WRITE
    assert done.stderr.endswith(": File too large. Name another folder by --out.\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("base", ["joulemark/", "/joulemark", "https://example.org/", '/"><script>/'])
def test_a_base_that_is_no_path_of_an_address_is_a_usage_error(stranger: Path, base: str) -> None:
    done = call("site", "--results", "empty", "--out", "out", "--base", base, cwd=stranger)
    assert done.returncode == exits.USAGE
    assert "like /joulemark/" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (stranger / "out").exists()
