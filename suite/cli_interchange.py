"""The commands that trade figures with other programs. Thin, like suite.cli, which adds them."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suite import exits
from suite.check.text import printable
from suite.options import KeepGoing, Results, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suite.check.findings import Finding
    from suite.energy import MeterClass
    from suite.interchange.importing import Imported, Origin
    from suite.leaderboard.export import Exported

app = typer.Typer()


class Target(StrEnum):
    """What `export` writes."""

    csv = "csv"
    json = "json"
    parquet = "parquet"
    codecarbon = "codecarbon"


class Kind(StrEnum):
    """Where joules come from."""

    measured = "measured"
    rails = "rails"
    estimated = "estimated"
    simulated = "simulated"
    none = "none"


class Within(StrEnum):
    """A boundary of CodeCarbon's lines."""

    device = "device"
    machine = "machine"
    wall = "wall"


class Source(StrEnum):
    """Whose figures `import` reads."""

    ml_energy = "ml-energy"
    mlperf_power = "mlperf-power"


HARDWARE = [Kind.measured, Kind.rails]
"""Classes that a format without room for class and interval may hold without being asked."""

INSTALL = 'python -m pip install -c constraints.txt -e ".[parquet]"'

OPTIONS = {
    "/url": "Give the https address where the figures were published.",
    "/licence": 'Name the licence, like Apache-2.0, or "none stated".',
    "/retrieved": "Give a day like 2026-11-22.",
}
"""What is said of a source's files, by where it stands in a reference, and what would be right."""

DIRTIEST_G_PER_KWH = 10_000.0
"""Beyond any fuel."""


To = Annotated[Target, typer.Option(help="csv, json, parquet, or codecarbon: its emissions.csv.")]
Classes = Annotated[
    list[Kind] | None,
    typer.Option("--class", help="Repeatable. Default: all; for codecarbon measured and rails."),
]
Lines = Annotated[Within, typer.Option(help="Of codecarbon's lines; the other formats hold all.")]
Grid = Annotated[
    float | None, typer.Option("--grid-g-per-kwh", help="g of CO2 equivalent per kWh, for codecarbon's emissions.")
]
From = Annotated[Source, typer.Option("--from", help="ml-energy or mlperf-power.")]
Url = Annotated[str, typer.Option(help="Where they were published: an https address.")]
Licence = Annotated[str, typer.Option(help='Under which licence, like Apache-2.0, or "none stated".')]
Retrieved = Annotated[str | None, typer.Option(help="The day they were fetched, like 2026-11-22. Default: today.")]


@app.command()
def export(
    to: To,
    out: Annotated[Path, typer.Option(help="The file to write; one that stands there is replaced.")],
    results: Annotated[Path, typer.Argument(help="Folder of result files.")] = Path("results"),
    classes: Classes = None,
    boundary: Lines = Within.device,
    grid: Grid = None,
    keep_going: KeepGoing = False,
) -> None:
    """Write the rows of every acceptable result for another program, as the site's downloads have them.

    Ends with code 5 where files were refused, though the others are written; with --keep-going with 0.
    """
    if grid is not None and not 0 <= grid <= DIRTIEST_G_PER_KWH:
        fail(exits.USAGE, f"No grid emits {grid} g per kWh: name what yours does, like --grid-g-per-kwh 481.")
    if to is Target.parquet and find_spec("pyarrow") is None:
        fail(exits.USAGE, f"Parquet is written by pyarrow, which is not installed: {INSTALL}")
    if out.resolve().is_relative_to(results.resolve()):
        fail(exits.USAGE, printable(f"{out} lies among the results, which are only ever added. Name another place."))
    found = _read(results, to, boundary, grid)
    wanted = classes or (HARDWARE if to is Target.codecarbon else list(Kind))
    _write(found, to, [one.value for one in wanted], out)
    if found.refused and not keep_going:
        raise typer.Exit(exits.CHECK_FAILED)


def _read(results: Path, to: Target, boundary: Within, grid: float | None) -> Exported:
    from suite.leaderboard.decisions import NoDecision
    from suite.leaderboard.export import Wish, read

    if not results.is_dir():
        fail(exits.USAGE, printable(f"No folder {results} with results: run `python -m suite` first, or name another."))
    wish = Wish(boundary=boundary.value, grid_g_per_kwh=grid) if to is Target.codecarbon else None
    try:
        return read(results, wish)
    except NoDecision as problem:
        told = f"The log of decisions cannot be read: {problem}. Mend or remove that line."
        fail(exits.CHECK_FAILED, printable(told))


def _write(found: Exported, to: Target, wanted: list[MeterClass], out: Path) -> None:
    from suite.leaderboard.export import of_classes
    from suite.record import write_atomically
    from suite.units import counted

    kept = of_classes(found, wanted)
    data = _data(kept, to)
    try:
        write_atomically(out, data)
    except OSError as problem:
        fail(exits.CANNOT_WRITE, printable(f"Cannot write {out}: {problem.strerror}. Make room and rights there."))
    for checked in found.refused:
        first = checked.cause
        typer.echo(printable(f"skipped {checked.path}: {first.rule}: {first.message}"), err=True)
    count, left = _count(kept, to), _left_out(found, to, wanted)
    typer.echo(printable(f"Wrote {count} of {counted(len(found.shares), 'result')} to {out}.{left}"), err=True)


def _count(kept: Exported, to: Target) -> str:
    from suite.units import counted

    return counted(len(kept.lines), "line") if to is Target.codecarbon else counted(len(kept.rows), "row")


def _left_out(found: Exported, to: Target, wanted: list[MeterClass]) -> str:
    """How many of each class that was not wanted; nothing where all were."""
    all_of_them = found.lines if to is Target.codecarbon else found.rows
    left_out = Counter(one.meter_class for one in all_of_them if one.meter_class not in wanted)
    told = ", ".join(f"{number} {name}" for name, number in sorted(left_out.items()))
    return f" Left out by class: {told}; choose by --class." if told else ""


def _data(kept: Exported, to: Target) -> bytes:
    from suite.leaderboard.downloads import to_csv, to_json
    from suite.leaderboard.export import codecarbon_csv
    from suite.leaderboard.parquet import to_parquet

    if to is Target.codecarbon:
        return codecarbon_csv(kept.lines).encode()
    if to is Target.csv:
        return to_csv(kept.rows).encode()
    if to is Target.json:
        return to_json(kept.rows, kept.date).encode()
    return to_parquet(kept.rows, kept.date)


@app.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files of the source, as they were published.")],
    source: From,
    url: Url,
    licence: Licence,
    retrieved: Retrieved = None,
    results: Results = Path("results"),
) -> None:
    """Keep figures that others published as foreign references: shown apart with their source, never ranked.

    All files are read before one is written. Ends with code 5 where one is refused, and then nothing is written.
    """
    from datetime import UTC, datetime

    from suite.interchange.importing import Origin

    day = retrieved or datetime.now(UTC).date().isoformat()
    imported = _imported(files, Origin(source=source.value, url=url, retrieved=day, licence=licence))
    for file, one in imported.items():
        _keep(file, one, results)


def _imported(files: list[Path], origin: Origin) -> dict[Path, Imported]:
    from suite.check.files import Refused
    from suite.interchange.importing import read

    found = {}
    is_refused = False
    for file in files:
        try:
            found[file] = read(file, origin)
        except Refused as refused:
            is_refused = True
            _refuse_options(refused.findings)
            for one in refused.findings:
                where = f" at {one.pointer}" if one.pointer else ""
                typer.echo(printable(f"{file}: {one.rule}{where}: {one.message}. {one.cure}"), err=True)
    if is_refused:
        raise typer.Exit(exits.CHECK_FAILED)
    return found


def _refuse_options(findings: Sequence[Finding]) -> None:
    """What was said of the files and cannot stand in a reference is no fault of any file."""
    for one in findings:
        if one.pointer in OPTIONS:
            fail(exits.USAGE, printable(f"--{one.pointer[1:]}: {one.message}. {OPTIONS[one.pointer]}"))


def _keep(file: Path, imported: Imported, results: Path) -> None:
    from suite.folders import FOREIGN
    from suite.interchange.importing import standing
    from suite.record import write_atomically
    from suite.units import counted

    there = standing(imported.foreign, results)
    target = there or results / FOREIGN / imported.foreign.file_name
    try:
        if there is None:
            write_atomically(target, imported.data)
    except OSError as problem:
        fail(exits.CANNOT_WRITE, printable(f"Cannot write {target}: {problem.strerror}. Name a folder by --results."))
    typer.echo(printable(str(target)))
    figures, left_out = counted(len(imported.foreign.rows), "figure"), counted(imported.left_out, "record")
    told = f"{figures}; {left_out} without energy or power left out"
    is_new = "" if there is None else " It was here already."
    typer.echo(printable(f"{file}: {told}.{is_new} Foreign references are never ranked."), err=True)
