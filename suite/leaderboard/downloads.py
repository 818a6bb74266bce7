"""The rows as files for other programs: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from suite.leaderboard.frame import COLUMNS, Row

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""A spreadsheet takes text that starts so for a formula."""


def to_csv(rows: Iterable[Row]) -> str:
    """One line per row. Unknown is empty; text that a spreadsheet would run gets an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in COLUMNS])
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, tuple) else value
    return defused(text) if isinstance(text, str) else text


def defused(text: str) -> str:
    """`text`, unable to start a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def to_json(rows: Iterable[Row], date: str | None) -> str:
    """The rows under their names; unknown is null. `date` is the newest result's."""
    named = [{name: getattr(row, name) for name in COLUMNS} for row in rows]
    document = {"format": "joulemark-rows", "version": 1, "date": date, "rows": named}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
