"""Which version of the work leads, and where the older ones stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import workloads
from suite.leaderboard import build
from suite.leaderboard.content import Site
from suite.leaderboard.ranking.boards import boards_of, in_order
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.versions import newest

MakeRow = Callable[..., Row]


def test_an_older_version_of_a_workload_is_set_aside(make_row: MakeRow) -> None:
    made = boards_of(in_order([make_row(version=1), make_row(version=2), make_row(version=1, workload="bert")]))
    assert [(board.workload, board.version) for board in newest(made)] == [("bert", 1), ("gpt", 2)]


def test_a_version_that_this_checkout_no_longer_runs_does_not_count_though_nothing_newer_was_measured(
    make_row: MakeRow,
) -> None:
    older = boards_of([make_row(version=make_row().version - 1)])
    assert newest(older) == ()
    content = Site(entries=(), boards=older, refused=())
    assert content.headline is None
    assert content.older == older


def test_of_work_that_this_checkout_does_not_know_the_newest_measured_version_counts(make_row: MakeRow) -> None:
    made = boards_of(in_order([make_row(workload="theirs", version=3), make_row(workload="theirs", version=4)]))
    assert [board.version for board in newest(made)] == [4]


def test_boards_of_an_older_version_stand_apart_and_say_so(
    results: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = workloads.specs("gpt")["train"]
    monkeypatch.setitem(workloads.specs("gpt"), "train", replace(spec, version=spec.version + 1))
    build(results, site, tmp_path / "out")
    listed = (tmp_path / "out/boards.html").read_text(encoding="utf-8")
    current, _, older = listed.partition('id="older"')
    assert "boards/gpt/train/" in older
    assert "boards/gpt/train/" not in current
    assert "boards/gpt/train/" not in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    board = next((tmp_path / "out/boards/gpt/train/s").glob("*-measured-*.html"))
    assert f"Today's is version {spec.version + 1}, which has no row of this kind yet" in board.read_text(
        encoding="utf-8"
    )
