"""The result file: its types, reading and writing.

History of `schema_version`
  1  first format
  2  events, conditions, parts of the uncertainty, a meter's step and scope, what metering costs in throughput
  3  audits: proof that the steps inside the windows were the work
  4  the id is that of the content (suite.identity); it was made up at the start of the run before
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer

from suite.energy import Energy
from suite.history import upgrade
from suite.trace import Conditions, Event, Meter, Ticks, Window

# Letters of any script, but nothing that hides, reorders or controls text: it is printed and published as it stands.
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$"
Text = Annotated[str, StringConstraints(max_length=300, pattern=_PLAIN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=_PLAIN)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]  # beyond it, JSON parsers differ (RFC 8785)
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

Outcome = Literal["ok", "quality", "oom", "crash", "deadline", "refused"]
"""How an attempt ended: "quality" ran but outside its band, "refused" cannot run on this device at all."""


class Model(BaseModel):
    """Frozen, strict, closed: what the format does not know is an error, not an extra."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Accelerator(Model):
    """A device that is not the host."""

    name: Name
    memory_bytes: Count | None


class System(Model):
    """The machine, by what shapes its energy; nothing that names its owner or the single specimen."""

    slug: Slug
    name: Name
    cpu: Name
    physical_cores: Count | None
    logical_cores: Count
    memory_bytes: Count
    accelerators: tuple[Accelerator, ...]
    virtual: bool | None  # None: cannot be told
    governor: Text | None


class Software(Model):
    """What ran: the suite at its commit, the interpreter, the frameworks, the drivers."""

    joulemark: Name
    commit: Text | None
    modified: bool | None  # whether the checkout differed from the commit
    code_sha256: Sha256 | None = None  # of the program's files when the run began (suite.code); files may lack it
    python: Name
    system: Name  # operating system and kernel release
    packages: dict[Name, Name]
    drivers: dict[Name, Text]

    @model_serializer(mode="wrap")
    def _as_stored(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the hash where there is none: a file that lacks it keeps its bytes, and so its id."""
        told: dict[str, Any] = dump(self)
        return {name: value for name, value in told.items() if name != "code_sha256" or value is not None}


class Cell(Model):
    """What one worker runs. Two results are comparable when all but `backend` and `framework` agree."""

    workload: Slug
    version: Count
    mode: Slug
    size: Slug
    backend: Slug
    framework: Slug
    precision: Slug
    batch: Count
    technique: Slug  # "compiled" or "eager"
    device: Count

    @property
    def key(self) -> str:
        return f"{self.workload}/{self.mode}/{self.size}/{self.framework}/{self.precision}"


class PlannedCell(Model):
    """A cell with the time it was expected to need."""

    cell: Cell
    setup_s: NotNegative
    window_s: Positive
    repeats: Count


class Plan(Model):
    """What a run set out to do within its budget."""

    budget_s: Positive
    idle_s: NotNegative
    cells: tuple[PlannedCell, ...]


class Stage(Model):
    """A stretch of an attempt outside the windows: what it was, and when, from the attempt's origin."""

    name: Slug  # "start", "sweep", "build", "compile", "warm-up"; "recompile", "short": windows that were done again
    start_ns: Count
    end_ns: Count


class Quality(Model):
    """How well the work was done, or how an audit of it came out, and the two-sided band it had to fall in."""

    name: Name
    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        return self.low <= self.value <= self.high


class BatchRate(Model):
    """How fast the work goes with so many sequences or images at once."""

    batch: Count
    units_per_s: Positive


class Attempt(Model):
    """One worker process from start to end. Times count from its own origin on CLOCK_MONOTONIC."""

    outcome: Outcome
    detail: Text | None
    sweep: tuple[BatchRate, ...]  # the batches tried before the first windows; empty where there was no choice
    stages: tuple[Stage, ...]
    windows: tuple[Window, ...]
    ticks: tuple[Ticks, ...]
    events: tuple[Event, ...]
    conditions: tuple[Conditions, ...]
    energies: tuple[tuple[Energy, ...], ...]  # for each window, one per boundary; `check` computes them again
    quality: Quality | None
    audits: tuple[Quality, ...]  # of steps inside the windows; empty where time was over before
    peak_memory_bytes: Count | None
    notes: tuple[Text, ...]


class Work(Model):
    """What one step of a cell is worth, from the workload's formulas."""

    unit: Slug
    units_per_step: Count
    parameters: Count
    flops_per_step: NotNegative
    bytes_per_step: NotNegative


class CellResult(Model):
    """A cell with everything that was tried on it."""

    cell: Cell
    work: Work
    attempts: tuple[Attempt, ...]

    @property
    def outcome(self) -> Outcome:
        """ "ok" when any attempt was, else the newest one's."""
        outcomes = [attempt.outcome for attempt in self.attempts]
        return "ok" if "ok" in outcomes else outcomes[-1]


class Idle(Model):
    """The machine with nothing to do, before or after the work."""

    when: Literal["before", "after"]
    window: Window
    ticks: tuple[Ticks, ...]
    events: tuple[Event, ...]


class MissingMeter(Model):
    """A meter that did not answer: why, and what would help."""

    code: Name
    reason: Text
    cure: Text


class Throughput(Model):
    """Units per second with metering over those without, from windows that took turns in one process."""

    ratio: Positive
    low: float  # 95 % interval
    high: float
    pairs: Count


class Overhead(Model):
    """What measuring cost while windows were open: CPU time of samplers and controller over the windows' time."""

    sampler_share: NotNegative  # of one core
    controller_share: NotNegative  # of one core
    peak_memory_bytes: Count  # all these processes together
    throughput: Throughput | None  # None: the budget had no room to find out


class Result(Model):
    """One run on one machine. Everything derived from it is computed, never stored as truth."""

    schema_version: Literal[4]
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    complete: bool  # False: interrupted; a planned cell may be untried for want of time all the same
    system: System
    software: Software
    backend: Slug
    plan: Plan
    meters: tuple[Meter, ...]
    missing_meters: tuple[MissingMeter, ...]
    idle: tuple[Idle, ...]
    cells: tuple[CellResult, ...]
    overhead: Overhead | None
    journal_sha256: Sha256

    @property
    def file_name(self) -> str:
        return f"{self.date}-{self.id}.json"


def dumps(result: Result) -> bytes:
    """The file's bytes: compact JSON with keys in the schema's order and a newline at the end."""
    return (json.dumps(result.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def loads(data: bytes) -> Result:
    """Strictly read a result file of any version; pydantic.ValidationError (a ValueError) says where it is not one."""
    return Result.model_validate_json(upgrade(data))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def schema() -> dict[str, Any]:
    """The JSON Schema of a result file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Result.model_json_schema()


def write_atomically(path: Path, data: bytes) -> None:
    """Write so that a reader, or a crash at any instant, sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
