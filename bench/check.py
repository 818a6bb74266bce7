"""What `check` refuses, what it accepts, and what it takes: the tables of docs/checks.md.

    python bench/check.py hostile | corruptions | mutations [--count 10000] | renamed [--count 10000] |
                          valid [--count 1000] | speed [--count 300]

`--first N` leaves out the first N seeds of mutations, so that many can be made in several goes. Seeds are fixed.
Hostile files and mutations are checked as `python -m suite check` checks them, each in a process of limited memory and
time; times are of that process alone. `mutations` leaves a changed file its id; `renamed` names it anew, by its changed
content, as corruptions are in the table.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median

import corruptions
import hostile
import mutations
import synthetic
from sealing import packed, resealed

from backends.memory import process_peak_bytes
from suite.check.batch import LIMITS, check_all, row_of
from suite.check.document import Refused, parse
from suite.check.findings import Finding
from suite.check.rules import examine
from suite.check.single import check_data
from suite.check.verdict import Row, failed, lost
from suite.check.workers import Limits, Task, each
from suite.identity import sealed
from suite.normalise import score
from suite.record import Result, dumps

TODAY = date(2026, 12, 1)
MACHINES = len(synthetic.MACHINES)
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A file's row, how long it took, and the most memory that its process held so far."""

    row: Row
    seconds: float
    peak_bytes: int


def timed(path: Path) -> Timed:
    begun_s = time.perf_counter()
    row = row_of(path)
    return Timed(row=row, seconds=time.perf_counter() - begun_s, peak_bytes=process_peak_bytes())


def _lost(path: Path) -> Timed:
    return Timed(row=lost(path), seconds=LIMITS.processor_s, peak_bytes=0)


def _failed(path: Path, problem: BaseException) -> Timed:
    return Timed(row=failed(path, problem), seconds=0.0, peak_bytes=0)


def checked(paths: Sequence[Path]) -> dict[Path, Timed]:
    return dict(each(paths, Task(work=timed, lost=_lost, failed=_failed), LIMITS))


def rules(findings: Sequence[Finding], severity: str | None = None) -> set[str]:
    return {finding.rule for finding in findings if severity in (None, finding.severity)}


def few_cells(result: Result) -> Result:
    """With two models and what calibrates them: the tests' own true file."""
    models = [
        one for one in result.cells if one.cell.workload != "calib" and [a.outcome for a in one.attempts] == ["ok"]
    ]
    calib = [one for one in result.cells if one.cell.workload == "calib"]
    return sealed(result.model_copy(update={"cells": (*models[:2], *calib)}))


def run_hostile(_: range, folder: Path) -> None:
    good = dumps(few_cells(synthetic.result(0, 1)))
    wanted: dict[Path, str] = {}
    for number, (make, rule) in enumerate(hostile.CASES.values()):
        path = folder / f"case-{number}.json"
        path.write_bytes(make(good))
        wanted[path] = rule
    for number, (place, rule) in enumerate(hostile.ON_DISK.values()):
        own = folder / f"disk-{number}"
        own.mkdir()
        wanted[place(own, good)] = rule
    found = checked(list(wanted))
    right = sum(wanted[path] in rules(one.row.findings, "error") for path, one in found.items())
    names = dict(zip(wanted, (*hostile.CASES, *hostile.ON_DISK), strict=True))
    for path, one in found.items():
        if wanted[path] not in rules(one.row.findings, "error"):
            print(f"  {names[path]}: {rules(one.row.findings, 'error')}")
    _tell(list(found.values()), f"{right} by the right rule")


def run_mutations(seeds: range, folder: Path, *, named_anew: bool) -> None:
    """Of what is accepted: where it was changed, and whether it claims anything that the true file does not."""
    result = few_cells(synthetic.result(0, 1))
    document, true = json.loads(dumps(result)), claims(result)
    paths = []
    for seed in seeds:
        paths.append(folder / f"mutation-{seed}.json")
        made = mutations.mutated(document, random.Random(seed))
        paths[-1].write_bytes(packed(resealed(made, result.id) if named_anew else made))
    found = checked(paths)
    kept = [path for path, one in found.items() if one.row.acceptable]
    forged = [path for path in kept if not claims(parse(path.read_bytes())) <= true]
    well_formed = [one for path, one in found.items() if _is_result(path)]
    told = sum("id-not-content" in rules(one.row.findings, "error") for one in well_formed)
    more = f"{len(well_formed)} well-formed, {told} of these by id-not-content"
    _tell(list(found.values()), f"{more}; {len(forged)} of the accepted claim other figures")
    for what, some in (("accepted", kept), ("claims other figures", forged)):
        places = Counter(place for path in some for place in _changed(document, json.loads(path.read_text()), ""))
        print(what, places.most_common(25))


def _is_result(path: Path) -> bool:
    """Whether it comes as far as the rules that ask about a result."""
    try:
        parse(path.read_bytes())
    except Refused:
        return False
    return True


def claims(result: Result) -> set[tuple[object, ...]]:
    """What the site would say of each cell: what ran on what, how it ended, joules and seconds a unit."""
    boards = (result.system.name, result.system.cpu, *(one.name for one in result.system.accelerators))
    said = set()
    for cell in result.cells:
        found = score(cell, "device")
        rate = None if found is None else round(found.units_per_s.median, 6)
        cost = None if found is None or found.joules_per_unit is None else f"{found.joules_per_unit.median:.9g}"
        said.add((*boards, cell.cell, cell.outcome, rate, cost, found and found.meter_class, cell.work))
    return said


def _changed(before: object, after: object, place: str) -> Iterator[str]:
    """Fields that differ; indices are left out."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from _changed(before.get(key), after.get(key), f"{place}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        yield from {one for pair in zip(before, after, strict=True) for one in _changed(*pair, place)}
    elif before != after or type(before) is not type(after):
        yield place


def _tell(ones: Sequence[Timed], more: str) -> None:
    found = Counter(rule for one in ones for rule in rules(one.row.findings, "error"))
    accepted, seconds = sum(one.row.acceptable for one in ones), [one.seconds for one in ones]
    print(
        f"{len(ones)} files: {accepted} accepted, {found['check-failed']} crashes, {found['file-fatal']} ended;", more
    )
    print(f"seconds: median {median(seconds):.3f}, most {max(seconds):.2f}; memory at most ", end="")
    print(f"{max(one.peak_bytes for one in ones) / MIB:.0f} MiB")
    print(found.most_common(12))


def findings_of(data: bytes) -> tuple[Finding, ...]:
    try:
        return check_data(data, TODAY)[1]
    except Refused as refused:
        return refused.findings


def run_corruptions(_: range, __: Path) -> None:
    results = [synthetic.result(index, 2) for index in range(MACHINES)]
    clean = [rules(examine(one, TODAY)) for one in results]
    told: dict[str, list[tuple[bool, bool, int]]] = defaultdict(list)
    for family, index, data in corruptions.all_of(results, 3, named_anew=True):
        findings = findings_of(data)
        errors = rules(findings, "error")
        told[family.name].append((bool(errors), bool(errors & family.rules), len(rules(findings) - clean[index])))
    print("| family | files | rejected | by the right rule | least number of rules |\n|---|---|---|---|---|")
    for family in corruptions.FAMILIES:
        rows = told[family.name]
        refused, right = sum(one for one, _, _ in rows), sum(one for _, one, _ in rows)
        least = min((count for one, _, count in rows if one), default=0)
        print(f"| {family.name} | {len(rows)} | {refused} | {right} | {least} |")
    every = [one for rows in told.values() for one in rows]
    print(f"| all | {len(every)} | {sum(one for one, _, _ in every)} | {sum(one for _, one, _ in every)} | |")
    naive = [data for family, _, data in corruptions.all_of(results, 3, named_anew=False) if not family.careful]
    seen = sum("id-not-content" in rules(findings_of(data), "error") for data in naive)
    print(f"under the id of the true file: {len(naive)}, of which {seen} by id-not-content too")


def run_valid(seeds: range, folder: Path) -> None:
    rows = check_all(synthetic.write(folder, len(seeds), 7) and [folder])
    print(f"{len(rows)} valid files: {sum(not row.acceptable for row in rows)} refused")
    for row in rows:
        if not row.acceptable:
            print(f"  {row.path.name}: {[(one.rule, one.pointer) for one in row.findings][:3]}")


def run_speed(seeds: range, folder: Path) -> None:
    """One file from a cold start, then many, by one process and by as many as there are cores."""
    count = len(seeds)
    paths = synthetic.write(folder, count, 7)
    largest = max(paths, key=lambda path: path.stat().st_size)
    cold = []
    for _ in range(5):
        begun_s = time.perf_counter()
        subprocess.run([sys.executable, "-m", "suite", "check", str(largest)], check=True, capture_output=True)
        cold.append(time.perf_counter() - begun_s)
    print(f"one file of {largest.stat().st_size / 1024:.0f} KiB, cold: {median(cold):.2f} s (most {max(cold):.2f} s)")
    size = sum(path.stat().st_size for path in paths)
    for processes in (1, None):
        limits = Limits(processes=processes, memory_bytes=LIMITS.memory_bytes, processor_s=LIMITS.processor_s)
        before_s, begun_s = _children_s(), time.perf_counter()
        check_all([folder], limits)
        wall_s, used_s = time.perf_counter() - begun_s, _children_s() - before_s
        print(f"{count} files of {size / count / 1024:.0f} KiB, {limits.count} processes: {wall_s:.1f} s, ", end="")
        print(f"{used_s:.1f} s of processor, {1000 * used_s / count:.0f} ms a file")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"memory: parent {process_peak_bytes() / MIB:.0f} MiB, largest child {peak / MIB:.0f} MiB")


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


RUNS: dict[str, tuple[Callable[[range, Path], None], int]] = {
    "hostile": (run_hostile, 0),
    "corruptions": (run_corruptions, 0),
    "mutations": (partial(run_mutations, named_anew=False), 10_000),
    "renamed": (partial(run_mutations, named_anew=True), 10_000),
    "valid": (run_valid, 1_000),
    "speed": (run_speed, 300),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=RUNS)
    parser.add_argument("--count", type=int)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    run, usual = RUNS[arguments.what]
    with tempfile.TemporaryDirectory() as name:
        run(range(arguments.first, arguments.first + (arguments.count or usual)), Path(name))


if __name__ == "__main__":
    main()
