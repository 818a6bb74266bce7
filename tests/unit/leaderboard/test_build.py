"""From files to a whole site."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

import jinja2
import pytest

from suite.leaderboard import Built, build

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def built(results: Path, site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    """A site of a dozen results, a damaged file and a hidden one."""
    source = tmp_path_factory.mktemp("source") / "results"
    shutil.copytree(results, source)
    (source / "damaged.json").write_text("{")
    (source / ".hidden.json").write_text("{")
    out = tmp_path_factory.mktemp("site") / "out"
    return out, build(source, site, out)


def pages(out: Path) -> list[Path]:
    return sorted(out.rglob("*.html"))


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_every_result_system_and_board_has_a_page(built: tuple[Path, Built]) -> None:
    out, made = built
    assert made.pages == len(pages(out))
    assert len(list((out / "results").glob("*.html"))) == 12
    assert len(list((out / "systems").glob("*.html"))) == 10
    for board in ("v2-device-measured-token", "v2-device-estimated-token", "v2-machine-measured-token"):
        assert (out / "boards" / "gpt" / "train" / "s" / f"{board}.html").is_file()


def test_every_link_leads_to_a_file_and_a_place_in_it(built: tuple[Path, Built], parse: Callable[[Path], Any]) -> None:
    out, _ = built
    found = {page.resolve(): parse(page).found for page in pages(out)}
    places = {page: {attributes.get("id") for _, attributes in elements} for page, elements in found.items()}
    checked = 0
    for page, elements in found.items():
        for _, attributes in elements:
            for link in filter(None, (attributes.get("href"), attributes.get("src"))):
                parts = urlsplit(link)
                assert (parts.scheme, parts.netloc) == ("", ""), link
                target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
                assert target.is_file(), f"{page}: {link}"
                assert not parts.fragment or parts.fragment in places[target], f"{page}: {link}"
                checked += 1
    assert checked > 1000


def test_the_page_of_data_offers_every_file_of_data_for_download(
    built: tuple[Path, Built], parse: Callable[[Path], Any]
) -> None:
    out, _ = built
    found = [names for page in out.glob("data*.html") for tag, names in parse(page).found if tag == "a"]
    offered = {names.get("href") for names in found if "download" in names}
    assert offered == {path.relative_to(out).as_posix() for path in (out / "data").rglob("*") if path.is_file()}


def test_every_page_forbids_what_it_does_not_need(built: tuple[Path, Built], parse: Callable[[Path], Any]) -> None:
    out, _ = built
    for page in pages(out):
        metas = [attributes for tag, attributes in parse(page).found if tag == "meta"]
        (policy,) = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
        assert policy == (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'"
        )


def test_every_page_has_one_heading_a_title_and_no_place_twice(
    built: tuple[Path, Built], parse: Callable[[Path], Any]
) -> None:
    out, _ = built
    for page in pages(out):
        elements = parse(page).found
        tags = [tag for tag, _ in elements]
        places = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert tags.count("h1") == 1
        assert "title" in tags
        assert len(places) == len(set(places)), page


def test_every_table_has_a_caption_and_every_header_a_scope(
    built: tuple[Path, Built], parse: Callable[[Path], Any]
) -> None:
    out, _ = built
    for page in pages(out):
        elements = parse(page).found
        tags = [tag for tag, _ in elements]
        assert tags.count("table") == tags.count("caption")
        assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in elements if tag == "th")


def test_a_damaged_file_is_named_and_the_others_are_shown(
    built: tuple[Path, Built], parse: Callable[[Path], Any]
) -> None:
    out, made = built
    (skipped,) = made.skipped
    assert skipped.path.name == "damaged.json"
    for name in ("index.html", "excluded.html"):
        text = " ".join(parse(out / name).text)
        assert "damaged.json" in text
        assert "not JSON" in text
        assert "json" in text
    assert ".hidden.json" not in (out / "excluded.html").read_text()


def test_unknown_joules_are_a_dash_with_a_reason_and_never_zero(
    built: tuple[Path, Built], parse: Callable[[Path], Any]
) -> None:
    out, _ = built
    page = parse(out / "boards" / "gpt" / "train" / "s" / "v2-device-none-token.html")
    dashes = [attributes for tag, attributes in page.found if tag == "a" and attributes.get("class") == "unknown"]
    assert dashes
    assert all("No meter answers" in one["title"] for one in dashes)
    cells = [text.strip() for text in page.text if text.strip()]
    assert "—" in cells
    assert "0" not in cells
    assert "nan" not in " ".join(cells).lower().split()


def test_a_board_of_estimates_has_no_rank_and_says_so(built: tuple[Path, Built], parse: Callable[[Path], Any]) -> None:
    out, _ = built
    estimated = " ".join(parse(out / "boards/gpt/train/s/v2-device-estimated-token.html").text)
    measured = " ".join(parse(out / "boards/gpt/train/s/v2-device-measured-token.html").text)
    assert "Estimated, not measured" in estimated
    assert "Rank " not in estimated
    assert "Rank " in measured
    assert "virtual machine" not in measured


def test_the_index_opens_with_a_measured_board_on_which_most_systems_meet(
    built: tuple[Path, Built], parse: Callable[[Path], Any]
) -> None:
    out, _ = built
    links = [attributes.get("href") or "" for _, attributes in parse(out / "index.html").found]
    first = next(link for link in links if link.startswith("boards/"))
    assert first == "boards/gpt/train/s/v2-device-measured-token.html"


def test_the_index_counts_what_is_left_out(built: tuple[Path, Built], parse: Callable[[Path], Any]) -> None:
    out, _ = built
    text = " ".join(" ".join(parse(out / "index.html").text).split())
    for words in ("rows: estimated", "rows: simulated", "rows: energy unknown", "without a rank", "refused file"):
        assert words in text


def test_each_submitted_file_can_be_had_as_it_came(built: tuple[Path, Built], results: Path) -> None:
    out, _ = built
    for source in results.rglob("*.json"):
        assert (out / "data" / source.relative_to(results)).read_bytes() == source.read_bytes()


def test_the_downloads_hold_every_row(built: tuple[Path, Built]) -> None:
    out, made = built
    assert len(json.loads((out / "data" / "results.json").read_text())["rows"]) == made.rows
    assert len((out / "data" / "results.csv").read_text().splitlines()) == made.rows + 1


def test_the_same_files_give_the_same_bytes(results: Path, site: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    build(results, site, first)
    copied = tmp_path / "copied"
    for path in sorted(results.rglob("*.json"), reverse=True):  # another order on disk, other folders, other dates
        target = copied / f"moved-{path.parent.name[::-1]}" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.utime(target, (1, 1))
    build(copied, site, second)
    assert contents(first) == contents(second)


def test_a_result_that_comes_twice_is_shown_once_and_named(results: Path, site: Path, tmp_path: Path) -> None:
    original = sorted(results.rglob("*.json"))[0]
    for name in ("a.json", "b.json"):
        (tmp_path / "results").mkdir(exist_ok=True)
        shutil.copyfile(original, tmp_path / "results" / name)
    made = build(tmp_path / "results", site, tmp_path / "out")
    (skipped,) = made.skipped
    assert skipped.path.name == "b.json"
    assert [finding.rule for finding in skipped.findings] == ["id-twice"]


def test_of_two_files_of_one_run_the_first_is_shown_and_the_other_named(
    synthetic: ModuleType, site: Path, tmp_path: Path
) -> None:
    whole = synthetic.result(7, 1)
    part = synthetic.sealed(whole.model_copy(update={"cells": whole.cells[:1], "complete": False}))
    (tmp_path / "results").mkdir()
    for name, one in {"a.json": whole, "b.json": part}.items():
        (tmp_path / "results" / name).write_bytes(synthetic.dumps(one))
    for _ in ("read now", "from the cache"):
        (skipped,) = build(tmp_path / "results", site, tmp_path / "out").skipped
        assert skipped.path.name == "b.json"
        assert [one.rule for one in skipped.findings if one.severity == "error"] == ["journal-twice"]


def test_a_system_with_many_results_lists_them_all_and_shows_the_newest(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Callable[[Path], Any]
) -> None:
    (index,) = [number for number, machine in enumerate(synthetic.MACHINES) if machine.backend == "simulated"]
    made = [synthetic.result(index + turn * len(synthetic.MACHINES), 1) for turn in range(7)]
    (tmp_path / "results").mkdir()
    for result in made:
        (tmp_path / "results" / result.file_name).write_bytes(synthetic.dumps(result))
    build(tmp_path / "results", site, tmp_path / "out")
    page = parse(tmp_path / "out" / "systems" / f"{made[0].system.slug}.html")
    text = " ".join(page.text)
    assert all(result.id in text for result in made)
    shown = [attributes.get("aria-label", "") for _, attributes in page.found]
    newest = sorted(made, key=lambda result: result.date)[-5:]
    assert [label for label in shown if label.startswith("Rows of result")] == [
        f"Rows of result {result.id}" for result in reversed(newest)
    ]


def test_no_results_give_a_page_that_says_what_to_do(site: Path, tmp_path: Path, parse: Callable[[Path], Any]) -> None:
    (tmp_path / "results").mkdir()
    made = build(tmp_path / "results", site, tmp_path / "out")
    assert made.rows == 0
    text = " ".join(parse(tmp_path / "out" / "index.html").text)
    assert "No results yet" in text
    assert "python -m suite" in text


def test_estimates_alone_are_shown_without_a_rank(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Callable[[Path], Any]
) -> None:
    (index,) = [number for number, machine in enumerate(synthetic.MACHINES) if machine.virtual]
    result = synthetic.result(index, 1)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / result.file_name).write_bytes(synthetic.dumps(result))
    build(tmp_path / "results", site, tmp_path / "out")
    text = " ".join(parse(tmp_path / "out" / "index.html").text)
    assert "Nothing is ranked yet" in text
    assert "Estimated, not measured" in text
    assert "virtual machine, 4 cores" in text
    assert "Rank " not in text


def test_a_missing_folder_is_an_error_and_builds_nothing(site: Path, tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere"):
        build(tmp_path / "nowhere", site, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_building_a_site_needs_no_framework_and_no_backend() -> None:
    code = (
        "import sys, suite.leaderboard\n"
        "heavy = {'torch', 'jax', 'backends', 'suite.controller', 'suite.worker', 'suite.sampler'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert ended.stdout.strip() == ""


def test_python_looks_for_cycles_again_after_a_build_that_ended_early(
    results: Path, site: Path, tmp_path: Path
) -> None:
    shutil.copytree(site, tmp_path / "site", ignore=shutil.ignore_patterns("_build*", "._build*"))
    (tmp_path / "site" / "templates" / "404.html").write_text("{% nothing %}")
    with pytest.raises(jinja2.TemplateSyntaxError):
        build(results, tmp_path / "site", tmp_path / "out")
    assert gc.isenabled()
