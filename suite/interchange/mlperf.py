"""MLPerf Power summaries to foreign references. Pure.

Sources of the format: `summary_results.json` of github.com/mlcommons/inference_results_v5.1 at 965182b, and
`summary.csv` of the submission checker, from which it is made (mlcommons/inference, tools/submission). What the figures
are: in the scenarios Offline, Server and Interactive the mean power of the system in watts, in SingleStream and
MultiStream the energy of a query in millijoules. Both are of the whole system, by a power analyser at its supply.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from suite.foreign import ForeignRow, Unit
from suite.interchange.fields import Fields, Parsed, objects, odd, told

BOUNDARY = "the whole system, by a power analyser at its supply"

UNITS: dict[str, tuple[str, Unit, float]] = {
    "watts": ("mean power during the run", "W", 1.0),
    "millijoules": ("energy per query", "J/query", 1e-3),
    "millijoules/stream": ("energy per query", "J/query", 1e-3),
    "mj/query": ("energy per query", "J/query", 1e-3),
}
"""The source's unit -> what the figure is, our unit, and how many of these it is."""

_JSON_NAMES = {
    "SystemName": "System",
    "MlperfModel": "Model",
    "accelerator_model_name": "Accelerator",
    "accelerators_per_node": "a#",
    "number_of_nodes": "Nodes",
    "host_processor_model_name": "Processor",
    "framework": "Software",
    "SystemType": "Suite",
    "Division": "Category",
    "Organization": "Submitter",
    "Result": "Power_Result",
    "Units": "Power_Units",
}
"""A column of summary.csv -> the field of summary_results.json that holds the same."""

_SETTINGS = (
    ("Submitter", "by"),
    ("System", "system"),
    ("Processor", "processor"),
    ("Nodes", "nodes"),
    ("Category", "division"),
    ("Suite", "suite"),
    ("Software", "software"),
    ("weight_data_types", "weights"),
    ("version", "round"),
)


def parse(document: Any) -> Parsed:
    """A row for each record with power; the others are left out. Refused as suite.interchange.ml_energy.parse."""
    return _parsed(objects(document, ""))


def parse_csv(text: str) -> Parsed:
    """The same of summary.csv, where power has lines of its own. A line is counted from 0, below the names."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names, *lines = [line for line in reader if line]
    except (csv.Error, ValueError) as problem:
        raise odd("", f"no table of values with commas: {problem}") from problem
    if len(set(names)) != len(names):
        raise odd("", "a column stands twice")
    if not {"Scenario", "Units", "Result", "MlperfModel"} <= set(names):
        raise odd("", "no columns Scenario, Units, Result and MlperfModel")
    return _parsed([_line(names, line, number) for number, line in enumerate(lines)])


def _line(names: Sequence[str], values: Sequence[str], number: int) -> Fields:
    if len(names) != len(values):
        raise odd(f"/{number}", f"{len(values)} values under {len(names)} names")
    own = dict(zip(names, values, strict=True))
    given = {_JSON_NAMES.get(name, name): value for name, value in own.items() if name != "Model"}
    if str(given.get("Power_Units", "")).lower() not in UNITS:
        del given["Power_Result"]  # a line of performance
    return Fields(given, f"/{number}")


def _parsed(records: Sequence[Fields]) -> Parsed:
    powered = [fields for fields in records if "Power_Result" in fields]
    return Parsed(rows=tuple(map(_row, powered)), left_out=len(records) - len(powered))


def _row(fields: Fields) -> ForeignRow:
    unit = fields.name("Power_Units")
    if unit.lower() not in UNITS:
        raise fields.odd("Power_Units", f"{unit[:30]!r} is none of {', '.join(UNITS)}")
    quantity, ours, factor = UNITS[unit.lower()]
    accelerator = fields.maybe_name("Accelerator")
    return ForeignRow(
        work=f"{fields.name('Model')} {fields.name('Scenario')}",
        model=fields.name("Model"),
        accelerator=accelerator or fields.maybe_name("Processor"),
        count=_count(fields, "a#" if accelerator else "host_processors_per_node"),
        quantity=quantity,
        unit=ours,
        value=fields.positive("Power_Result") * factor,
        boundary=BOUNDARY,
        meter_class="foreign",
        notes=_notes(fields),
    )


def _count(fields: Fields, key: str) -> int | None:
    """Of all nodes; None where either number is unknown."""
    each, nodes = fields.count(key), fields.count("Nodes")
    return None if each is None or nodes is None else each * nodes


def _notes(fields: Fields) -> tuple[str, ...]:
    rate = fields.maybe_name("Performance_Result")
    unit = fields.maybe_name("Performance_Units")
    return (*told(fields, _SETTINGS), *((f"result {rate} {unit}",) if rate and unit else ()))
