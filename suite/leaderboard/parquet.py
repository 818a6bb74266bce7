"""The rows as a Parquet file: typed columns, each with its unit and meaning in the file's own metadata.

Needs pyarrow (the extra `parquet`), which is imported only here and only when a file is made.
"""

from __future__ import annotations

import io
import types
import typing
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, get_args

from suite.leaderboard.ranking.frame import Row, to_frame

UNITS = {
    "joules_per_unit": "J/unit",
    "joules_low": "J/unit",
    "joules_high": "J/unit",
    "joules_calibration": "J/unit",
    "joules_range": "J/unit",
    "net_joules_per_unit": "J/unit",
    "net_low": "J/unit",
    "net_high": "J/unit",
    "floor_joules_per_unit": "J/unit",
    "units_per_s": "unit/s",
    "units_per_s_low": "unit/s",
    "units_per_s_high": "unit/s",
    "mean_power_w": "W",
    "joules_per_flop": "J/FLOP",
    "spread": "1",
    "mfu": "1",
    "mbu": "1",
    "floor_excess": "1",
    "floor_excess_low": "1",
    "floor_excess_high": "1",
}
"""Column -> unit of its numbers; "unit" is what the row's own column `unit` says: token, image and so on."""


def to_parquet(rows: Iterable[Row], date: str | None) -> bytes:
    """The rows in the order of `to_frame`; unknown is null. `date` is the newest result's.

    ImportError where pyarrow is not installed.
    """
    import pyarrow as pa
    from pyarrow import parquet

    told = {b"format": b"joulemark-rows", b"version": b"1", b"date": (date or "").encode()}
    schema = pa.schema([_field(pa, name, kind) for name, kind in _kinds().items()], metadata=told)
    table = pa.Table.from_pandas(to_frame(rows), schema=schema, preserve_index=False)
    stream = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata(told), stream, compression="zstd")
    return stream.getvalue()


def _kinds() -> dict[str, Any]:
    hints = typing.get_type_hints(Row)
    return {field.name: hints[field.name] for field in fields(Row)}


def _field(pa: Any, name: str, kind: Any) -> Any:
    """A column by the type of its field in `Row`; only what may be None is nullable."""
    parts = get_args(kind) if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union else (kind,)
    (plain,) = (part for part in parts if part is not type(None))
    known = {int: pa.int64(), float: pa.float64(), tuple: pa.list_(pa.string())}
    found = known.get(typing.get_origin(plain) or plain, pa.string())
    told = {b"unit": UNITS[name].encode()} if name in UNITS else None
    return pa.field(name, found, nullable=type(None) in parts, metadata=told)
