"""What a stranger sees first: who leads and with what, and how good each measurement is."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from suite.leaderboard import build


@pytest.fixture(scope="module")
def out(results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sight") / "out"
    build(results, site, folder)
    return folder


def first_table(page: Path) -> list[str]:
    """The rows of the page's first table of results."""
    (body, *_) = re.findall(r'<table class="board.*?<tbody>(.*?)</tbody>', page.read_text(encoding="utf-8"), re.DOTALL)
    return re.findall(r"<tr>.*?</tr>", body, re.DOTALL)


def text(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup))


def test_the_index_says_in_a_sentence_who_leads_and_with_what(out: Path) -> None:
    page = (out / "index.html").read_text(encoding="utf-8")
    (told,) = map(text, re.findall(r'<p class="leader">(.*?)</p>', page, re.DOTALL))
    (leads,) = re.findall(r'class="system".*?<bdi>(.*?)</bdi>', first_table(out / "index.html")[0], re.DOTALL)
    (energy,) = re.findall(r'class="num strong"[^>]*>(.*?)</td>', first_table(out / "index.html")[0])
    assert told.startswith(f"{leads} takes the least energy for training a language model of GPT-2's shape")
    assert f": {energy} mJ/token." in told


def test_a_site_that_ranks_nothing_names_no_leader(site: Path, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    build(tmp_path / "results", site, tmp_path / "out")
    assert 'class="leader"' not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["index.html", "systems/example-h100-server.html"])
def test_every_known_number_has_its_grade_and_what_limits_it(out: Path, name: str) -> None:
    rows = first_table(out / name)
    assert len(rows) >= (7 if name == "index.html" else 10)
    for row in rows:
        is_known = re.search(r'class="num strong"[^>]*data-value="[0-9]', row) is not None
        grade = re.search(r'<a class="grade [abcd]" href="[^"]*#grade" title="(.*?)">[ABCD]</a>', row)
        assert (grade is not None) == is_known, text(row)
        assert grade is None or grade[1].startswith(("limited by its ", "no aspect limits it"))
