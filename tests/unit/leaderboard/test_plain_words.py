"""What a reader who knows nothing yet is told: what the work is, why a number is missing, and one of a thing as one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import workloads
from suite.leaderboard import build
from suite.leaderboard.pages.tools import works
from suite.leaderboard.ranking.boards import boards_of
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.words import CLASSES

Parse = Callable[[Path], Any]
Make = Callable[..., Row]


@pytest.fixture(scope="module")
def out(results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a dozen results and one damaged file."""
    folder = tmp_path_factory.mktemp("words")
    shutil.copytree(results, folder / "results")
    (folder / "results" / "damaged.json").write_text("{", encoding="utf-8")
    assert len(build(folder / "results", site, folder / "out").skipped) == 1
    return folder / "out"


def words(page: Path, parse: Parse) -> str:
    return " ".join(" ".join(parse(page).text).split())


def test_a_board_says_what_its_work_is(out: Path, parse: Parse) -> None:
    (board,) = (out / "boards" / "gpt" / "train" / "s").glob("*-device-measured-token.html")
    assert "Training a language model of GPT-2's shape ." in words(board, parse)
    assert ("a", {"href": "../../../../workloads.html#gpt"}) in parse(board).found


def test_a_board_without_joules_does_not_begin_with_energy(out: Path, parse: Parse) -> None:
    (board,) = (out / "boards" / "gpt" / "train" / "s").glob("*-device-none-token.html")
    told = words(board, parse)
    assert CLASSES["none"][1] in told
    assert "Energy of the chips" not in told


def test_the_method_names_every_workload_with_its_modes(out: Path) -> None:
    text = (out / "methodology.html").read_text(encoding="utf-8")
    table = text.partition('<table id="workloads">')[2].partition("</table>")[0]
    rows = re.findall(r"<code>(\w+)</code>.*?<td class=\"note\">([^<]*)</td></tr>", table)
    told = {name: set(modes.split(", ")) for name, modes in rows}
    assert told == {name: set(workloads.specs(name)) for name in workloads.names()}


def test_one_of_a_thing_is_one_on_the_front_page(out: Path, parse: Parse) -> None:
    told = words(out / "index.html", parse)
    assert "1 refused file." in told
    assert not re.search(r"\b1 (cells|rows|files|boards|measured rows|refused files)\b", told)


def test_the_front_page_counts_the_ways_cells_ended_in_one_grammar(out: Path, parse: Parse) -> None:
    told = words(out / "index.html", parse)
    ways = re.search(r"that gave no number: ([^.]*)\.", told)
    assert ways
    known = ("outside the quality band", "out of memory", "crashed", "out of time", "not possible on the device")
    assert all(re.fullmatch(rf"\d+ ({'|'.join(known)})", one) for one in ways[1].split(", "))


def test_the_front_page_says_how_to_take_part(out: Path, parse: Parse) -> None:
    told = words(out / "index.html", parse)
    assert 'python -m pip install -c constraints.txt -e ".[torch,jax]" && python -m suite' in told
    assert "python -m suite submit FILE" in told


def test_a_failed_cell_says_at_its_top_why_there_is_no_number(out: Path, parse: Parse) -> None:
    failed = [
        page
        for page in out.glob("results/*/*.html")
        if 'class="outcome bad"' in page.read_text(encoding="utf-8").partition("<h2")[0]
    ]
    assert failed
    for page in failed:
        top = words(page, parse).partition("Trust")[0]
        assert re.search(r"No number: [^.]*[^.]\.(?!\.)", top), page


def test_the_page_for_what_is_not_there_blames_no_withdrawal(out: Path, parse: Parse) -> None:
    assert "keeps its page even when it is withdrawn" in words(out / "404.html", parse)


def test_the_page_for_what_is_not_there_leads_home_from_every_address(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Parse
) -> None:
    synthetic.write(tmp_path / "results", 1)
    build(tmp_path / "results", site, tmp_path / "out", base="/joulemark/")
    found = parse(tmp_path / "out" / "404.html").found
    inner = [told[key] for _, told in found for key in ("href", "src") if key in told and not told[key].startswith("#")]
    assert "/joulemark/static/site.css" in inner
    assert all(one.startswith("/joulemark/") or ":" in one for one in inner)


def test_a_class_that_is_not_ranked_is_listed_once(out: Path, parse: Parse) -> None:
    told = words(out / "scores.html", parse)
    assert CLASSES["estimated"][1] in told
    assert "Listed by name" not in told  # no estimated or simulated system here has a score


def test_a_mix_begins_with_what_most_machines_ran_and_folds_the_rest(
    out: Path, parse: Parse, make_row: Make, synthetic: ModuleType
) -> None:
    one = [make_row(workload="bert", unit="sequence", system=system) for system in "a"]
    three = [replace(make_row(), workload="resnet", unit="image", system=system) for system in "abc"]
    assert [work.key for work in works(boards_of([*one, *three]))] == ["resnet.train.s", "bert.train.s"]
    page = (out / "mix.html").read_text(encoding="utf-8")
    first, _, rest = page.partition('<details id="more">')
    assert first.count("data-work=") == 8
    assert rest.count("data-work=") == int(re.findall(r"<summary>(\d+) more", rest)[0])
