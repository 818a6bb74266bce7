"""Whatever happens to a worker, the sampler or the run itself: nothing is lost, and nothing is silently wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from suite import exits
from suite.check import check_file
from suite.record import Result

Suite = Callable[..., subprocess.Popen[str]]

SMALL = ("run", "--size", "xs", "--workload", "gpt", "--mode", "train")


def result_in(folder: Path) -> Result:
    (path,) = (folder / "results").glob("*/*.json")
    checked = check_file(path)
    assert checked.result is not None, checked.findings
    return checked.result


def finish(process: subprocess.Popen[str], code: int) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    assert "Traceback" not in output + errors
    return errors


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("hang", "deadline"),
        ("stubborn", "deadline"),
        ("memory", "oom"),
        ("killed", "oom"),
        ("crash", "crash"),
        ("segfault", "crash"),
        ("garbage", "crash"),
        ("silence", "crash"),
    ],
)
def test_one_failing_cell_is_recorded_and_the_rest_go_on(
    suite: Suite, tmp_path: Path, fault: str, outcome: str
) -> None:
    budget = "60s" if outcome == "deadline" else "40s"  # a hanging cell takes all the time that is to spare
    errors = finish(suite(*SMALL, "--backend", "faulty", "--budget", budget, FAULT=fault), exits.CELLS_FAILED)
    cells = {cell.cell.framework: cell for cell in result_in(tmp_path).cells}
    assert cells["torch"].outcome == outcome
    assert cells["jax"].outcome == "ok"
    assert "logs are in" in errors
    assert "somebody" not in str(cells["torch"].attempts)


def test_ctrl_c_saves_what_is_finished_and_the_next_run_continues(suite: Suite, tmp_path: Path) -> None:
    command = ("run", "--size", "xs", "--framework", "jax", "--backend", "simulated", "--budget", "50s")
    process = suite(*command)
    assert process.stderr is not None
    seen = []
    while "window 1" not in (line := process.stderr.readline()) or not any(" ok" in one for one in seen):
        seen.append(line)
        assert process.poll() is None, seen
    process.send_signal(signal.SIGINT)
    errors = finish(process, exits.INTERRUPTED)
    assert "Run the same command again to continue" in errors
    saved = result_in(tmp_path)
    assert not saved.complete
    done = len(saved.cells)
    assert done >= 1
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(one.info["cmdline"])]

    errors = finish(suite(*command), exits.OK)
    assert "Continuing" in errors
    whole = result_in(tmp_path)
    assert whole.complete
    assert whole.id == saved.id
    assert whole.cells[:done] == saved.cells[:done] or len(whole.cells) > done


def test_fresh_does_not_continue(suite: Suite, tmp_path: Path) -> None:
    command = (*SMALL, "--framework", "jax", "--backend", "simulated", "--budget", "30s")
    process = suite(*command)
    assert process.stderr is not None
    while "window 1" not in process.stderr.readline():
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    errors = finish(suite(*command, "--fresh"), exits.OK)
    assert "Continuing" not in errors
    assert result_in(tmp_path).complete


def test_a_killed_controller_leaves_no_process_behind_and_an_unharmed_journal(suite: Suite, tmp_path: Path) -> None:
    command = ("run", "--size", "xs", "--framework", "jax", "--backend", "simulated", "--budget", "50s")
    process = suite(*command)
    assert process.stderr is not None
    while " ok" not in process.stderr.readline():
        pass
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    errors = finish(suite(*command), exits.OK)
    assert "Continuing" in errors
    assert result_in(tmp_path).complete


def test_a_killed_sampler_makes_joules_unknown_and_never_wrong(suite: Suite, tmp_path: Path) -> None:
    process = suite(*SMALL, "--framework", "jax", "--backend", "simulated", "--budget", "30s")
    assert process.stderr is not None
    while "window 1" not in process.stderr.readline():
        pass
    (sampler,) = (child for child in psutil.Process(process.pid).children() if "suite.sampler" in str(child.cmdline()))
    sampler.kill()
    process.communicate(timeout=120)
    (cell,) = result_in(tmp_path).cells
    energies = [energies[0] for attempt in cell.attempts for energies in attempt.energies]
    unknown = [energy for energy in energies if energy.joules is None]
    assert unknown
    assert all("trace_gap" in energy.reasons for energy in unknown)


def test_two_runs_of_one_plan_do_not_write_one_journal(suite: Suite) -> None:
    command = (*SMALL, "--framework", "jax", "--backend", "simulated", "--budget", "30s")
    first = suite(*command)
    assert first.stderr is not None
    while "idle" not in first.stderr.readline():
        time.sleep(0.01)
    errors = finish(suite(*command), exits.USAGE)
    assert "another run is writing" in errors
    finish(first, exits.OK)


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_cell(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    errors = finish(suite(*SMALL, "--backend", "simulated", "--results", "file/results"), exits.CANNOT_WRITE)
    assert errors.count("\n") == 1
    assert "Cannot write results to file/results" in errors


def test_a_full_disk_is_said_in_one_line_and_loses_nothing(suite: Suite, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: writing past it fails in the same way."""
    command = ("run", "--size", "xs", "--framework", "jax", "--backend", "simulated", "--budget", "50s")
    errors = finish(suite(*command, files_of_at_most_bytes=8_000), exits.CANNOT_WRITE)
    assert "Cannot write" in errors.splitlines()[-1]
    assert not list((tmp_path / "results").glob("*/*.json"))
    finish(suite(*command), exits.OK)
    assert result_in(tmp_path).complete
