"""A result's page names the code that ran, and what a checkout knew of it is asked again when it may have changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.leaderboard import build
from suite.leaderboard.cache import Cache
from suite.leaderboard.reading import Reader
from suite.leaderboard.shelves import Shelves
from suite.record import Result

DIGEST = "0123456789abcdef" * 4
NOWHERE = "0" * 40
"""A commit that no repository has."""


@pytest.fixture
def result(synthetic: ModuleType) -> Result:
    (index,) = [number for number, machine in enumerate(synthetic.MACHINES) if machine.backend == "simulated"]
    made: Result = synthetic.result(index, 1)
    software = made.software.model_copy(update={"code_sha256": DIGEST, "commit": NOWHERE})
    sealed: Result = synthetic.sealed(made.model_copy(update={"software": software}))
    return sealed


@pytest.fixture
def source(result: Result, synthetic: ModuleType, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "one.json").write_bytes(synthetic.dumps(result))
    return folder


def test_the_page_names_the_code_by_its_first_digits_and_whole(
    result: Result, source: Path, site: Path, tmp_path: Path, parse: Callable[[Path], Any]
) -> None:
    build(source, site, tmp_path / "out")
    page = parse(tmp_path / "out" / "results" / f"{result.id}.html")
    assert DIGEST[:12] in page.text
    assert DIGEST not in page.text
    assert f"SHA-256 of its files: {DIGEST}" in [names.get("title") for tag, names in page.found if tag == "code"]


@pytest.mark.parametrize(("before", "holds"), [(None, True), ("f" * 64, False)])
def test_a_record_holds_as_long_as_the_checkout_says_the_same_of_the_commit(
    source: Path, site: Path, tmp_path: Path, before: str | None, holds: bool
) -> None:
    cache = Cache(tmp_path / "cache", "code")
    digest = Reader(tmp_path / "cache", "code", site / "templates")(source / "one.json")
    assert isinstance(digest, str)
    record = Shelves(cache).get(digest)
    assert record is not None
    assert record.origin == (NOWHERE, None)
    assert replace(record, origin=(NOWHERE, before)).holds(date.today()) is holds
