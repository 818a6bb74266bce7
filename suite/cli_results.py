"""The commands that read result files, and those that explain them. Thin, like suite.cli, which adds them."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from suite import cli_submit, exits
from suite.check.text import printable
from suite.options import Json, fail, one_file

app = typer.Typer()


class Format(StrEnum):
    """How `check` prints what it found."""

    text = "text"
    json = "json"
    github = "github"


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Result files, or folders of them.")],
    as_json: Json = False,
    form: Annotated[
        Format, typer.Option("--format", help="text, json, or github: annotations of a workflow run.")
    ] = Format.text,
) -> None:
    """Check result files by the rules every submission meets; every joule is computed again.

    Each file is read by a process of limited memory and time. Ends with code 5 where one is refused.
    """
    from suite.check.batch import check_all
    from suite.check.report import lines

    rows = check_all(paths)
    if not rows:
        fail(exits.USAGE, f"No result file in {', '.join(map(str, paths))}.")
    typer.echo("\n".join(lines(rows, "json" if as_json else form.value)))
    if not all(row.acceptable for row in rows):
        raise typer.Exit(exits.CHECK_FAILED)


@app.command()
def show(file: Annotated[Path, typer.Argument(help="A result file.")], as_json: Json = False) -> None:
    """Show one result: what each cell cost, how fast it was, and what the numbers are worth."""
    result = _read(file)
    if as_json:
        typer.echo(json.dumps(_with_reasons(result), indent=2, ensure_ascii=False))
    else:
        _print_summary(result)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="The result to compare with.")],
    second: Annotated[Path, typer.Argument(help="The result to compare.")],
    same_meters: Annotated[
        bool,
        typer.Option(
            "--same-meters",
            help="The very same meters of one machine measured both: what they are off by drops out, and a cell that "
            "costs more in the second is a regression (code 7).",
        ),
    ] = False,
    tolerance: Annotated[
        float, typer.Option(help="The share by which a cell may cost more before it is a regression.", min=0.0)
    ] = 0.0,
    as_json: Json = False,
) -> None:
    """Compare two results cell by cell; those whose intervals overlap cannot be told apart."""
    from suite.compare import compare, costlier, other_meters, values
    from suite.report import comparison_table, console

    one, other = _read(first), _read(second)
    if same_meters and (why := other_meters(one, other)):
        fail(exits.USAGE, printable(f"Not of the same meters: {why}. Compare them without --same-meters."))
    found = compare(one, other, same_meters=same_meters)
    if as_json:
        typer.echo(json.dumps([values(each) for each in found], indent=2, ensure_ascii=False))
    else:
        console().print(comparison_table(one, other, found))
    if same_meters and all(each.energy is None for each in found):
        fail(exits.USAGE, "No cell of the two can be compared, so no regression can be told.")
    worse = costlier(found, tolerance) if same_meters else []
    for each in worse:
        typer.echo(f"Regression: {each.first.key} costs more than before.", err=True)
    if worse:
        raise typer.Exit(exits.REGRESSION)


app.command()(cli_submit.submit)


@app.command()
def explain(
    code: Annotated[str | None, typer.Argument(help="A reason code. Default: all.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of docs/reasons.md.")] = False,
) -> None:
    """Explain a reason code: its cause, its cure, and what follows from it for the number."""
    from difflib import get_close_matches

    from suite.reasons import POLICIES, REASONS, markdown

    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    wanted = code.lower().replace("-", "_") if code else ""
    if wanted and wanted not in REASONS:
        near = " or ".join(get_close_matches(wanted, REASONS, 3))
        meant = f" Did you mean {near}?" if near else ""
        fail(exits.USAGE, printable(f"No reason code {code!r}.{meant} Without a code, `explain` lists them all."))
    for reason in [REASONS[wanted]] if wanted else REASONS.values():
        typer.echo(f"{reason.code}\n  cause:  {reason.cause}\n  cure:   {reason.cure}")
        typer.echo(f"  policy: {reason.policy}: {POLICIES[reason.policy]}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a result file."""
    from suite.record import schema as result_schema

    typer.echo(json.dumps(result_schema(), indent=2, ensure_ascii=False))


def _read(file: Path) -> Any:
    from suite.check.single import check_file

    one_file(file)
    checked = check_file(file)
    if checked.result is None:
        first = checked.cause
        where = f" at {first.pointer}" if first.pointer else ""
        told = f"{file} is no acceptable result: {first.rule}{where}: {first.message}. {first.cure}"
        fail(exits.CHECK_FAILED, printable(told))
    return checked.result


def _with_reasons(result: Any) -> dict[str, Any]:
    """The file, and beside it what is computed from it: why each cell costs what it does."""
    from suite.energy import boundaries
    from suite.report import why_values

    why = [one for boundary in boundaries(result.meters) for one in why_values(result, boundary)]
    return {**result.model_dump(mode="json"), "why": why}


def _print_summary(result: Any) -> None:
    from suite.report import console, parts_table, reasons, summary_table, why_table
    from suite.units import percent

    console().print(summary_table(result))
    console().print(why_table(result))
    console().print(parts_table(result))
    if result.overhead is not None and result.overhead.throughput is not None:
        found = result.overhead.throughput
        typer.echo(f"Throughput with metering over without: {percent(found.ratio)} ({found.pairs} pairs of windows)")
    for code in reasons(result):
        typer.echo(f"{code}: python -m suite explain {code}")
