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
from suite.check.single import check_file
from suite.energy import window_energy
from suite.record import Result

Suite = Callable[..., subprocess.Popen[str]]

POWER_W = 100.0  # what the simulated machine draws unless it is told otherwise

CELLS = ("run", "--size", "xs", "--workload", "lstm")
"""Which JAX compiles in a few seconds, also where XLA is slow."""

SMALL = (*CELLS, "--mode", "train")
"""One cell of each framework: where there is no second one that waits, the first has all the time it needs."""

IN_JAX = ("--framework", "jax", "--backend", "simulated")


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


def continues(whole: Result, saved: Result) -> bool:
    """Whether the attempts of each saved cell are the first ones of the same cell in the whole."""
    attempts = {one.cell: one.attempts for one in whole.cells}
    return all(attempts.get(one.cell, ())[: len(one.attempts)] == one.attempts for one in saved.cells)


def wait_for(process: subprocess.Popen[str], *words: str) -> None:
    """Read what the run says until each of the words has been said, in this order."""
    assert process.stderr is not None
    seen: list[str] = []
    for word in words:
        while not seen or word not in seen[-1]:
            seen.append(process.stderr.readline())
            assert seen[-1], seen  # the run has ended


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        pytest.param("hang", "deadline", marks=pytest.mark.fault("worker that hangs", "deadline, the next cell runs")),
        pytest.param(
            "stubborn",
            "deadline",
            marks=pytest.mark.fault("worker that ignores SIGTERM", "deadline, the next cell runs"),
        ),
        pytest.param("memory", "oom", marks=pytest.mark.fault("worker out of memory", "oom, the next cell runs")),
        pytest.param(
            "killed", "oom", marks=pytest.mark.fault("worker killed by the kernel", "oom, the next cell runs")
        ),
        pytest.param("crash", "crash", marks=pytest.mark.fault("worker that raises", "crash, the next cell runs")),
        pytest.param(
            "segfault",
            "crash",
            marks=pytest.mark.fault("worker with a segmentation fault", "crash, the next cell runs"),
        ),
        pytest.param(
            "garbage", "crash", marks=pytest.mark.fault("worker that sends garbage", "crash, the next cell runs")
        ),
        pytest.param(
            "silence", "crash", marks=pytest.mark.fault("worker that closes its pipe", "crash, the next cell runs")
        ),
    ],
)
def test_one_failing_cell_is_recorded_and_the_rest_go_on(
    suite: Suite, tmp_path: Path, fault: str, outcome: str
) -> None:
    command = (*SMALL, "--backend", "faulty")
    budget = "60s"  # two cells and their audits; a cell that hangs takes all the time that is to spare
    errors = finish(suite(*command, "--budget", budget, FAULT=fault), exits.CELLS_FAILED)
    cells = {cell.cell.framework: cell for cell in result_in(tmp_path).cells}
    assert cells["torch"].outcome == outcome
    assert cells["jax"].outcome == "ok"
    assert "logs are in" in errors
    assert "somebody" not in str(cells["torch"].attempts)


@pytest.mark.fault("a reader that leaves, as behind `| head`", "the run goes on, its result is written")
def test_a_run_that_nobody_reads_any_more_writes_its_result(suite: Suite, tmp_path: Path) -> None:
    process = suite(*SMALL, *IN_JAX, "--budget", "60s")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stderr.readline()
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=300) == exits.OK
    assert result_in(tmp_path).complete


@pytest.mark.fault("Ctrl-C in a window", "interrupted, finished cells kept")
def test_ctrl_c_saves_what_is_finished_and_the_next_run_continues(suite: Suite, tmp_path: Path) -> None:
    command = (*CELLS, *IN_JAX, "--budget", "120s")  # room for a second cell where the first took twice its plan
    process = suite(*command)
    wait_for(process, " ok", "window 1")
    process.send_signal(signal.SIGINT)
    errors = finish(process, exits.INTERRUPTED)
    assert "Run the same command again to continue" in errors
    saved = result_in(tmp_path)
    assert not saved.complete
    assert saved.cells
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(one.info["cmdline"])]

    errors = finish(suite(*command), exits.OK)
    assert "Continuing" in errors
    whole = result_in(tmp_path)
    assert whole.complete
    assert whole.id != saved.id  # the file of the interrupted run is gone: `result_in` saw one
    assert continues(whole, saved)


@pytest.mark.fault("Ctrl-C before a cell is finished", "interrupted, no result of nothing")
def test_ctrl_c_before_a_cell_is_finished_leaves_no_result_and_the_next_run_is_whole(
    suite: Suite, tmp_path: Path
) -> None:
    command = (*SMALL, *IN_JAX, "--budget", "60s")
    process = suite(*command)
    wait_for(process, "window 1")
    process.send_signal(signal.SIGINT)
    errors = finish(process, exits.INTERRUPTED)
    assert "before a cell was finished: no result is written" in errors
    assert not list((tmp_path / "results").glob("*/*.json"))

    finish(suite(*command), exits.OK)
    assert result_in(tmp_path).complete


def test_fresh_does_not_continue(suite: Suite, tmp_path: Path) -> None:
    command = (*SMALL, *IN_JAX, "--budget", "60s")
    process = suite(*command)
    wait_for(process, "window 1")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    errors = finish(suite(*command, "--fresh"), exits.OK)
    assert "Continuing" not in errors
    assert result_in(tmp_path).complete


@pytest.mark.fault("controller killed", "journal whole, no process left")
def test_a_killed_controller_leaves_no_process_behind_and_an_unharmed_journal(suite: Suite, tmp_path: Path) -> None:
    command = (*SMALL, *IN_JAX, "--budget", "60s")
    process = suite(*command)
    wait_for(process, " ok")
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    errors = finish(suite(*command), exits.OK)
    assert "Continuing" in errors
    assert result_in(tmp_path).complete


@pytest.mark.fault("sampler killed in a window", "meter_lost, later windows right")
def test_a_killed_sampler_costs_the_windows_it_touches_and_nothing_else(suite: Suite, tmp_path: Path) -> None:
    process = suite(*SMALL, *IN_JAX, "--budget", "60s")
    wait_for(process, "window 1")
    (sampler,) = (child for child in psutil.Process(process.pid).children() if "suite.sampler" in str(child.cmdline()))
    sampler.kill()
    process.communicate(timeout=120)
    (cell,) = result_in(tmp_path).cells
    pairs = [
        (window, energies[0])
        for attempt in cell.attempts
        for window, energies in zip(attempt.windows, attempt.energies, strict=True)
    ]
    touched = [energy for _, energy in pairs if energy.joules is None]
    assert touched
    assert all({"meter_lost", "trace_gap"} & set(energy.reasons) for energy in touched)
    whole = [(window, energy.joules) for window, energy in pairs if energy.joules is not None]
    assert len(whole) >= 2
    assert all(joules == pytest.approx(POWER_W * window.duration_s, rel=2e-3) for window, joules in whole)
    assert any("sampler died" in note for attempt in cell.attempts for note in attempt.notes)


@pytest.mark.fault("two runs in one folder", "second refused")
def test_two_runs_of_one_plan_do_not_write_one_journal(suite: Suite) -> None:
    command = (*SMALL, *IN_JAX, "--budget", "60s")
    first = suite(*command)
    wait_for(first, "idle")
    errors = finish(suite(*command), exits.USAGE)
    assert "another run is writing" in errors
    finish(first, exits.OK)


@pytest.mark.fault("results folder that cannot be written", "refused before the first cell")
def test_a_folder_that_cannot_be_written_is_refused_before_the_first_cell(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    errors = finish(suite(*SMALL, "--backend", "simulated", "--results", "file/results"), exits.CANNOT_WRITE)
    assert errors.count("\n") == 1
    assert "Cannot write results to file/results" in errors


@pytest.mark.fault("full disk", "one line, exit 74, the next run continues")
def test_a_full_disk_is_said_in_one_line_and_loses_nothing(suite: Suite, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: writing past it fails in the same way."""
    command = (*SMALL, *IN_JAX, "--budget", "60s")
    errors = finish(suite(*command, files_of_at_most_bytes=8_000), exits.CANNOT_WRITE)
    assert "Cannot write" in errors.splitlines()[-1]
    assert not list((tmp_path / "results").glob("*/*.json"))
    finish(suite(*command), exits.OK)
    assert result_in(tmp_path).complete


@pytest.mark.parametrize(
    ("meter", "said"),
    [
        pytest.param(
            "nonsense:1", "No meter 'nonsense:1'", marks=pytest.mark.fault("meter that nobody knows", "exit 2")
        ),
        pytest.param(
            "csv:log.csv,offset=soon", "not offset=soon", marks=pytest.mark.fault("offset that is no number", "exit 2")
        ),
    ],
)
def test_a_meter_that_cannot_be_meant_is_refused_before_anything_starts(suite: Suite, meter: str, said: str) -> None:
    errors = finish(suite(*SMALL, "--backend", "simulated", "--meter", meter), exits.USAGE)
    assert said in errors


def test_a_log_is_joined_to_the_windows_it_covers(suite: Suite, tmp_path: Path) -> None:
    """The logger writes 140 W all the time, by a clock that is 1.5 s ahead of this machine's."""
    start_s = time.time() + 1.5
    lines = [f"{start_s + index / 50:.3f},{140 + index % 2}" for index in range(-50, 80 * 50)]
    (tmp_path / "log.csv").write_text("time,watts\n" + "\n".join(lines) + "\n")
    finish(
        suite(
            *SMALL,
            *IN_JAX,
            "--budget",
            "30s",
            "--meter",
            "csv:log.csv,offset=-1.5",
        ),
        exits.OK,
    )
    result = result_in(tmp_path)
    for attempt in result.cells[0].attempts:
        for window, energies in zip(attempt.windows, attempt.energies, strict=True):
            (wall,) = (energy for energy in energies if energy.boundary == "wall")
            assert "power_integrated" in wall.reasons
            assert wall.joules is not None or "foreign_cpu_heavy" in wall.reasons  # other programs of this machine
            joined = window_energy(result.meters, attempt.ticks, window, "wall", ())
            assert joined.joules == pytest.approx(140.5 * window.duration_s, rel=1e-3)


@pytest.mark.fault("log that falls back in time", "log_refused, the run's other joules kept")
def test_a_log_that_cannot_be_read_costs_nothing_but_itself(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("time,watts\n2000,1\n1000,1\n")
    finish(
        suite(*SMALL, *IN_JAX, "--budget", "30s", "--meter", "csv:log.csv"),
        exits.OK,
    )
    result = result_in(tmp_path)
    (missing,) = result.missing_meters
    assert missing.code == "log_refused"
    assert "line 3" in missing.reason
    assert all(energies[0].joules for attempt in result.cells[0].attempts for energies in attempt.energies)
