"""Result files of earlier versions, brought to today's. Pure: bytes in, bytes out.

What an older version did not record stays unknown. Joules are never carried over by trust: they are computed again from
the ticks, and a file whose own joules those ticks do not give keeps what it states, for `check` to refuse.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from suite.energy import window_energy
from suite.trace import Meter, Ticks, Window

Document = dict[str, Any]

FIRST_TICK_WIDTH_S = 0.02
"""Version 1 read slow counters this often, and stamped a tick when it was first seen."""

EDGE_TOLERANCE = 0.02
"""Version 1 drew straight lines across the edges of windows: its joules differ from today's by at most two periods."""


class NotReadable(ValueError):
    """The document says it is of an earlier version, and is not."""


def upgrade(data: bytes) -> bytes:
    """The document in today's version, or as it stands where it does not say that it is older. NotReadable."""
    steps = next((later for prefix, later in _LATER.items() if data.startswith(prefix)), ())
    if not steps:
        return data
    try:
        document = json.loads(data)
        for step in steps:
            document = step(document)
        return json.dumps(document).encode()
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as problem:
        # A stranger's file may hold anything in any place: whatever breaks here, it is not what that version wrote.
        raise NotReadable(f"not a file of the version it states: {problem}") from problem


def _second(document: Document) -> Document:
    """Version 1 to 2."""
    fresh = {"resolution_uj": None, "scope": None, "tick_width_s": FIRST_TICK_WIDTH_S}
    meters = [_grown(meter, fresh) for meter in document["meters"]]
    overhead = document["overhead"]
    return document | {
        "schema_version": 2,
        "meters": meters,
        "idle": [_grown(idle, {"events": []}) for idle in document["idle"]],
        "cells": [
            cell | {"attempts": [_attempt(attempt, meters) for attempt in cell["attempts"]]}
            for cell in document["cells"]
        ],
        "overhead": None if overhead is None else _grown(overhead, {"throughput": None}),
    }


def _grown(document: Document, fresh: Document) -> Document:
    """With fields that its version did not have. One that has them all the same was not written by that version."""
    if later := sorted(document.keys() & fresh.keys()):
        raise ValueError(f"it has {', '.join(later)}, of a later version")
    return document | fresh


def _attempt(attempt: Document, meters: list[Document]) -> Document:
    known = [Meter(**meter) for meter in meters]
    ticks = [Ticks(one["meter"], tuple(one["at_ns"]), tuple(one["energy_uj"])) for one in attempt["ticks"]]
    energies = [
        [_energy(stated, known, ticks, Window(**window)) for stated in row]
        for window, row in zip(attempt["windows"], attempt["energies"], strict=True)
    ]
    return _grown(attempt, {"events": [], "conditions": []}) | {"energies": energies}


def _energy(stated: Document, meters: list[Meter], ticks: list[Ticks], window: Window) -> Document:
    computed = asdict(window_energy(meters, ticks, window, stated["boundary"]))
    both = computed["joules"], stated["joules"]
    if None in both or math.isclose(*both, rel_tol=EDGE_TOLERANCE):
        return computed
    return computed | {"joules": stated["joules"]}


def _third(document: Document) -> Document:
    """Version 2 to 3: nobody audited a step inside a window, and the batch was each size's own."""
    return document | {
        "schema_version": 3,
        "cells": [
            cell | {"attempts": [_grown(attempt, {"audits": [], "sweep": []}) for attempt in cell["attempts"]]}
            for cell in document["cells"]
        ],
    }


def _fourth(document: Document) -> Document:
    """Version 3 to 4: the id stays the one that the run made up, by which the file is known. Nobody hashed the code."""
    _grown(document["software"], {"code_sha256": None})
    return document | {"schema_version": 4}


_LATER = {
    b'{"schema_version":1,': (_second, _third, _fourth),
    b'{"schema_version":2,': (_third, _fourth),
    b'{"schema_version":3,': (_fourth,),
}
"""How a file of each earlier version begins, and what brings it to today's."""
