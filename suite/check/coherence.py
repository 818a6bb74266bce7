"""Do the parts of a result agree with each other: its machine, its plan, its cells, its stages? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from suite.check.devices import find
from suite.check.findings import Finding, error, warning
from suite.record import Attempt, Cell, Result, System
from suite.slugs import slug
from suite.trace import Window

_REMAKE = "Submit the file as the suite wrote it."

ON_HOST = {"cpu": True, "cuda": False, "tpu": False}
"""Backend -> whether it runs on the processors alone; others may do either."""

MOST_PACKAGES = {"server": 16, "client": 2, "fixed": 1, "tunable": 1}
"""Kind of processor -> how many a machine can hold; a client holds one, but one name may stand for several sizes."""


def coherence(result: Result) -> Iterator[Finding]:
    """Contradictions between what one part of the file says and what another does."""
    yield from _system(result)
    yield from _idles(result)
    yield from _cells(result)
    yield from _twice(result)
    for number, cell in enumerate(result.cells):
        for index, attempt in enumerate(cell.attempts):
            yield from _stages(attempt, f"/cells/{number}/attempts/{index}/stages")
    compared = result.overhead and result.overhead.throughput
    if compared and not compared.low <= compared.ratio <= compared.high:
        here = "/overhead/throughput"
        yield error("interval", here, f"the interval does not hold its own value, {compared.ratio:.6g}", _REMAKE)


def _system(result: Result) -> Iterator[Finding]:
    system, on_host = result.system, ON_HOST.get(result.backend)
    if system.slug not in (slug(system.name), slug(system.name.removesuffix(" (virtual)"))):
        yield error("slug", "/system/slug", f"{system.slug} is not made from the machine's name", _REMAKE)
    if on_host is not None and on_host == bool(system.accelerators):
        told = f"backend {result.backend}, and {len(system.accelerators)} accelerators"
        yield error("backend-device", "/system/accelerators", told, _REMAKE)
    named, used = find(system.name), find(system.accelerators[0].name if system.accelerators else system.cpu)
    if named is not None and used is not None and named.kind == used.kind and named != used:
        told = f"the machine is named after {named.name}, and lists {used.name}"
        yield error("name-device", "/system/name", told, _REMAKE)
    yield from _cores(system)


def _cores(system: System) -> Iterator[Finding]:
    own, cores = find(system.cpu), system.physical_cores
    if own is None or not own.cores or not cores or system.virtual:
        return
    told, here = f"{cores} cores; a package of {own.name} has {own.cores}", "/system/physical_cores"
    if cores > own.cores * MOST_PACKAGES[own.kind]:
        yield error("cores-over", here, told, "Look at the processor's name.")
    elif cores % own.cores:
        yield warning("cores-odd", here, told, "Look at the processor's name.")


def _idles(result: Result) -> Iterator[Finding]:
    when = [idle.when for idle in result.idle]
    if when != sorted(set(when), key=("before", "after").index):
        yield error("idle-twice", "/idle", "the idle machine is once before the work and once after it", _REMAKE)


def _cells(result: Result) -> Iterator[Finding]:
    """A run tries cells of its plan only, one device of those it lists."""
    planned = {_without_batch(one.cell) for one in result.plan.cells}
    for number, one in enumerate(result.cells):
        here = f"/cells/{number}/cell"
        if _without_batch(one.cell) not in planned:
            yield error("cell-unplanned", here, "the plan of the run does not have this cell", _REMAKE)
        if one.cell.device >= len(result.system.accelerators) > 1:
            yield error("device-index", f"{here}/device", "no such device among the accelerators", _REMAKE)


def _twice(result: Result) -> Iterator[Finding]:
    """No two attempts open and close a window at the same nanoseconds from their own origins."""
    seen: dict[Window, str] = {}
    for number, cell in enumerate(result.cells):
        for index, attempt in enumerate(cell.attempts):
            here = f"/cells/{number}/attempts/{index}/windows"
            twin = next((seen[window] for window in attempt.windows if window in seen), None)
            if twin is not None:
                yield error("window-twice", here, f"a window of it is that of {twin}", _REMAKE)
            seen.update(dict.fromkeys(attempt.windows, here))


def _without_batch(cell: Cell) -> Cell:
    """A sweep may have chosen another batch than the planned one."""
    return cell.model_copy(update={"batch": 0})


def _stages(attempt: Attempt, pointer: str) -> Iterator[Finding]:
    """Stages lie outside the windows: what happens within one is the work."""
    for index, stage in enumerate(attempt.stages):
        if stage.end_ns < stage.start_ns:
            yield error("stage", f"{pointer}/{index}", f"{stage.name} ends before it starts", _REMAKE)
        if any(stage.start_ns < window.end_ns and window.start_ns < stage.end_ns for window in attempt.windows):
            yield error("stage-overlap", f"{pointer}/{index}", f"{stage.name} lies within a window", _REMAKE)
