"""Carries a job out from start to end: journal, samplers, one session, and the result file."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from backends.memory import process_peak_bytes
from suite.assemble import assemble, begin_of
from suite.check.findings import Finding
from suite.check.rules import PLAUSIBILITY, examine
from suite.join import is_log
from suite.journal import Event, Journal
from suite.processes import Frame
from suite.record import Result, dumps, write_atomically
from suite.recorder import Recorder
from suite.session import Job, Session, Watcher
from suite.signatures import signature_path
from suite.trace import Meter

_JOURNAL = re.compile(rb'"journal_sha256":"([0-9a-f]{64})"\}\n\Z')
"""How a file of the suite's own writing ends."""


REFUSED = "refused.jsonl"
"""What the journal of an unacceptable result is called: the next run of the same plan begins anew."""


class Unacceptable(Exception):
    """The suite's own result breaks rules that no machine can break: a bug. The journal is kept."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"{finding.rule} at {finding.pointer}: {finding.message}" for finding in findings))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its result, where it was written, and whether the user broke it off.

    `path` is None where nothing was finished, and so nothing written. `doubts` are why a check refuses the file.
    """

    result: Result
    path: Path | None
    interrupted: bool
    doubts: tuple[Finding, ...] = ()


def run(job: Job, watcher: Watcher, *, fresh: bool, started_s: float) -> Outcome:
    """Carry the job out, or continue it where an earlier session stopped.

    Ctrl-C ends the attempt in flight, keeps the finished ones and writes the result if there are any.
    OSError when nothing can be written (found out before the first cell), Busy when another process carries out the
    same run.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    interrupted = False
    with Journal(job.folder / "journal.jsonl") as journal:
        if fresh or is_over(journal.events):
            journal.restart()
        recorder = Recorder(_sampler_jobs(job), job.folder / "sampler.log")
        try:
            if journal.events and not same_meters(begin_of(journal.events).meters, recorder.meters):
                journal.restart()  # its joules could not be computed from these meters
            session = Session(job, journal, recorder, watcher, started_s)
            session.carry_out()
            session.join_logs()
        except KeyboardInterrupt:
            if not journal.events:
                raise  # nothing was begun: there is nothing to save
            interrupted = True
        finally:
            recorder.close()
        journal.append("memory", peak_memory_bytes=process_peak_bytes() + recorder.peak_memory_bytes)
        if not interrupted:
            journal.append("end")
        result = assemble(journal.events, journal.sha256)
        if interrupted and not result.cells:
            return Outcome(result, None, interrupted)
        doubts = _examined(result, journal)
        path = write_result(result, job.results)
        remove_earlier(path, journal.events)
        journal.append("written")
    if not interrupted and not doubts and all(cell.outcome == "ok" for cell in result.cells):
        shutil.rmtree(job.folder)  # with a failed cell the logs stay, for whoever wants to know why
    return Outcome(result, path, interrupted, doubts)


def _sampler_jobs(job: Job) -> list[Frame]:
    """The backend's meters in one process; each named one in its own, for a slow network must not delay the others."""
    named: list[Frame] = [{"meter": name} for name in job.meters if not is_log(name)]
    return [{"backend": job.backend, "device": job.device}, *named]


def same_meters(first: tuple[Meter, ...], second: tuple[Meter, ...]) -> bool:
    """Whether two sessions saw the same meters; how fast these seem to update may differ from probe to probe."""

    def lasting(meters: tuple[Meter, ...]) -> list[Meter]:
        return [replace(meter, update_period_s=0.0, tick_width_s=0.0) for meter in meters]

    return lasting(first) == lasting(second)


def _examined(result: Result, journal: Journal) -> tuple[Finding, ...]:
    """Why a check would doubt the result. Where it is Unacceptable its journal is set aside: to go on ends the same."""
    try:
        return doubts_of(result)
    except Unacceptable:
        journal.path.replace(journal.path.with_name(REFUSED))
        raise


def doubts_of(result: Result) -> tuple[Finding, ...]:
    """Examine the result as a stranger's file would be: what is not plausible of it. Unacceptable is a bug of ours."""
    errors = tuple(finding for finding in examine(result) if finding.severity == "error")
    ours = tuple(finding for finding in errors if finding.rule not in PLAUSIBILITY)
    if ours:
        raise Unacceptable(ours)
    return errors


def write_result(result: Result, results: Path) -> Path:
    """Write the result to its place."""
    path = results / result.system.slug / result.file_name
    write_atomically(path, dumps(result))
    return path


def is_over(events: Sequence[Event]) -> bool:
    """Whether a run has come to its end and its result stands. One that was killed in between goes on."""
    kinds = [event["kind"] for event in events]
    return "end" in kinds and kinds[-1] == "written"


def remove_earlier(path: Path, events: Sequence[Event]) -> None:
    """Remove what interrupted sessions wrote of the run whose result stands at `path`, all under other ids.

    They are known by their journal: it is a beginning of this one. Each goes with its signature, which signs nothing
    else and goes first, so that it never lies there alone. Nothing else is ever removed.
    """
    beginnings = {event["previous"] for event in events[1:]}
    for other in path.parent.glob("*.json"):
        if other != path and _journal_of(other) in beginnings:
            signature_path(other).unlink(missing_ok=True)
            other.unlink(missing_ok=True)


def _journal_of(path: Path) -> str | None:
    """The hash of the journal that a result was made of; None where that cannot be read."""
    with suppress(OSError):
        found = _JOURNAL.search(path.read_bytes()[-100:])
        return found[1].decode() if found else None
    return None


def writable(folder: Path) -> None:
    """Prove that results can be written to `folder`, before anything is run for them. OSError when not."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".writable-{os.getpid()}"
    write_atomically(probe, b"")
    probe.unlink()
