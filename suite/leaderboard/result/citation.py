"""How to name a result, or one of its cells, elsewhere: a sentence and a BibTeX entry."""

from __future__ import annotations

from dataclasses import dataclass

from suite.leaderboard.result.details import CellView
from suite.record import Result

_BIBTEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        **{letter: f"\\{letter}" for letter in "%&#_$"},
    }
)
"""Braces have to balance even where a backslash stands before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Both name the suite's version, the date and the result's id."""

    sentence: str
    bibtex: str


def of_result(result: Result) -> Citation:
    return _citation(f"Energy of AI work on {result.system.name}", "", result, None)


def of_cell(result: Result, cell: CellView) -> Citation:
    """With the cell's figure, its interval, class and boundary, and the version of the workload."""
    title = f"Energy of {work(cell)} (version {cell.result.cell.version}) on {result.system.name}"
    return _citation(title, f"{figure(cell)}, {configuration(cell)}", result, cell.number)


def work(cell: CellView) -> str:
    ran = cell.result.cell
    return f"{ran.workload} {ran.mode}, size {ran.size}"


def configuration(cell: CellView) -> str:
    ran = cell.result.cell
    return f"{ran.framework}, {ran.technique}, {ran.precision}, batch {ran.batch}"


def figure(cell: CellView) -> str:
    """The number that stands for the cell, with all that a reader has to know of it."""
    cost = cell.main_cost
    if cost is None:
        return f"no number ({cell.result.outcome})"
    if cost.energy is None:
        return "energy unknown"
    interval = "no interval" if cost.interval is None else f"95 % interval {cost.interval}"
    told = f"range {cost.interval}" if cost.meter_class == "estimated" and cost.interval is not None else interval
    return f"{cost.energy} {cost.energy_unit} ({told}, {cost.meter_class}, {cost.boundary} boundary)"


def _citation(title: str, note: str, result: Result, number: int | None) -> Citation:
    cell = "" if number is None else f", cell {number}"
    source = f"Joulemark {result.software.joulemark}, result {result.id}{cell}, {result.date}"
    return Citation(
        sentence=f"{title}{f': {note}' if note else ''}. {source}.",
        bibtex=_bibtex(
            f"joulemark-{result.id}{'' if number is None else f'-{number}'}", title, note, source, result.date
        ),
    )


def _bibtex(name: str, title: str, note: str, source: str, date: str) -> str:
    """Without an author: the file names none. `key` is what such an entry is sorted by."""
    year, month, _ = date.split("-")
    fields = {"key": "Joulemark", "title": f"{{{_escaped(title)}}}", "howpublished": _escaped(source)}
    fields |= {"year": year, "month": str(int(month))} | ({"note": _escaped(note)} if note else {})
    return "".join((f"@misc{{{name}", *(f",\n  {field} = {{{value}}}" for field, value in fields.items()), "\n}"))


def _escaped(text: str) -> str:
    return text.translate(_BIBTEX)
