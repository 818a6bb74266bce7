"""What is there already is read and not checked: it gives what a check of it would, and cannot stop a judgement."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.check.batch import row_of
from suite.contribution.shares import FEW, Share, share_of, shares
from suite.leaderboard.ranking.frame import rows_of
from suite.record import Result, dumps

Document = dict[str, Any]


@pytest.fixture(scope="module")
def result(synthetic: ModuleType) -> Result:
    made: Result = synthetic.result(0, 1)
    return made


@pytest.fixture
def write(result: Result, tmp_path: Path) -> Callable[..., Path]:
    """The result as a file, changed."""

    def written(change: Callable[[Document], object] = lambda _: None, name: str = "a.json") -> Path:
        document = json.loads(dumps(result))
        change(document)
        (tmp_path / name).write_text(json.dumps(document))
        return tmp_path / name

    return written


def attempts(document: Document) -> list[Document]:
    return [attempt for cell in document["cells"] for attempt in cell["attempts"]]


def told(share: Share) -> tuple[object, ...]:
    row = share.row
    return row.path, row.id, row.journal, row.marks, row.costs


def test_a_result_gives_what_a_check_of_it_would(result: Result, write: Callable[..., Path]) -> None:
    path = write()
    found = share_of(path)
    assert found.row.acceptable
    assert told(found) == told(Share(row=row_of(path)))
    assert found.on_boards == tuple(rows_of(result))
    assert found.row.marks
    assert found.row.costs


def half_joules(document: Document) -> None:
    for attempt in attempts(document):
        for row in attempt["energies"]:
            for energy in row:
                energy["joules"] = (energy["joules"] or 0) / 2


def test_a_result_that_a_check_would_refuse_today_still_keeps_its_traces(write: Callable[..., Path]) -> None:
    assert not row_of(write(half_joules)).acceptable
    assert share_of(write(half_joules)).row.marks == share_of(write()).row.marks


def no_meters(document: Document) -> None:
    document["meters"] = []


def no_time(document: Document) -> None:
    for attempt in attempts(document):
        for window in attempt["windows"]:
            window["end_ns"] = window["start_ns"]


def of_no_version(document: Document) -> None:
    document["schema_version"] = 9


@pytest.mark.parametrize("change", [no_meters, no_time, of_no_version])
def test_of_what_nothing_can_be_made_nothing_takes_part(write: Callable[..., Path], change: Any) -> None:
    found = share_of(write(change))
    assert found == Share(row=found.row)
    assert [one.rule for one in found.row.findings] == ["schema"]
    assert (found.row.id, found.row.marks, found.row.costs) == (None, frozenset(), ())


def test_many_files_are_read_by_other_processes_to_the_same(write: Callable[..., Path]) -> None:
    paths = [write(name=f"{number:03}.json") for number in range(FEW + 1)]
    paths[7].write_text("{")
    found = shares(paths)
    assert [one.row.path for one in found] == paths
    assert [one.row.acceptable for one in found] == [number != 7 for number in range(FEW + 1)]
    assert found[:9] == shares(paths[:9])
