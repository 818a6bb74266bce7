"""Records lie singly until a build has read the last file, and from then on together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from suite.check.findings import error
from suite.leaderboard.cache import Cache, sha256
from suite.leaderboard.kept import Record, packed, unpacked
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.shelves import SHELVES, Shelves, keep
from suite.leaderboard.stretches import LENGTH, write_rows


def record(number: int, rows: Sequence[Row] = ()) -> Record:
    found = (error("json", "", f"number {number}", "none"),)
    return Record(sha256=sha256(str(number).encode()), day=None, findings=found, entry=None, rows=tuple(rows), files=())


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path, "code")


def names(cache: Cache, kind: str) -> set[str]:
    return {path.name for path in cache.folder.iterdir() if f".{kind}." in path.name}


def test_a_record_is_the_same_after_it_was_kept(make_row: Callable[..., Row]) -> None:
    one = record(1, [make_row(joules_per_unit=None), make_row(units_per_s=1 / 3, reasons=("a", "b"))])
    assert unpacked(packed((one,))) == (one,)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff" * 40, packed((record(1),))[:-1], packed((record(1),)) + b"0"])
def test_what_is_no_record_is_none(data: bytes) -> None:
    with pytest.raises(ValueError):
        unpacked(data)


def test_single_records_are_found_and_put_together(cache: Cache, tmp_path: Path) -> None:
    made = [record(number) for number in range(3 * SHELVES)]
    for one in made:
        keep(cache, one)
    shelves = Shelves(Cache(tmp_path, "code"))
    assert [shelves.get(one.sha256) for one in made] == made
    shelves.save(made)
    assert not names(cache, "record")
    assert len(names(cache, "records")) <= SHELVES
    assert [Shelves(Cache(tmp_path, "code")).get(one.sha256) for one in made] == made


def test_one_new_record_writes_one_shelf_and_one_that_is_no_more_goes(cache: Cache, tmp_path: Path) -> None:
    made = [record(number) for number in range(3 * SHELVES)]
    Shelves(cache).save(made)
    before = names(cache, "records")
    keep(cache, record(-1))
    again = Shelves(Cache(tmp_path, "code"))
    again.save([*filter(None, (again.get(one.sha256) for one in (*made, record(-1))))])
    assert len(names(cache, "records") - before) == 1
    last = Shelves(Cache(tmp_path, "code"))
    last.save([one for one in (last.get(one.sha256) for one in made[1:]) if one])
    assert Shelves(Cache(tmp_path, "code")).get(made[0].sha256) is None
    assert Shelves(Cache(tmp_path, "code")).get(made[1].sha256) == made[1]


def test_a_single_record_is_newer_than_the_shelf(cache: Cache, tmp_path: Path) -> None:
    old = record(1)
    Shelves(cache).save([old])
    new = Record(sha256=old.sha256, day="2026-01-01", findings=(), entry=None, rows=(), files=())
    keep(cache, new)
    assert Shelves(Cache(tmp_path, "code")).get(old.sha256) == new


def test_a_new_result_writes_its_own_stretch_of_the_downloads(
    cache: Cache, tmp_path: Path, make_row: Callable[..., Row]
) -> None:
    made = [record(number, [make_row(cell=number + 1)]) for number in range(20 * LENGTH)]
    write_rows(made, None, cache, tmp_path)
    before = names(cache, "csv")
    assert len(before) > 10
    write_rows([record(-1, [make_row()]), *made], None, cache, tmp_path)
    assert len(names(cache, "csv") - before) == 1
    told, afresh = [(tmp_path / name).read_bytes() for name in ("results.csv", "results.json")], tmp_path / "afresh"
    write_rows([record(-1, [make_row()]), *made], None, Cache(afresh, "code"), afresh)
    assert told == [(afresh / name).read_bytes() for name in ("results.csv", "results.json")]
