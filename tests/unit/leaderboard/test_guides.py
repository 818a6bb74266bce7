"""Pages that guide: the workloads in figures, how to submit, and what stands where in the method."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workloads
from suite.leaderboard import build
from suite.leaderboard.pages.work import SIZES, works
from suite.leaderboard.ranking.boards import boards_of
from suite.leaderboard.ranking.frame import Row

Parse = Callable[[Path], Any]


@pytest.fixture(scope="module")
def out(results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guides") / "out"
    build(results, site, folder)
    return folder


def test_every_mode_and_size_of_every_model_is_told_in_figures() -> None:
    told = {(work.name, piece.mode, piece.size) for work in works(()) for piece in work.pieces}
    models = [name for name in workloads.names() if name != "calib"]
    assert told == {(name, mode, size) for name in models for mode in workloads.specs(name) for size in SIZES}


def test_figures_are_those_of_the_specification() -> None:
    pieces = {(piece.mode, piece.size): piece for work in works(()) if work.name == "gpt" for piece in work.pieces}
    assert pieces["train", "m"].parameters == "124 M"
    assert pieces["train", "s"].flops == "86.1 MFLOP"
    assert (pieces["train", "s"].batch, pieces["decode", "s"].batch) == ("8", "1 to 128")
    assert pieces["train", "s"].band == "5.106 to 5.146"
    assert pieces["decode", "m"].band == "0.0001 to 0.02"


def test_modes_that_ask_for_the_same_quality_stand_together() -> None:
    (gpt,) = [work for work in works(()) if work.name == "gpt"]
    assert gpt.qualities == (("train", "excess loss, nats"), ("prefill, decode", "relative distance of the logits"))


def test_a_piece_leads_to_its_board_of_the_newest_version(make_row: Callable[..., Row]) -> None:
    made = boards_of(
        [make_row(version=version, meter_class=name) for version in (1, 2) for name in ("none", "measured")]
    )
    (gpt,) = [work for work in works(made) if work.name == "gpt"]
    leads = {(piece.mode, piece.size): piece.board for piece in gpt.pieces}
    assert leads["decode", "s"] is None
    first = leads["train", "s"]
    assert first is not None
    assert (first.version, first.meter_class) == (2, "measured")


def test_the_page_of_workloads_links_the_boards_and_is_linked_from_them(out: Path, parse: Parse) -> None:
    links = [told.get("href") for _, told in parse(out / "workloads.html").found]
    assert "boards/gpt/train/s/v2-device-measured-token.html" in links
    board = parse(out / "boards" / "gpt" / "train" / "s" / "v2-device-measured-token.html").found
    assert any(told.get("href") == "../../../../workloads.html#gpt" for _, told in board)


def test_submitting_is_told_step_by_step(out: Path, parse: Parse) -> None:
    told = " ".join(" ".join(parse(out / "submit.html").text).split())
    for command in ("doctor", "check FILE", "submit FILE --sign KEY --pr"):
        assert f"python -m suite {command}" in told
    assert "what becomes public" in told


@pytest.mark.parametrize("name", ["index.html", "boards.html", "404.html"])
def test_every_page_leads_to_both(out: Path, parse: Parse, name: str) -> None:
    links = {(told.get("href") or "").rpartition("/")[2] for _, told in parse(out / name).found}
    assert {"workloads.html", "submit.html"} <= links


def test_the_method_lists_all_its_parts_in_order(out: Path) -> None:
    text = (out / "methodology.html").read_text(encoding="utf-8")
    listed = re.findall(r'<li><a href="#(.*?)">(.*?)</a></li>', text.partition("</nav>")[2].partition("</nav>")[0])
    assert listed == re.findall(r'<h2 id="(.*?)">(.*?)</h2>', text)
