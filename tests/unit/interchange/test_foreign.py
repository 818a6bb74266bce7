"""Foreign references as files: their names, their rules, and that nothing takes them for results."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from suite.check.batch import check_all
from suite.check.foreign import check_foreign
from suite.check.single import check_file
from suite.contribution.changes import Change, verdict
from suite.folders import foreign_files, is_foreign, result_files
from suite.foreign import Foreign, dumps, loads
from suite.interchange.importing import Origin, read, standing

Write = Callable[[str, Any], Path]
TODAY = date(2026, 11, 22)


@pytest.fixture
def foreign(write: Write, ml_energy: dict[str, Any], origin: Callable[[Any], Origin]) -> Foreign:
    return read(write("source.json", ml_energy), origin("ml-energy")).foreign


@pytest.fixture
def results(tmp_path: Path, foreign: Foreign) -> Path:
    """A folder of results with one foreign reference in it."""
    folder = tmp_path / "results"
    (folder / "foreign").mkdir(parents=True)
    (folder / "foreign" / foreign.file_name).write_bytes(dumps(foreign))
    return folder


def rules_of(folder: Path, document: dict[str, Any], name: str | None = None) -> set[str]:
    """The rules that a document breaks under a name, or under its own where it has one."""
    path = folder / "foreign" / (name or "ml-energy-0.json")
    path.write_text(json.dumps(document), encoding="utf-8")
    return {finding.rule for finding in check_foreign(path, TODAY).findings}


def test_it_is_read_as_it_was_written(foreign: Foreign) -> None:
    assert loads(dumps(foreign)) == foreign


def test_it_is_named_by_its_content(foreign: Foreign) -> None:
    assert foreign.file_name.startswith("ml-energy-")
    later = foreign.model_copy(update={"retrieved": "2026-11-21"})
    assert later.file_name != foreign.file_name


def test_the_check_takes_it_and_says_nothing(results: Path, foreign: Foreign) -> None:
    (row,) = check_all([results])
    assert (row.path.name, row.findings) == (foreign.file_name, ())
    assert check_all([row.path]) == [row]


def test_it_is_no_result(results: Path) -> None:
    (path,) = foreign_files(results)
    assert result_files(results) == []
    assert not check_file(path).acceptable


@pytest.mark.parametrize("root", ["results", "results/foreign", "results/foreign/NAME"])
def test_it_is_found_from_wherever_one_looks(results: Path, foreign: Foreign, root: str) -> None:
    found = foreign_files(results.parent / root.replace("NAME", foreign.file_name))
    assert [path.name for path in found] == [foreign.file_name]


def test_hidden_files_and_folders_are_not_found(results: Path) -> None:
    (results / "foreign" / ".hidden.json").write_text("{")
    (results / "foreign" / "folder.json").mkdir()
    assert len(foreign_files(results)) == 1


def test_a_machine_of_that_name_has_results(tmp_path: Path) -> None:
    assert not is_foreign(tmp_path / "foreign" / "2026-11-21-0123456789ab.json")
    assert is_foreign(tmp_path / "foreign" / "ml-energy-0123456789ab.json")
    assert not is_foreign(tmp_path / "a-machine" / "ml-energy-0123456789ab.json")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"rows": []}, "foreign-schema"),
        ({"url": "http://example.org"}, "foreign-schema"),
        ({"url": "https://example.org/\u202e"}, "foreign-schema"),
        ({"source": "somebody"}, "foreign-schema"),
        ({"extra": 1}, "foreign-schema"),
        ({"licence": "<b>"}, "text"),
        ({"licence": "a\u202eb"}, "text"),
        ({"retrieved": "2026-02-30"}, "foreign-date"),
        ({"retrieved": "2026-11-24"}, "foreign-date"),
        ({"licence": "MIT"}, "foreign-name"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused_by_name(
    results: Path, foreign: Foreign, change: dict[str, Any], rule: str
) -> None:
    assert rule in rules_of(results, foreign.model_dump(mode="json") | change, foreign.file_name)


@pytest.mark.parametrize("change", [{"meter_class": "measured"}, {"value": 0}, {"value": -1.0}, {"unit": "kWh"}])
def test_a_figure_that_claims_more_than_it_is_is_refused(
    results: Path, foreign: Foreign, change: dict[str, Any]
) -> None:
    document = foreign.model_dump(mode="json")
    document["rows"][0] |= change
    assert rules_of(results, document) == {"foreign-schema"}


def test_one_of_tomorrow_is_taken_since_days_differ_around_the_world(results: Path, foreign: Foreign) -> None:
    document = foreign.model_dump(mode="json") | {"retrieved": "2026-11-23"}
    assert rules_of(results, document) == {"foreign-name"}


@pytest.mark.parametrize("document", [[], "text", 1, None, {}])
def test_a_document_that_is_no_reference_at_all_is_refused(results: Path, document: Any) -> None:
    assert rules_of(results, document) == {"foreign-schema"}


def test_a_result_put_among_them_is_refused(results: Path, synthetic: Any) -> None:
    (made,) = synthetic.write(results.parent / "true", 1)
    (results / "foreign" / "ml-energy-0123456789ab.json").write_bytes(made.read_bytes())
    rows = [row for row in check_all([results]) if not row.acceptable]
    assert [{finding.rule for finding in row.findings} for row in rows] == [{"foreign-schema"}]


def test_a_link_among_them_is_not_followed(results: Path, foreign: Foreign) -> None:
    link = results / "foreign" / "link.json"
    link.symlink_to(results / "foreign" / foreign.file_name)
    assert [finding.rule for finding in check_foreign(link).findings] == ["file-kind"]


def test_the_same_file_of_a_source_is_known_again_on_another_day(results: Path, foreign: Foreign) -> None:
    later = foreign.model_copy(update={"retrieved": "2026-11-22"})
    assert standing(later, results) == results / "foreign" / foreign.file_name
    assert standing(foreign.model_copy(update={"sha256": "0" * 64}), results) is None


@pytest.mark.parametrize("status", ["A", "M", "D"])
def test_no_pull_request_of_results_brings_or_changes_one(status: str) -> None:
    path = "results/foreign/ml-energy-0123456789ab.json"
    change = Change(status=status, mode="100644", old_blob="0" * 40, blob="1" * 40, path=path)
    found = verdict([change], {path})
    assert found.kind == "results"
    assert [one.finding.rule for one in found.refused] == ["pull-place" if status == "A" else "pull-changed"]
