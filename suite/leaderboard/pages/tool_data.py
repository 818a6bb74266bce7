"""The data that the tools' scripts work on, as classic scripts: pages opened from disk can load nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.leaders import configuration
from suite.record import Result
from suite.units import rate

DIGITS = 5
"""Significant digits of the scripts' numbers: more than any interval supports."""

Shown = Sequence[tuple[Board, Sequence[Row]]]
"""Boards and those of their rows that the tools choose from."""


def current(board: Board) -> list[Row]:
    """The ranked rows: of each system and configuration the newest one."""
    ranked = [placed.row for placed in board.placed if placed.band is not None]
    latest = {configuration(row): row for row in sorted(ranked, key=lambda row: (row.date, row.result, row.cell))}
    return sorted(latest.values(), key=lambda row: (row.joules_per_unit or 0.0, row.result, row.cell))


class Words:
    """Text that many rows share, each kept once."""

    def __init__(self) -> None:
        self.all: dict[object, int] = {}

    def number(self, word: object) -> int:
        return self.all.setdefault(word, len(self.all))


def rows_script(shown: Shown, date: str | None, withdrawn: Sequence[str] = ()) -> str:
    """A classic script that sets the frozen global `joulemark`: boards, systems, configurations and rows by number.

    A row is [board, system, configuration, result, cell, J/unit, its low, its high, units/s, J/FLOP or null].
    """
    systems, configurations = Words(), Words()
    boards: list[dict[str, object]] = []
    rows: list[list[object]] = []
    for number, (board, own) in enumerate(shown):
        boards.append(
            {
                "workload": board.workload, "mode": board.mode, "size": board.size, "unit": board.unit,
                "class": board.meter_class, "version": board.version, "path": board.path,
            }
        )  # fmt: skip
        rows.extend(_numbers(number, row, systems, configurations) for row in own)
    data = {
        "date": date, "boards": boards, "systems": list(systems.all), "configurations": list(configurations.all),
        "rows": rows, "withdrawn": withdrawn,
    }  # fmt: skip
    return f'"use strict";\nglobalThis.joulemark = Object.freeze({as_json(data)});\n'


def _numbers(board: int, row: Row, systems: Words, configurations: Words) -> list[object]:
    system = systems.number((row.system, row.system_name))
    words = configurations.number(described(row))
    figures = (row.joules_per_unit, row.joules_low, row.joules_high, row.units_per_s, row.joules_per_flop)
    return [board, system, words, row.result, row.cell, *map(_short, figures)]


def described(row: Row) -> str:
    """A row's configuration in one line, as boards print it."""
    framework = f"{row.framework} {row.framework_version}" if row.framework_version else row.framework
    return f"{framework} · {row.technique} · {row.precision} · batch {row.batch}"


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def as_json(data: object) -> str:
    """ASCII, so that no text can end the line or the script it stands in."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii", newline="\n")


def result_script(result: Result, rows: Iterable[Row]) -> str:
    """One result's rows within every boundary, as a classic script that `compare.html` loads by name."""
    system, software = result.system, result.software
    data = {
        "system": system.name, "slug": system.slug, "date": result.date,
        "machine": {
            "CPU": system.cpu, "Accelerators": ", ".join(one.name for one in system.accelerators) or None,
            "Governor": system.governor, "Joulemark": software.joulemark, "Python": software.python,
            "Operating system": software.system,
            **{f"Driver {name}": version for name, version in sorted(software.drivers.items())},
        },
        "rows": [_row(row) for row in rows],
    }  # fmt: skip
    return f'"use strict";\n(globalThis.joulemarkResults ??= {{}})["{result.id}"] = Object.freeze({as_json(data)});\n'


def _row(row: Row) -> dict[str, object]:
    return {
        "cell": row.cell, "boundary": row.boundary, "class": row.meter_class, "workload": row.workload,
        "mode": row.mode, "size": row.size, "version": row.version, "unit": row.unit,
        "speed": rate(row.units_per_s, row.unit),
        "configuration": {
            "Backend": row.backend, "Framework": row.framework, "Framework version": row.framework_version,
            "Precision": row.precision, "Batch": row.batch, "Technique": row.technique, "Repeats": row.repeats,
        },
        "joules": [_short(row.joules_per_unit), _short(row.joules_low), _short(row.joules_high)],
        "rate": [_short(row.units_per_s), _short(row.units_per_s_low), _short(row.units_per_s_high)],
        "watts": _short(row.mean_power_w),
        "over": [_short(row.floor_excess), _short(row.floor_excess_low), _short(row.floor_excess_high)],
    }  # fmt: skip
