"""The downloads of rows, a stretch of results at a time: what did not change is joined already.

Where a stretch ends the results tell, and not how many they are: a new one changes its own stretch only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from suite.leaderboard.cache import Cache, key_of
from suite.leaderboard.downloads import csv_lines, json_lines, write_csv, write_json
from suite.leaderboard.kept import Record
from suite.leaderboard.ranking.frame import Row

LENGTH = 64
"""Results of a stretch, on the average."""


def write_rows(shown: Sequence[Record], date: str | None, cache: Cache, data: Path) -> None:
    """`results.csv` and `results.json` into the folder of data."""
    found = [(key_of([one.sha256 for one in stretch]), stretch) for stretch in _stretches(shown)]
    write_csv(_texts(found, csv_lines, "csv", cache), data / "results.csv")
    write_json(_texts(found, json_lines, "json", cache), date, data / "results.json")


def _texts(
    found: Iterable[tuple[str, Sequence[Record]]], lines: Callable[[Iterable[Row]], str], kind: str, cache: Cache
) -> Iterator[str]:
    for key, stretch in found:
        name = f"{key}.{kind}"
        known = cache.get(name)
        text = lines(row for one in stretch for row in one.rows) if known is None else known.decode()
        if known is None:
            cache.put(name, text.encode())
        yield text


def _stretches(shown: Iterable[Record]) -> Iterator[list[Record]]:
    stretch: list[Record] = []
    for one in shown:
        stretch.append(one)
        if int(one.sha256[:8], 16) % LENGTH == 0:
            yield stretch
            stretch = []
    if stretch:
        yield stretch
