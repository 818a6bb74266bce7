"""The commands. Thin: each asks another module for the work, and nothing heavy is imported before it is needed.

stdout is data, stderr is progress and complaints. Exit codes are those of suite.exits.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from suite import __version__, cli_interchange, cli_results, cli_review, exits
from suite.options import (
    DEFAULT_BUDGET,
    Backend,
    Budget,
    Device,
    Framework,
    Fresh,
    Json,
    KeepGoing,
    Meter,
    Mode,
    Out,
    Precision,
    Results,
    Site,
    Size,
    Workload,
    fail,
    printable,
    seconds,
)

STARTED_S = time.monotonic()

app = typer.Typer(
    name="joulemark",
    help="How much energy AI work costs on this machine, and why. Without a command: run, then build the site.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"joulemark {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    budget: Budget = DEFAULT_BUDGET,
    backend: Backend = None,
    device: Device = 0,
    framework: Framework = None,
    workload: Workload = None,
    mode: Mode = None,
    size: Size = None,
    precision: Precision = None,
    meter: Meter = None,
    results: Results = Path("results"),
    site: Site = None,
    out: Out = None,
    fresh: Fresh = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Run the benchmark within a budget, then build the site."""
    _version(wanted=version)
    if context.invoked_subcommand is None:
        wish = _wish(backend, device, framework, workload, mode, size, precision)
        code = _run(wish, budget, results, meter or [], fresh=fresh)
        if code != exits.INTERRUPTED:
            _site(results, site, out)
        raise typer.Exit(code)


@app.command()
def run(
    budget: Budget = DEFAULT_BUDGET,
    backend: Backend = None,
    device: Device = 0,
    framework: Framework = None,
    workload: Workload = None,
    mode: Mode = None,
    size: Size = None,
    precision: Precision = None,
    meter: Meter = None,
    results: Results = Path("results"),
    fresh: Fresh = False,
) -> None:
    """Run the benchmark within a budget and write one result file."""
    wish = _wish(backend, device, framework, workload, mode, size, precision)
    raise typer.Exit(_run(wish, budget, results, meter or [], fresh=fresh))


@app.command()
def plan(
    budget: Budget = DEFAULT_BUDGET,
    backend: Backend = None,
    device: Device = 0,
    framework: Framework = None,
    workload: Workload = None,
    mode: Mode = None,
    size: Size = None,
    precision: Precision = None,
    as_json: Json = False,
) -> None:
    """Show what a run would do, and how long each part would take, without doing it."""
    import os

    from suite.plan import make_plan
    from suite.progress import plan_lines

    budget_s = seconds(budget)
    choice = _choose(_wish(backend, device, framework, workload, mode, size, precision), budget_s)
    made = make_plan(choice.cells, budget_s, 0.0, os.cpu_count() or 1, choice.calibration)
    if as_json:
        typer.echo(made.model_dump_json(indent=2))
    else:
        typer.echo("\n".join(plan_lines(made)))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what is here, which meters answer, and what is in the way, each with its cure."""
    from suite import doctor as doctors
    from suite.choose import INSTALL

    found = doctors.diagnoses()
    if as_json:
        typer.echo(json.dumps(doctors.as_json(found), indent=2))
    else:
        typer.echo(doctors.system_here().name)
        for one in found:
            typer.echo("\n".join(one.lines()))
        if not any(one.frameworks for one in found):
            typer.echo(f"Neither torch nor jax is installed. Install: {INSTALL}")
    if not any(one.runs for one in found if one.name != "simulated"):
        raise typer.Exit(exits.NOTHING_TO_RUN)


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the workloads, their modes and sizes, and the backends."""
    import backends
    import workloads

    specs = [spec for name in workloads.names() for spec in workloads.specs(name).values()]
    rows: list[dict[str, Any]] = [
        {
            "workload": spec.workload,
            "mode": spec.mode,
            "version": spec.version,
            "unit": spec.unit,
            "sizes": {name: spec.parameters(size) for name, size in spec.sizes.items()},
        }
        for spec in specs
    ]
    if as_json:
        typer.echo(json.dumps({"workloads": rows, "backends": list(backends.names())}, indent=2))
        return
    for row in rows:
        sizes = ", ".join(f"{name} ({count:,} parameters)" for name, count in row["sizes"].items())
        typer.echo(f"{row['workload']:<8} {row['mode']:<8} J/{row['unit']:<6} {sizes}")
    typer.echo(f"backends: {', '.join(backends.names())}")


@app.command()
def site(results: Results = Path("results"), site: Site = None, out: Out = None, keep_going: KeepGoing = False) -> None:
    """Build the leaderboard from the results folder: plain files that open from disk. Refused files are left out.

    Ends with code 5 where files were refused, though the site is built; with --keep-going with 0.
    """
    refused = _site(results, site, out)
    if refused and not keep_going:
        raise typer.Exit(exits.CHECK_FAILED)


def _wish(
    backend: str | None,
    device: int,
    framework: str | None,
    workload: str | None,
    mode: str | None,
    size: str | None,
    precision: str | None,
) -> Any:
    from suite.choose import Wish

    return Wish(
        backend=backend,
        device=device,
        framework=framework,
        workload=workload,
        mode=mode,
        size=size,
        precision=precision,
    )


def _choose(wish: Any, budget_s: float) -> Any:
    from suite.choose import NothingToRun, Unknown, choose

    try:
        return choose(wish, budget_s)
    except Unknown as unknown:
        fail(exits.USAGE, str(unknown))
    except NothingToRun as nothing:
        fail(exits.NOTHING_TO_RUN, str(nothing))


def _run(wish: Any, budget: str, results: Path, meters: list[str], *, fresh: bool) -> int:
    from suite.choose import Unknown, known_meters
    from suite.run import carry_out

    budget_s = seconds(budget)
    try:
        known_meters(meters)
    except Unknown as unknown:
        fail(exits.USAGE, str(unknown))
    choice = _choose(wish, budget_s)
    return carry_out(choice, budget_s, results, tuple(meters), fresh=fresh, started_s=STARTED_S)


def _site(results: Path, site: Path | None, out: Path | None) -> int:
    """Build the site; how many files were refused."""
    from suite.leaderboard import build
    from suite.leaderboard.decisions import NoDecision
    from suite.machine import ROOT
    from suite.units import counted

    folder = site or next((path for path in (Path("site"), ROOT / "site") if (path / "templates").is_dir()), None)
    if folder is None or not (folder / "templates").is_dir():
        fail(exits.USAGE, "No site templates here: run in a checkout of Joulemark, or name its site folder by --site.")
    if not results.is_dir():
        fail(exits.USAGE, f"No folder {results} with results: run `python -m suite` first, or name one by --results.")
    target = out or folder / "_build"
    try:
        built = build(results, folder, target)
    except NoDecision as problem:
        fail(exits.CHECK_FAILED, f"The log of decisions cannot be read: {problem}. Mend or remove that line.")
    except OSError as problem:
        fail(exits.CANNOT_WRITE, f"Cannot write the site to {target}: {problem.strerror or problem}.")
    for checked in built.skipped:
        first = checked.findings[0]
        typer.echo(printable(f"skipped {checked.path}: {first.rule}: {first.message}"), err=True)
    found = f"{counted(built.pages, 'page')}, {counted(built.rows, 'row')} from {counted(built.files, 'file')}"
    kept = f"{built.cached} of them unchanged since an earlier build, {len(built.skipped)} refused"
    typer.echo(f"Site: {found}, {kept}.", err=True)
    typer.echo(f"Open {(target / 'index.html').resolve()}", err=True)
    return len(built.skipped)


app.registered_commands += cli_results.app.registered_commands
app.registered_commands += cli_review.app.registered_commands
app.registered_commands += cli_interchange.app.registered_commands


def main() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
