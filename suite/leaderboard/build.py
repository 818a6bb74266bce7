"""Read the results, write the site."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suite.check import Checked, check_file, result_files
from suite.check.findings import error
from suite.leaderboard import details
from suite.leaderboard.boards import Board, boards, newest
from suite.leaderboard.content import Entry, Refused, Site, entry, raw_path
from suite.leaderboard.downloads import to_csv, to_json
from suite.leaderboard.frame import Row, rows_of, to_frame, to_rows
from suite.leaderboard.limits import limits
from suite.leaderboard.render import Pages
from suite.leaderboard.swap import replacing
from suite.leaderboard.tables import Table, of_results, table, top
from suite.leaderboard.words import CLASSES
from suite.record import Result

HEADLINE_LINES = 10
BOARD_LINES = 5
RESULTS_ON_SYSTEM = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build made, and the files it left out."""

    pages: int
    rows: int
    skipped: tuple[Checked, ...]


def build(results: Path, site: Path, out: Path) -> Built:
    """Pages of every acceptable file below `results`, with the templates and static files of `site`, into `out`.

    The same files give the same bytes. `out` is replaced in one step, and only if a site made here stands there:
    FileExistsError otherwise. NotADirectoryError when `results` or `site` is none; OSError where it cannot be written.
    """
    for folder in (results, site / "templates", site / "static"):
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "no such folder", str(folder))
    with replacing(out) as fresh:
        shutil.copytree(site / "static", fresh / "static")
        pages = Pages(site / "templates", fresh)
        found = _read(results, pages, fresh)
        frame = to_frame(found.rows)
        content = Site(
            entries=tuple(sorted(found.entries, key=_newest_first)), boards=boards(frame), refused=found.refused
        )
        _write_site(content, pages)
        _write_downloads(to_rows(frame), content.date, fresh)
    return Built(pages=pages.count, rows=len(frame), skipped=tuple(one.checked for one in found.refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    entries: tuple[Entry, ...]
    rows: tuple[Row, ...]
    refused: tuple[Refused, ...]


def _read(results: Path, pages: Pages, fresh: Path) -> _Found:
    """Every file in turn: its page is written and its rows are kept, so that one trace at a time is in memory."""
    entries: dict[str, Entry] = {}
    rows: list[Row] = []
    refused: list[Refused] = []
    for path in result_files(results):
        checked = check_file(path)
        if checked.result is not None and checked.result.id in entries:
            checked = _twice(checked, checked.result)
        if checked.result is None:
            refused.append(Refused(name=_name(path, results), checked=checked))
            continue
        entries[checked.result.id] = entry(checked.result)
        rows.extend(rows_of(checked.result))
        _write_result(checked, checked.result, pages, fresh)
    return _Found(entries=tuple(entries.values()), rows=tuple(rows), refused=tuple(refused))


def _twice(checked: Checked, result: Result) -> Checked:
    finding = error("id-twice", "/id", f"another file already holds result {result.id}", "Keep one of the two files.")
    return replace(checked, result=None, findings=(*checked.findings, finding))


def _name(path: Path, results: Path) -> str:
    """The file's name below the results folder; bytes that are no text are marked, not lost."""
    return os.fsencode(path.relative_to(results)).decode("utf-8", "replace")


def _newest_first(one: Entry) -> tuple[int, str]:
    return (-int(one.date.replace("-", "")), one.id)


def _write_result(checked: Checked, result: Result, pages: Pages, fresh: Path) -> None:
    shown = entry(result)
    raw = fresh / raw_path(result)
    raw.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(checked.path, raw)
    pages.write(
        shown.path,
        "result.html",
        date=None,
        entry=shown,
        result=result,
        cells=details.cells(result),
        limits=limits(result),
        meters=details.meters(result),
        overhead=details.overhead(result),
        warnings=details.warnings(checked),
    )


def _write_site(content: Site, pages: Pages) -> None:
    tables = [table(board) for board in content.boards]
    _write_index(content, tables, pages)
    for one in tables:
        pages.write(
            one.board.path, "board.html", date=content.date, table=one, siblings=_siblings(one.board, content.boards)
        )
    own = of_results(tables)
    for machine in content.machines:
        recent = [(one, own.get(one.id, [])) for one in machine.entries[:RESULTS_ON_SYSTEM]]
        pages.write(machine.path, "system.html", date=content.date, machine=machine, recent=recent)
    for name in ("boards", "systems", "excluded", "methodology", "data", "404"):
        pages.write(f"{name}.html", f"{name}.html", date=content.date, site=content)


def _siblings(board: Board, every: Sequence[Board]) -> list[Board]:
    """The same work within other boundaries, of other classes, in other versions."""
    return [
        other
        for other in every
        if other != board and (other.workload, other.mode, other.size) == (board.workload, board.mode, board.size)
    ]


def _write_index(content: Site, tables: Sequence[Table], pages: Pages) -> None:
    current = {board.path for board in newest(content.boards)}
    shown = [one for one in tables if one.board.boundary == "device" and one.board.path in current]
    headline = content.headline
    models = [one for one in shown if not one.board.is_calibration]
    groups = {name: [top(one, BOARD_LINES) for one in models if one.board.meter_class == name] for name in CLASSES}
    pages.write(
        "index.html",
        "index.html",
        date=content.date,
        site=content,
        headline=next((top(one, HEADLINE_LINES) for one in shown if one.board == headline), None),
        groups={name: found for name, found in groups.items() if found},
        calibration=[one for one in shown if one.board.is_calibration and one.board.may_rank],
        older=len(content.boards) - len(current),
    )


def _write_downloads(rows: Sequence[Row], date: str | None, fresh: Path) -> None:
    data = fresh / "data"
    data.mkdir(exist_ok=True)
    (data / "results.csv").write_text(to_csv(rows), encoding="utf-8", newline="")
    (data / "results.json").write_text(to_json(rows, date), encoding="utf-8", newline="\n")
