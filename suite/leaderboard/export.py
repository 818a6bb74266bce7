"""The rows of every acceptable result for other programs, as the site's downloads have them; and CodeCarbon's lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from suite.check.findings import Checked, Finding
from suite.check.provenance import signed
from suite.check.single import check_file
from suite.check.verdict import fatal
from suite.check.workers import Limits, Task, each
from suite.energy import MeterClass
from suite.folders import result_files
from suite.interchange.codecarbon import COLUMNS, Line, lines
from suite.leaderboard import decisions
from suite.leaderboard.downloads import defused
from suite.leaderboard.once import Once, newest_first
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.trace import Boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What CodeCarbon's lines depend on besides the files: one boundary, and g of CO2 equivalent per kWh if known."""

    boundary: Boundary
    grid_g_per_kwh: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one file gives to an export. `id` is None where the file is refused; `lines` are empty where unwished."""

    path: Path
    findings: tuple[Finding, ...]
    id: str | None = None
    journal: str | None = None
    date: str = ""
    rows: tuple[Row, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The shares of all results that take part, newest first, and the files that were refused.

    `date` is the newest result's, withdrawn ones too, as on the site.
    """

    shares: tuple[Share, ...]
    refused: tuple[Checked, ...]
    date: str | None

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for share in self.shares for row in share.rows)

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for share in self.shares for line in share.lines)


def read(results: Path, wish: Wish | None = None, limits: Limits | None = None) -> Exported:
    """Every file below `results` checked in a process of its own limits. NoDecision where the log cannot be read."""
    gone = decisions.withdrawn(decisions.read(results))
    paths = result_files(results)
    task = Task(work=partial(share_of, wish=wish), lost=_lost)
    found = dict(each(paths, task, limits or Limits()))
    accepted: list[Share] = []
    refused: list[Checked] = []
    once = Once()
    for path in paths:
        one = found[path]
        findings = one.findings
        if one.id is not None and one.journal is not None:
            twice = once.admit(one.id, one.journal)
            if twice is None:
                accepted.append(one)
                continue
            findings = (*findings, twice)
        refused.append(Checked(path, None, findings))
    shares = sorted(accepted, key=lambda one: newest_first(one.date, one.id or ""))
    return Exported(
        shares=tuple(one for one in shares if one.id not in gone),
        refused=tuple(refused),
        date=max((one.date for one in shares), default=None),
    )


def share_of(path: Path, wish: Wish | None) -> Share:
    """One file, here and now."""
    checked = check_file(path)
    findings = (*checked.findings, *signed(path))
    if checked.result is None or any(one.severity == "error" for one in findings):
        return Share(path=path, findings=tuple(one for one in findings if one.severity == "error"))
    result = checked.result
    made = () if wish is None else tuple(lines(result, wish.boundary, wish.grid_g_per_kwh))
    return Share(
        path=path,
        findings=findings,
        id=result.id,
        journal=result.journal_sha256,
        date=result.date,
        rows=tuple(rows_of(result)),
        lines=made,
    )


def of_classes(found: Exported, wanted: Collection[MeterClass]) -> Exported:
    """What is of the wanted classes."""
    return replace(found, shares=tuple(_narrowed(share, wanted) for share in found.shares))


def codecarbon_csv(found: Iterable[Line]) -> str:
    """The lines as CodeCarbon's file has them. Unknown is empty; text that a spreadsheet would run is defused."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(value) for value in line.values.values()] for line in found)
    return text.getvalue()


def _narrowed(share: Share, wanted: Collection[MeterClass]) -> Share:
    rows = tuple(row for row in share.rows if row.meter_class in wanted)
    return replace(share, rows=rows, lines=tuple(line for line in share.lines if line.meter_class in wanted))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return defused(value) if isinstance(value, str) else value


def _lost(path: Path) -> Share:
    return Share(path=path, findings=(fatal(),))
