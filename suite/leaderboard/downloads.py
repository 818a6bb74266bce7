"""The rows as files for other programs: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pathlib import Path

from suite.leaderboard.ranking.frame import COLUMNS, Row

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""A spreadsheet takes text that starts so for a formula."""


def to_csv(rows: Iterable[Row]) -> str:
    """One line per row. Unknown is empty; text that a spreadsheet would run gets an apostrophe in front."""
    return f"{_HEADER}{csv_lines(rows)}"


def csv_lines(rows: Iterable[Row]) -> str:
    """`to_csv` without the line of names."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(_cell, _values(row)) for row in rows)
    return text.getvalue()


def write_csv(parts: Iterable[str], path: Path) -> None:
    """A file of what `csv_lines` gave for one result after the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(_HEADER)
        stream.writelines(parts)


_HEADER = f"{','.join(COLUMNS)}\n"
_values = attrgetter(*COLUMNS)


def _cell(value: object) -> object:
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, tuple) else value
    return defused(text) if isinstance(text, str) else text


def defused(text: str) -> str:
    """`text`, unable to start a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def to_json(rows: Iterable[Row], date: str | None) -> str:
    """The rows under their names, each on a line; unknown is null. `date` is the newest result's."""
    return "".join(_document([json_lines(rows)], date))


def json_lines(rows: Iterable[Row]) -> str:
    """The rows alone, with commas between them."""
    return ",\n".join(_encode(dict(zip(COLUMNS, _values(row), strict=True))) for row in rows)


def write_json(parts: Iterable[str], date: str | None, path: Path) -> None:
    """A file of what `json_lines` gave for one result after the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(_document(parts, date))


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _document(parts: Iterable[str], date: str | None) -> Iterator[str]:
    yield f'{{"format":"joulemark-rows","version":1,"date":{_encode(date)},"rows":['
    separator = "\n"
    for part in filter(None, parts):
        yield f"{separator}{part}"
        separator = ",\n"
    yield "\n]}\n"
