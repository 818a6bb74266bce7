"""The command that submits a result. Thin: suite.submit does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suite import exits
from suite.check.text import printable
from suite.options import Results, fail, one_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suite.check.findings import Finding
    from suite.check.verdict import Row

Sign = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Sign it by ssh-keygen: a private key, or a public one in an agent."),
]
Commit = Annotated[bool, typer.Option("--commit", help="Make a branch with a commit of exactly these files.")]
Request = Annotated[bool, typer.Option("--pr", help="Commit, push to origin and open the pull request by gh.")]

MOST_STRANGE = 3
"""Findings told of another program's file; `check` tells all."""


def submit(
    file: Annotated[Path, typer.Argument(help="A result file of yours.")],
    results: Results = Path("results"),
    sign: Sign = None,
    commit: Commit = False,
    request: Request = False,
) -> None:
    """Check a result, show what would become public, and put it where a pull request takes it from.

    What stops it is one line, and nothing is half done. A signature proves authorship, not truth.
    """
    from suite.submit import Stopped
    from suite.submit.course import Wish, submit

    findings = _accepted(file, signing=sign is not None)
    wish = Wish(results=results, key=sign, commit=commit, request=request)
    try:
        submit(file, findings, wish, lambda told: typer.echo(_lines(told)))
    except Stopped as stopped:
        fail(stopped.code, printable(str(stopped)))


def _accepted(file: Path, *, signing: bool) -> tuple[Finding, ...]:
    """The warnings about a file that the check accepts; the command ends with code 5 where it does not.

    A bad signature does not matter where a new one takes its place.
    """
    from suite.check.batch import check_all
    from suite.folders import is_foreign

    one_file(file)
    if is_foreign(file):
        fail(exits.USAGE, printable(f"{file} is a foreign reference, no result: maintainers add those themselves."))
    (row,) = check_all([file])
    found = tuple(one for one in row.findings if not (signing and one.rule.startswith("signature-")))
    _tell(row, found)
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(exits.CHECK_FAILED)
    return found


def _tell(row: Row, found: Sequence[Finding]) -> None:
    """A line for each finding; of a file in which not even the schema holds, the first few."""
    from suite.check.report import text_line

    shown = found[:MOST_STRANGE] if all(one.rule == "schema" for one in found) else found
    for finding in shown:
        typer.echo(text_line(row, finding).strip(), err=True)
    if len(found) > len(shown):
        more = len(found) - len(shown)
        typer.echo(printable(f"{row.path}: {more} more; all of them: python -m suite check {row.path}"), err=True)


def _lines(told: str) -> str:
    """Printable, line by line: names and sentences come from the file."""
    return "\n".join(printable(line) for line in told.split("\n"))
