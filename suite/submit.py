"""Putting a result where a pull request takes it from, after showing what becomes public."""

from __future__ import annotations

from pathlib import Path

from suite.record import Result, write_atomically


def public_lines(result: Result) -> list[str]:
    """What the file tells the world about the machine, for its owner to read first."""
    system, software = result.system, result.software
    drivers = ", ".join(f"{name} {version}" for name, version in software.drivers.items())
    return [
        "This will be public:",
        f"  machine   {system.name}; {system.cpu}; {system.memory_bytes / 2**30:.0f} GiB memory",
        f"  software  {software.system}; Python {software.python}; "
        + ", ".join(f"{name} {version}" for name, version in software.packages.items()),
        *([f"  drivers   {drivers}"] if drivers else []),
        f"  results   {len(result.cells)} cells with their power traces, made on {result.date}",
        "No user name, host name or serial number is in it.",
    ]


def place(result: Result, file: Path, results: Path) -> Path:
    """Copy the file to its place below `results`, if it is not there already; returns the place. OSError as usual."""
    target = results / result.system.slug / result.file_name
    if not (target.exists() and target.samefile(file)):
        write_atomically(target, file.read_bytes())
    return target
