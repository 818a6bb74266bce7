"""Foreign references: energy figures that others published, kept apart from results. Their file format.

They are of other work, within other boundaries, by other meters, and there is no trace to compute them from again. So
they are shown with their source and licence, and never ranked, scored or drawn beside a result.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from suite.identity import canonical
from suite.record import Count, Model, Name, Positive, Text

Source = Literal["ml-energy", "mlperf-power"]
SOURCES: tuple[Source, ...] = get_args(Source)

Unit = Literal["J/token", "J/request", "J/image", "J/video", "J/query", "W"]
"""Joules per unit of the source's own work, or the mean power while it was done."""

URL = r"^https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%/?&=+@#-]*)?$"

Url = Annotated[str, StringConstraints(max_length=300, pattern=URL)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$")]


class ForeignRow(Model):
    """One published figure. `value` is in `unit`; None is unknown.

    work         what was run, in the source's words
    accelerator  what it ran on, likewise; None where the source names none
    count        how many of these
    boundary     what the source counts, as far as it says
    """

    work: Name
    model: Name
    accelerator: Name | None
    count: Annotated[Count, Field(ge=1)] | None
    quantity: Name
    unit: Unit
    value: Positive
    boundary: Text
    meter_class: Literal["foreign"]
    notes: tuple[Text, ...]


class Foreign(Model):
    """One file of a source, as it was read on a day. `sha256` is that of the source's own bytes."""

    format: Literal["joulemark-foreign"]
    version: Literal[1]
    source: Source
    url: Url
    retrieved: Day
    licence: Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    rows: Annotated[tuple[ForeignRow, ...], Field(min_length=1, max_length=5_000)]

    @property
    def file_name(self) -> str:
        """Named by its content, like a result: the SHA-256 of its canonical form (RFC 8785)."""
        return f"{self.source}-{hashlib.sha256(canonical(self.model_dump(mode='json'))).hexdigest()[:12]}.json"


def dumps(foreign: Foreign) -> bytes:
    """The file's bytes: a row a line, for whoever looks at a difference."""
    document = foreign.model_dump(mode="json")
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in document.pop("rows"))
    head = json.dumps(document, ensure_ascii=False).removesuffix("}")
    return f'{head}, "rows": [\n{rows}\n]}}\n'.encode()


def loads(data: bytes) -> Foreign:
    """Strictly read such a file; pydantic.ValidationError (a ValueError) says where it is none."""
    return Foreign.model_validate_json(data)
