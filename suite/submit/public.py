"""What a result file tells the world about its machine and its owner, for its owner to read first."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from suite.record import Result
from suite.units import duration, memory

SENTENCES = frozenset({"detail", "note", "notes", "reason"})
"""Fields with messages of programs, in which anything can stand."""

MOST_SENTENCES = 20
"""More are counted."""

NOBODY = frozenset({"root", "localhost", "/root", "/", "user"})
"""Names that tell nobody from anybody else."""

_PATTERNS = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    "a network address": re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", re.IGNORECASE),
    "a home folder": re.compile(r"/(?:home|Users)/[^/\s]+"),
    "a serial number": re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE),
}

Texts = Iterator[tuple[str, str, str]]


def public_lines(result: Result, here: Mapping[str, str]) -> list[str]:
    """All that can tell this machine or its owner from others. `here`: what a name is -> the name, to be looked for."""
    texts = list(_texts(result.model_dump(mode="json"), "", ""))
    facts = {**_machine(result), **_software(result), **_run(result)}
    sentences = list(dict.fromkeys(text for _, field, text in texts if field in SENTENCES))
    more = len(sentences) - MOST_SENTENCES
    return [
        "This will be public:",
        *(f"  {name:<12} {told}" for name, told in facts.items() if told),
        *(f"  says         {sentence}" for sentence in sentences[:MOST_SENTENCES]),
        *([f"  says         {more} sentences more: python -m suite show --json FILE"] if more > 0 else []),
        *_verdict(texts, here),
    ]


def names_here() -> dict[str, str]:
    """What this user, this host and the home folder are called; what has no name here is left out."""
    found = {"the name of this host": socket.gethostname()}
    with suppress(KeyError, OSError):  # a user without a name is not in the file either
        found["your user name"] = getpass.getuser()
    with suppress(RuntimeError):  # likewise without a home
        found["your home folder"] = str(Path.home())
    return found


def _machine(result: Result) -> dict[str, str]:
    system = result.system
    cores = f"{system.physical_cores or 'unknown'} cores, {system.logical_cores} threads"
    virtual = "" if system.virtual is None else "; virtual" if system.virtual else "; not virtual"
    governor = f"; governor {system.governor}" if system.governor else ""
    boards = (f"{one.name}, {memory(one.memory_bytes)}" for one in system.accelerators)
    return {
        "machine": f"{system.name}; {system.cpu}, {cores}; {memory(system.memory_bytes)} memory{governor}{virtual}",
        "accelerators": "; ".join(boards),
    }


def _software(result: Result) -> dict[str, str]:
    software = result.software
    commit = f"commit {software.commit or 'unknown'}{', modified' if software.modified else ''}"
    code = f", code {software.code_sha256[:12]}" if software.code_sha256 else ""
    parts = [f"joulemark {software.joulemark}, {commit}{code}", software.system, f"Python {software.python}"]
    return {
        "software": "; ".join([*parts, *_versions(software.packages)]),
        "drivers": "; ".join(_versions(software.drivers)),
    }


def _versions(named: Mapping[str, str]) -> Iterator[str]:
    return (f"{name} {version}" for name, version in named.items())


def _run(result: Result) -> dict[str, str]:
    budget = duration(result.plan.budget_s)
    return {
        "meters": "; ".join(f"{meter.domain} by {meter.source}" for meter in result.meters),
        "no meter": "; ".join(missing.code for missing in result.missing_meters),
        "run": f"{len(result.cells)} cells on {result.date} by {result.backend}, in a budget of {budget}",
        "traces": "power, clocks and temperatures over the time of the run, not the time of day",
    }


def _verdict(texts: list[tuple[str, str, str]], here: Mapping[str, str]) -> Iterator[str]:
    found = sorted({(what, pointer) for pointer, field, text in texts for what in _private(field, text, here)})
    if found:
        yield "Look at this before you publish it:"
        yield from (f"  {what} at {pointer}" for what, pointer in found)
    else:
        yield f"Looked for {', '.join([*here, *_PATTERNS])}: none is in it."


def _private(field: str, text: str, here: Mapping[str, str]) -> Iterator[str]:
    for what, name in here.items():
        if name.lower() not in NOBODY and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE):
            yield what
    if field in SENTENCES or field == "source":  # elsewhere stand versions, which look like addresses
        yield from (what for what, pattern in _PATTERNS.items() if pattern.search(text))


def _texts(node: Any, pointer: str, field: str) -> Texts:
    """(pointer, the nearest field that holds it, text) of each string below `node`."""
    if isinstance(node, str):
        yield pointer, field, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _texts(value, f"{pointer}/{key}", key)
    elif isinstance(node, list) and not (node and isinstance(node[0], (int, float))):
        for index, value in enumerate(node):
            yield from _texts(value, f"{pointer}/{index}", field)
