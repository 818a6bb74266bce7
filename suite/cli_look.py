"""The commands that say what is here and run nothing. Thin, like suite.cli, which adds them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from suite import exits
from suite.options import Json

app = typer.Typer()


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
    else:
        typer.echo("\n".join(_listed(rows)))
        typer.echo(f"backends: {', '.join(backends.names())}")


def _listed(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A line for each workload and mode. Calibration has no model, so no parameters either."""
    from suite.roofline import CALIB
    from suite.units import symbol

    cells = [
        (row["workload"], row["mode"], f"J/{symbol(row['unit'])}", *_sizes(row["sizes"], row["workload"] != CALIB))
        for row in rows
    ]
    heads = ("workload", "mode", "unit", *(f"{size}, parameters" for size in rows[0]["sizes"]))
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for line in (heads, *cells):
        words = [word.ljust(width) for word, width in zip(line[:3], widths, strict=False)]
        numbers = [word.rjust(width) for word, width in zip(line[3:], widths[3:], strict=True)]
        yield "  ".join([*words, *numbers])


def _sizes(parameters: dict[str, int], has_model: bool) -> list[str]:
    return [f"{count:,}" if has_model else "—" for count in parameters.values()]
