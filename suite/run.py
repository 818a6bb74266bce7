"""The run command: from a choice to a result on disk and a summary on the screen."""

from __future__ import annotations

import signal
from pathlib import Path

from rich.console import Console

from suite import exits
from suite.check.findings import Finding
from suite.check.text import printable
from suite.choose import Choice
from suite.consoles import Commentary
from suite.controller import Outcome, Unacceptable, run, writable
from suite.journal import Busy
from suite.machine import describe_software, describe_system
from suite.progress import Live
from suite.recorder import SamplerFailed
from suite.report import console as report_console
from suite.report import reasons, summary_table, unsteady_lines, why_table
from suite.session import Job
from suite.units import counted


def carry_out(
    choice: Choice,
    budget_s: float,
    results: Path,
    meters: tuple[str, ...] = (),
    *,
    fresh: bool,
    strict: bool = False,
    started_s: float,
) -> int:
    """Run, write the result, print the summary; returns the exit code. Complaints are one line each, on stderr.

    `strict`: it is that of an unstable run where a number is not steady.
    """
    complaints = Commentary(stderr=True)
    job = _job(choice, budget_s, results, meters)
    own = results / job.system.slug
    folder = own if own.is_dir() else results
    try:
        writable(folder)
    except OSError as problem:
        told = f"Cannot write results to {folder}: {problem.strerror}. Name another folder by --results."
        return _complain(complaints, exits.CANNOT_WRITE, told)
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        with Live(complaints, started_s=started_s) as live:
            live.say(f"{job.system.name}: {choice.name} backend")
            for note in choice.notes:
                live.say(f"  {note}")
            outcome = run(job, live, fresh=fresh, started_s=started_s)
    except OSError as problem:
        return _complain(complaints, exits.CANNOT_WRITE, f"Cannot write to {results}: {problem.strerror}.")
    except Busy as busy:
        return _complain(complaints, exits.USAGE, f"{busy}. Wait for it, or name another --results folder.")
    except (SamplerFailed, Unacceptable) as problem:
        return _complain(complaints, exits.BUG, f"{problem} The journal is kept in {job.folder}.")
    _report(outcome, job, complaints)
    unstable = unsteady_lines(outcome.result) if strict else []
    for line in unstable:
        _complain(complaints, 0, f"Unstable: {line}")
    return _code(outcome) or (exits.UNSTABLE if unstable else exits.OK)


def _job(choice: Choice, budget_s: float, results: Path, meters: tuple[str, ...]) -> Job:
    accelerators = [] if choice.backend.on_host else [choice.device]
    return Job(
        backend=choice.name,
        device=choice.device.index,
        cells=choice.cells,
        calibration=choice.calibration,
        budget_s=budget_s,
        system=describe_system(accelerators),
        software=describe_software(dict(choice.backend.describe())),
        results=results,
        memory_bytes=choice.device.memory_bytes,
        meters=meters,
    )


def _complain(console: Console, code: int, line: str) -> int:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    return code


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _code(outcome: Outcome) -> int:
    """What matters most to whoever waits for the run: that it can go on, that a check refuses it, that cells failed."""
    if outcome.interrupted:
        return exits.INTERRUPTED
    if outcome.doubts:
        return exits.CHECK_FAILED
    return exits.OK if all(cell.outcome == "ok" for cell in outcome.result.cells) else exits.CELLS_FAILED


def _doubt(finding: Finding) -> str:
    return printable(f"Not plausible: {finding.rule} at {finding.pointer}: {finding.message}. {finding.cure}")


def _report(outcome: Outcome, job: Job, console: Console) -> None:
    result = outcome.result
    if outcome.path is None:
        told = "Interrupted before a cell was finished: no result is written. Run the same command again to continue."
        _complain(console, 0, told)
        return
    table = report_console(Commentary)
    table.print(summary_table(result))
    table.print(why_table(result))
    for code in reasons(result):
        _complain(console, 0, f"{code}: python -m suite explain {code}")
    for missing in result.missing_meters:
        _complain(console, 0, f"{missing.code}: {missing.reason} {missing.cure}")
    if result.overhead is not None:
        share = result.overhead.sampler_share + result.overhead.controller_share
        _complain(console, 0, f"Measuring cost {100 * share:.2f} % of one core while windows were open.")
        if (found := result.overhead.throughput) is not None:
            span = f"95 %: {found.low:.4f} to {found.high:.4f}, {found.pairs} pairs"
            _complain(console, 0, f"Throughput with metering over without: {found.ratio:.4f} ({span}).")
    if any(cell.outcome != "ok" for cell in result.cells):
        _complain(console, 0, f"Some cells failed; their logs are in {job.folder}.")
    untried = len(result.plan.cells) - len(result.cells)
    if untried and not outcome.interrupted:
        told = f"{counted(untried, 'planned cell')} not tried: the budget ended first. Give a larger --budget."
        _complain(console, 0, told)
    if outcome.interrupted:
        _complain(console, 0, "Interrupted: finished cells are kept. Run the same command again to continue.")
    _report_check(outcome, console)


def _report_check(outcome: Outcome, console: Console) -> None:
    """Where the result is, and what can be done with it."""
    for finding in outcome.doubts:
        _complain(console, 0, _doubt(finding))
    _complain(console, 0, f"Result: {outcome.path} ({'a check refuses it' if outcome.doubts else 'checked'})")
    has_numbers = any(cell.outcome == "ok" for cell in outcome.result.cells)
    if has_numbers and not outcome.interrupted and not outcome.doubts:
        _complain(console, 0, f"Submit: python -m suite submit {outcome.path}")
