"""What every command shares: its options, and how it ends with one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from suite import exits
from suite.check.text import printable

DEFAULT_BUDGET = "10m"

Budget = Annotated[str, typer.Option(help="How long the run may take: 90s, 10m, 1h. More time narrows the intervals.")]
Backend = Annotated[str | None, typer.Option(help="Hardware: cuda, tpu, cpu, simulated. Default: the first that runs.")]
Device = Annotated[int, typer.Option(help="Which of the backend's devices, as `doctor` lists them, from 0.", min=0)]
Framework = Annotated[str | None, typer.Option(help="torch or jax. Default: both, where installed.")]
Workload = Annotated[str | None, typer.Option(help="One of those that `list` names, like gpt. Default: all.")]
Mode = Annotated[str | None, typer.Option(help="train, or infer: all but training. Default: both.")]
Size = Annotated[
    str | None, typer.Option(help="xs (tests only), s, m or l. Default: s, the size every machine can run.")
]
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
Base = Annotated[
    str, typer.Option(help="Where the site is served, like /joulemark/: its 404 page then works at any address.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start over instead of continuing an unfinished run.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="End with code 6 where a cell's repeats or the machine's idling were unsteady.")
]
KeepGoing = Annotated[bool, typer.Option("--keep-going", help="End with code 0 although files were refused.")]
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


def served_at(base: str) -> None:
    """The command ends with code 2 when `base` is neither empty nor a path from / to /."""
    if not re.fullmatch(r"(/([\w.~-]+/)*)?", base, re.ASCII):
        fail(exits.USAGE, printable(f"No base {base!r}: give the path of the site's address, like /joulemark/."))


def one_file(path: Path) -> None:
    """The command ends with code 2 where there is no file, or a folder in its place."""
    if path.is_dir():
        fail(exits.USAGE, printable(f"{path} is a folder: name one result file in it."))
    if not path.exists():
        fail(exits.USAGE, printable(f"No file {path}: name a result file, like those below results."))
