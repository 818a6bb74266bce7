"""Which files in a folder of results are what: results, and beside them the foreign references."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

FOREIGN = "foreign"
"""The folder of foreign references, below that of the results."""

_PARTS = attrgetter("parts")
"""The order of paths; asking two paths which comes first takes three times as long as asking their parts."""

RESULT_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}\.json")
"""What the suite calls a result's file: its date and its id."""


def result_files(root: Path) -> list[Path]:
    """Every *.json below `root`, or `root` itself if it is a file, in a fixed order. OSError as `json_files`.

    Hidden names are not results, and neither are foreign references.
    """
    if not root.is_dir():
        return [root]
    return sorted((path for path in json_files(root) if not is_foreign(path)), key=_PARTS)


def is_foreign(path: Path) -> bool:
    """Whether a file by its place is a foreign reference. A machine may be named "foreign": its results are results."""
    return not RESULT_NAME.fullmatch(path.name) and path.absolute().parent.name == FOREIGN


def foreign_files(root: Path) -> list[Path]:
    """Every foreign reference below `root`, or `root` itself if it is one, in a fixed order; hidden names are none."""
    if not root.is_dir():
        return [root] if is_foreign(root) else []
    there = (folder / name for folder, names in _folders(root) if folder.absolute().name == FOREIGN for name in names)
    return sorted(filter(is_foreign, there))


def json_files(root: Path) -> Iterator[Path]:
    """Every *.json below a folder, in any order, and every link in place of a folder, which is refused like any link.

    Nothing hidden. OSError of a folder that cannot be read: what lies there would be missing without a word.
    """
    return (folder / name for folder, names in _folders(root) for name in names)


def _folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder with the names of the JSON files in it: a path is made once for all of its files."""
    for folder, inside, names in os.walk(root, onerror=_raise):
        inside[:] = [name for name in inside if not name.startswith(".")]
        linked = [name for name in inside if Path(folder, name).is_symlink()]
        found = [name for name in names if name.endswith(".json") and not name.startswith(".")]
        yield Path(folder), found + linked


def _raise(problem: OSError) -> None:
    raise problem
