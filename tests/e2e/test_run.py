"""From the command to the page, on a machine whose power is known."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import suite
from suite import exits
from suite.audit import CONSTANT, WITNESSED
from suite.check.single import check_file
from suite.normalise import idle_powers_w, net_joules_per_unit, score
from suite.record import Result
from suite.sweep import chosen

ROOT = Path(__file__).resolve().parents[2]
POWER_W = 100.0
MAYBE = {"sweep", "recompile", "short"}
"""Stages that not every attempt has: windows are done again where something was compiled or steps became faster."""


def at_full_speed() -> dict[str, str]:
    """The environment without coverage, under which torch compiles several times slower."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the suite has run once on the simulated machine, both frameworks, and built its site."""
    folder = tmp_path_factory.mktemp("run")
    command = [
        sys.executable,
        "-m",
        "suite",
        "--backend",
        "simulated",
        "--size",
        "xs",
        "--workload",
        "gpt",
        "--budget",
        "360s",
    ]
    done = subprocess.run(
        [*command, "--site", str(ROOT / "site"), "--out", str(folder / "site")],
        cwd=folder,
        env=at_full_speed(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exits.OK, done.stdout + done.stderr
    (folder / "stdout").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)
    return folder


@pytest.fixture(scope="module")
def result(folder: Path) -> Result:
    (path,) = (folder / "results").glob("*/*.json")
    checked = check_file(path)
    assert not [finding for finding in checked.findings if finding.severity == "error"]  # a busy machine may warn
    assert checked.result is not None
    return checked.result


def test_every_mode_and_framework_ran(result: Result) -> None:
    cells = [cell for cell in result.cells if cell.cell.workload != "calib"]  # which comes along where there is time
    ran = {(cell.cell.workload, cell.cell.mode, cell.cell.framework) for cell in cells if cell.outcome == "ok"}
    modes = {("gpt", "train"), ("gpt", "prefill"), ("gpt", "decode")}
    assert ran == {(*mode, framework) for mode in modes for framework in ("torch", "jax")}
    assert result.complete


def test_joules_are_power_times_time_within_a_thousandth(result: Result) -> None:
    windows = [
        (window, energies[0])
        for cell in result.cells
        for attempt in cell.attempts
        for window, energies in zip(attempt.windows, attempt.energies, strict=True)
    ]
    assert len(windows) >= 18
    for window, energy in windows:
        assert energy.joules == pytest.approx(POWER_W * window.duration_s, rel=1e-3)
        assert energy.meter_class == "simulated"


def test_each_cell_has_three_repeats_and_a_quality_within_its_band(result: Result) -> None:
    for cell in result.cells:
        assert sum(len(attempt.windows) for attempt in cell.attempts) >= 3
        assert any(attempt.outcome == "ok" for attempt in cell.attempts)
        for attempt in cell.attempts:
            assert attempt.quality is not None
            assert attempt.quality.low <= attempt.quality.value <= attempt.quality.high
            if attempt.detail is None:  # one that a busy machine cut short may lack its last audit
                assert {audit.name for audit in attempt.audits} == {WITNESSED, CONSTANT}
            stages = [stage.name for stage in attempt.stages]
            assert [name for name in stages if name not in MAYBE] == ["start", "build", "compile", "warm-up"]


def test_throughput_modes_chose_their_batch_and_kept_it(result: Result) -> None:
    for cell in result.cells:
        first, *later = cell.attempts
        assert bool(first.sweep) == (cell.cell.mode in ("prefill", "decode"))
        assert not any(attempt.sweep for attempt in later)
        if first.sweep:
            assert cell.cell.batch == chosen(first.sweep)
            assert cell.work.units_per_step % cell.cell.batch == 0


def test_the_machine_was_watched_idle_before_and_after(result: Result) -> None:
    assert [idle.when for idle in result.idle] == ["before", "after"]
    powers_w = idle_powers_w(result, "device")
    assert powers_w == {"before": pytest.approx(POWER_W, rel=1e-3), "after": pytest.approx(POWER_W, rel=1e-3)}


def test_a_machine_that_draws_the_same_idle_has_no_net_energy(result: Result) -> None:
    cell = result.cells[0]
    gross = score(cell, "device")
    assert gross is not None
    assert gross.joules_per_unit is not None
    net = net_joules_per_unit(cell, "device", list(idle_powers_w(result, "device").values()))
    assert net is not None
    assert net.median == pytest.approx(0.0, abs=1e-3 * gross.joules_per_unit.median)


def test_measuring_costs_little_and_the_file_says_how_much(result: Result) -> None:
    assert result.overhead is not None
    assert result.overhead.sampler_share + result.overhead.controller_share < 0.02
    assert result.overhead.peak_memory_bytes < 200 * 2**20


def test_the_file_names_nobody(folder: Path, result: Result) -> None:
    text = result.model_dump_json()
    for secret in (socket.gethostname(), getpass.getuser(), os.environ.get("HOME", ""), str(folder)):
        assert len(secret) < 5 or secret not in text


def test_stdout_is_the_summary_and_stderr_the_progress(folder: Path) -> None:
    output, errors = (folder / "stdout").read_text(), (folder / "stderr").read_text()
    assert "gpt/train/xs/torch" in output
    assert "J/token" in output
    assert errors.index("Plan: ") < errors.index("window 1")
    assert "Submit: python -m suite submit results" in errors
    assert "Site: " in errors


def test_nothing_is_left_behind(folder: Path) -> None:
    assert not list((folder / "results" / ".runs").iterdir())


def test_the_site_shows_the_run(folder: Path, result: Result) -> None:
    page = folder / "site" / "index.html"
    assert page.is_file()
    pages = "".join(path.read_text(encoding="utf-8") for path in (folder / "site").rglob("*.html"))
    assert result.id in pages


def test_show_compare_and_submit_work_on_the_file(folder: Path) -> None:
    (path,) = (folder / "results").glob("*/*.json")

    def call(*arguments: str) -> str:
        command = [sys.executable, "-m", "suite", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout

    assert "simulated" in call("show", str(path))
    assert json.loads(call("show", "--json", str(path)))["schema_version"] == 4
    assert "no difference" in call("compare", str(path), str(path))
    placed = call("submit", str(path), "--results", "elsewhere")
    assert "This will be public" in placed
    (copy,) = (folder / "elsewhere").glob("*/*.json")
    assert copy.read_bytes() == path.read_bytes()


def test_what_ran_is_what_was_installed() -> None:
    """Under tox the wheel is tested, not the checkout."""
    if "TOX_ENV_NAME" in os.environ:
        assert "site-packages" in str(Path(suite.__file__))
