"""The commands. Thin: each asks another module for the work, and nothing heavy is imported before it is needed.

stdout is data, stderr is progress and complaints. Exit codes are those of suite.exits.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from suite import __version__, exits

STARTED_S = time.monotonic()
DEFAULT_BUDGET = "10m"

app = typer.Typer(
    name="joulemark",
    help="How much energy AI work costs on this machine, and why. Without a command: run, then build the site.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Budget = Annotated[str, typer.Option(help="How long the run may take: 90s, 10m, 1h. More time narrows the intervals.")]
Backend = Annotated[str | None, typer.Option(help="Hardware: cuda, tpu, cpu, simulated. Default: the first that runs.")]
Framework = Annotated[str | None, typer.Option(help="torch or jax. Default: both, where installed.")]
Workload = Annotated[str | None, typer.Option(help="gpt or resnet. Default: all.")]
Mode = Annotated[str | None, typer.Option(help="train or infer. Default: both.")]
Size = Annotated[str | None, typer.Option(help="xs (tests only), s, m. Default: s, the size every machine can run.")]
Precision = Annotated[str | None, typer.Option(help="fp32 or bf16. Default: the best the chip has.")]
Meter = Annotated[
    list[str] | None,
    typer.Option(help="A meter beside the backend's own, like shelly:HOST or csv:FILE (docs/meters.md). Repeatable."),
]
Results = Annotated[Path, typer.Option(help="Folder of result files.")]
Out = Annotated[Path | None, typer.Option(help="Where the site is built. Default: _build in the site folder.")]
Site = Annotated[
    Path | None, typer.Option(help="Folder with the site's templates. Default: site, here or in the checkout.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start over instead of continuing an unfinished run.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def fail(code: int, message: str) -> NoReturn:
    """End with one line on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def seconds(budget: str) -> float:
    """A budget in seconds; the command ends with code 2 when it is none."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", budget.strip())
    length_s = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]] if match else 0.0
    if not 10 <= length_s <= 48 * 3600:
        fail(exits.USAGE, f"No budget {budget!r}: write a number and s, m or h, like 90s, 10m or 1h (10s to 48h).")
    return length_s


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"joulemark {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    budget: Budget = DEFAULT_BUDGET,
    backend: Backend = None,
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
        wish = _wish(backend, framework, workload, mode, size, precision)
        code = _run(wish, budget, results, meter or [], fresh=fresh)
        if code != exits.INTERRUPTED:
            _site(results, site, out)
        raise typer.Exit(code)


@app.command()
def run(
    budget: Budget = DEFAULT_BUDGET,
    backend: Backend = None,
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
    wish = _wish(backend, framework, workload, mode, size, precision)
    raise typer.Exit(_run(wish, budget, results, meter or [], fresh=fresh))


@app.command()
def plan(
    budget: Budget = DEFAULT_BUDGET,
    backend: Backend = None,
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
    choice = _choose(_wish(backend, framework, workload, mode, size, precision), budget_s)
    made = make_plan(choice.cells, budget_s, 0.0, os.cpu_count() or 1)
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
def check(
    paths: Annotated[list[Path], typer.Argument(help="Result files, or folders of them.")],
    as_json: Json = False,
) -> None:
    """Check result files by the rules every submission meets; every joule is computed again."""
    from dataclasses import asdict

    from suite.check import check_file, result_files

    files = [file for path in paths for file in result_files(path)]
    if not files:
        fail(exits.USAGE, f"No result file in {', '.join(map(str, paths))}.")
    checked = [check_file(file) for file in files]
    if as_json:
        report = [
            {"path": str(one.path), "ok": one.acceptable, "findings": list(map(asdict, one.findings))}
            for one in checked
        ]
        typer.echo(json.dumps(report, indent=2))
    else:
        for one in checked:
            typer.echo(f"{'ok     ' if one.acceptable else 'REFUSED'} {one.path}")
            for found in one.findings:
                where = f" at {found.pointer}" if found.pointer else ""
                typer.echo(_printable(f"  {found.severity} {found.rule}{where}: {found.message}. {found.cure}"))
    if not all(one.acceptable for one in checked):
        raise typer.Exit(exits.CHECK_FAILED)


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A result file.")], as_json: Json = False) -> None:
    """Show one result: what each cell cost, how fast it was, and what the numbers are worth."""
    result = _read(file)
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        _print_summary(result)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="The result to compare with.")],
    second: Annotated[Path, typer.Argument(help="The result to compare.")],
) -> None:
    """Compare two results cell by cell; overlapping intervals are no difference."""
    from suite.report import comparison_table, console

    console().print(comparison_table(_read(first), _read(second)))


@app.command()
def site(results: Results = Path("results"), site: Site = None, out: Out = None) -> None:
    """Build the leaderboard from the results folder: plain files that open from disk."""
    _site(results, site, out)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="A result file of yours.")], results: Results = Path("results")
) -> None:
    """Check a result, show what would become public, and put it where a pull request takes it from."""
    from suite.submit import place, public_lines

    result = _read(file)
    typer.echo("\n".join(public_lines(result)))
    try:
        placed = place(result, file, results)
    except OSError as problem:
        fail(exits.CANNOT_WRITE, f"Cannot write to {results}: {problem.strerror}.")
    typer.echo(f"\nTo publish it, make a pull request with this one file:\n  git switch -c result-{result.id}")
    typer.echo(f"  git add {placed}\n  git commit -m 'Result: {result.system.slug} {result.date}'")
    typer.echo(f"  git push -u origin result-{result.id}")


@app.command()
def explain(
    code: Annotated[str | None, typer.Argument(help="A reason code. Default: all.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of docs/reasons.md.")] = False,
) -> None:
    """Explain a reason code: its cause, its cure, and what follows from it for the number."""
    from suite.reasons import POLICIES, REASONS, markdown

    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    if code is not None and code not in REASONS:
        fail(exits.USAGE, f"No reason code {code!r}: choose from {', '.join(REASONS)}.")
    for reason in [REASONS[code]] if code else REASONS.values():
        typer.echo(f"{reason.code}\n  cause:  {reason.cause}\n  cure:   {reason.cure}")
        typer.echo(f"  policy: {reason.policy}: {POLICIES[reason.policy]}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a result file."""
    from suite.record import schema as result_schema

    typer.echo(json.dumps(result_schema(), indent=2, ensure_ascii=False))


def _wish(
    backend: str | None,
    framework: str | None,
    workload: str | None,
    mode: str | None,
    size: str | None,
    precision: str | None,
) -> Any:
    from suite.choose import Wish

    return Wish(backend=backend, framework=framework, workload=workload, mode=mode, size=size, precision=precision)


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


def _site(results: Path, site: Path | None, out: Path | None) -> None:
    from suite.leaderboard import build
    from suite.machine import ROOT

    folder = site or next((path for path in (Path("site"), ROOT / "site") if (path / "templates").is_dir()), None)
    if folder is None or not (folder / "templates").is_dir():
        fail(exits.USAGE, "No site templates here: run in a checkout of Joulemark, or name its site folder by --site.")
    if not results.is_dir():
        fail(exits.USAGE, f"No folder {results} with results: run `python -m suite` first, or name one by --results.")
    target = out or folder / "_build"
    try:
        built = build(results, folder, target)
    except OSError as problem:
        fail(exits.CANNOT_WRITE, f"Cannot write the site to {target}: {problem.strerror or problem}.")
    for checked in built.skipped:
        first = checked.findings[0]
        typer.echo(_printable(f"skipped {checked.path}: {first.rule}: {first.message}"), err=True)
    typer.echo(f"Site: {built.pages} pages, {built.rows} rows: {(target / 'index.html').resolve()}", err=True)


def _read(file: Path) -> Any:
    from suite.check import check_file

    checked = check_file(file)
    if checked.result is None:
        first = checked.findings[0]
        fail(exits.CHECK_FAILED, _printable(f"{file} is no acceptable result: {first.rule}: {first.message}."))
    return checked.result


def _print_summary(result: Any) -> None:
    from suite.report import console, parts_table, reasons, summary_table
    from suite.units import percent

    console().print(summary_table(result))
    console().print(parts_table(result))
    if result.overhead is not None and result.overhead.throughput is not None:
        found = result.overhead.throughput
        typer.echo(f"Throughput with metering over without: {percent(found.ratio)} ({found.pairs} pairs of windows)")
    for code in reasons(result):
        typer.echo(f"{code}: python -m suite explain {code}")


def _printable(text: str) -> str:
    """Escape what would move the cursor or speak to a build log: the text comes from a stranger's file."""
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def main() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
