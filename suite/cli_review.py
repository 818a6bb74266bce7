"""The command that judges a pull request. Thin, like suite.cli, which adds it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from suite import exits
from suite.check.text import printable
from suite.cli_results import Format
from suite.options import fail

app = typer.Typer()


@app.command()
def review(
    base: Annotated[str, typer.Argument(help="The commit it is to be merged into, like origin/main.")],
    head: Annotated[str, typer.Argument(help="The pull request's own commit.")],
    repository: Annotated[Path, typer.Option(help="The git repository that has both.")] = Path(),
    form: Annotated[
        Format, typer.Option("--format", help="text, json, or github: annotations of a workflow run.")
    ] = Format.text,
    preview: Annotated[
        Path | None, typer.Option(help="Write here, in Markdown, where the results would stand.")
    ] = None,
) -> None:
    """Judge a pull request by what merging it would change: new results only, each of them acceptable.

    It is read as git objects and never checked out. Ends with code 5 where it is refused.
    """
    from suite.check.report import lines
    from suite.contribution.judge import judge
    from suite.contribution.repository import NoRepository, OldGit
    from suite.leaderboard.decisions import NoDecision
    from suite.record import write_atomically

    try:
        judged = judge(repository, base, head)
        if preview is not None and judged.preview:
            write_atomically(preview, judged.preview.encode())
    except NoRepository as problem:
        fail(exits.USAGE, printable(f"Cannot read the pull request: {problem}. Fetch both commits first."))
    except OldGit as problem:
        fail(exits.USAGE, printable(f"{problem} cannot tell what merging would make. Install git 2.38 or later."))
    except NoDecision as problem:
        fail(exits.CHECK_FAILED, printable(f"The base's log of decisions cannot be read: {problem}. Mend that line."))
    except OSError as problem:
        fail(exits.CANNOT_WRITE, f"Cannot write {problem.filename or preview}: {problem.strerror}. Make room there.")
    told = "\n".join(lines(judged.rows, form.value))
    if told:
        typer.echo(told)
    if not judged.acceptable:
        raise typer.Exit(exits.CHECK_FAILED)
    typer.echo("Acceptable." if judged.rows else "No result is touched.", err=True)
