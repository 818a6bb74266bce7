"""The commands. Thin: each asks another module for the work, and nothing heavy is imported before it is needed.

stdout is data, stderr is progress and complaints. Exit codes are those of suite.exits.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import select
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from suite import __version__, cli_interchange, cli_look, cli_results, cli_review, exits, terminal
from suite.check.text import printable
from suite.options import (
    DEFAULT_BUDGET,
    Backend,
    Base,
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
    Strict,
    Workload,
    fail,
    seconds,
    served_at,
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
    strict: Strict = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Run the benchmark within a budget, then build the site."""
    _version(wanted=version)
    if context.invoked_subcommand is not None:
        _refuse_before(context, context.invoked_subcommand)
    else:
        if site is not None or out is not None:
            _site_folders(results, site, out)  # told before ten minutes of work rather than after
        wish = _wish(backend, device, framework, workload, mode, size, precision)
        code = _run(wish, budget, results, meter or [], fresh=fresh, strict=strict)
        if code in exits.WROTE_A_RESULT:
            _site(results, site, out)
        raise typer.Exit(code)


def _refuse_before(context: typer.Context, command: str) -> None:
    """The command ends with code 2 where options stand before it: it would not see them."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if source is not None and source.name == "COMMANDLINE":
            name = option.opts[0]
            fail(exits.USAGE, f"{name} belongs behind the command: python -m suite {command} {name} ...")


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
    strict: Strict = False,
) -> None:
    """Run the benchmark within a budget and write one result file."""
    wish = _wish(backend, device, framework, workload, mode, size, precision)
    raise typer.Exit(_run(wish, budget, results, meter or [], fresh=fresh, strict=strict))


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
    from suite.plan import make_plan
    from suite.progress import plan_lines

    budget_s = seconds(budget)
    choice = _choose(_wish(backend, device, framework, workload, mode, size, precision), budget_s)
    made = make_plan(choice.cells, budget_s, 0.0, os.cpu_count() or 1, choice.calibration)
    if as_json:
        typer.echo(made.model_dump_json(indent=2))
    else:
        notes = [f"  {note}" for note in choice.notes]
        typer.echo("\n".join([f"{choice.device.name}: {choice.name} backend", *notes, *plan_lines(made)]))


@app.command()
def site(
    results: Results = Path("results"),
    site: Site = None,
    out: Out = None,
    keep_going: KeepGoing = False,
    base: Base = "",
) -> None:
    """Build the leaderboard from the results folder: plain files that open from disk. Refused files are left out.

    Ends with code 5 where files were refused, though the site is built; with --keep-going with 0.
    """
    served_at(base)
    refused = _site(results, site, out, base)
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


def _run(wish: Any, budget: str, results: Path, meters: list[str], *, fresh: bool, strict: bool) -> int:
    from suite.choose import Unknown, known_meters
    from suite.run import carry_out

    budget_s = seconds(budget)
    try:
        known_meters(meters)
    except Unknown as unknown:
        fail(exits.USAGE, str(unknown))
    choice = _choose(wish, budget_s)
    return carry_out(choice, budget_s, results, tuple(meters), fresh=fresh, strict=strict, started_s=STARTED_S)


def _site_folders(results: Path, site: Path | None, out: Path | None) -> tuple[Path, Path]:
    """Where the templates are and where the site goes; the command ends with code 2 where that cannot be."""
    from suite.code import ROOT

    folder = site or next((path for path in (Path("site"), ROOT / "site") if (path / "templates").is_dir()), None)
    if folder is None or not (folder / "templates").is_dir():
        fail(exits.USAGE, "No site templates here: run in a checkout of Joulemark, or name its site folder by --site.")
    target = out or folder / "_build"
    if target.resolve().is_relative_to(results.resolve()):
        fail(exits.USAGE, printable(f"{target} lies among the results, which are only ever added. Name another --out."))
    return folder, target


def _site(results: Path, site: Path | None, out: Path | None, base: str = "") -> int:
    """Build the site; how many files were refused."""
    from suite.leaderboard import build
    from suite.leaderboard.decisions import NoDecision
    from suite.units import counted

    folder, target = _site_folders(results, site, out)
    if not results.is_dir():
        fail(exits.USAGE, f"No folder {results} with results: run `python -m suite` first, or name one by --results.")
    try:
        built = build(results, folder, target, base=base)
    except NoDecision as problem:
        fail(exits.CHECK_FAILED, f"The log of decisions cannot be read: {problem}. Mend or remove that line.")
    except OSError as problem:
        if problem.filename and Path(problem.filename).is_relative_to(results):
            fail(
                exits.USAGE,
                printable(f"Cannot read {problem.filename}: {problem.strerror}. Give the right to read it."),
            )
        told = f"Cannot write the site to {target}: {_first_of(problem)}. Name another folder by --out."
        fail(exits.CANNOT_WRITE, told)
    for checked in built.skipped:
        first = checked.cause
        typer.echo(printable(f"skipped {checked.path}: {first.rule}: {first.message}"), err=True)
    found = f"{counted(built.pages, 'page')}, {counted(built.rows, 'row')} from {counted(built.files, 'file')}"
    kept = f"{built.cached} of them unchanged since an earlier build, {len(built.skipped)} refused"
    typer.echo(f"Site: {found}, {kept}.", err=True)
    typer.echo(f"Open {(target / 'index.html').resolve()}", err=True)
    return len(built.skipped)


app.registered_commands[2:2] = cli_look.app.registered_commands
app.registered_commands += cli_results.app.registered_commands
app.registered_commands += cli_review.app.registered_commands
app.registered_commands += cli_interchange.app.registered_commands


def _first_of(problem: OSError) -> str:
    """What the system says; of many files that could not be copied, what it says of the first."""
    if isinstance(problem, shutil.Error):
        return str(problem.args[0][0][-1]).partition("] ")[2].partition(":")[0]
    return problem.strerror or str(problem)


def main() -> None:
    """The console script."""
    terminal.prepare()
    atexit.register(gc.freeze)  # a last search for cycles takes 0.1 s, and what it would free is given back anyway
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
    except SystemExit as left:
        sys.exit(exits.CANNOT_WRITE if left.code == exits.BUG and _unread() else left.code)
    except PermissionError as problem:  # of a folder on the way to what was named
        sys.stderr.write(
            printable(f"No right to {problem.filename}: {problem.strerror}. Give it, or name another place.")
        )
        sys.stderr.write("\n")
        sys.exit(exits.USAGE)
    except OSError as problem:
        if problem.errno == errno.ENOSYS:
            sys.stderr.write(f"{problem.filename}: {problem.strerror}. Mount it, or give a right to write there.\n")
        elif problem.errno == errno.ENOSPC:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in its buffer cannot be written either
            sys.stderr.write("Cannot write: no space is left on the device. Make room there.\n")
        else:
            raise
        sys.exit(exits.CANNOT_WRITE)


def _unread() -> bool:
    """Whether standard output is a pipe that nobody reads any more, as behind `| head -1`."""
    watched = select.poll()
    watched.register(1, 0)
    return any(event & select.POLLERR for _, event in watched.poll(0))
