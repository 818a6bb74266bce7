"""By paths, modes and sizes alone: what may be looked into, and what no pull request may change."""

from __future__ import annotations

import pytest

from suite.check.files import MAX_BYTES
from suite.contribution.changes import (
    DECISIONS,
    KEYS,
    MAX_FILES,
    MOST_REFUSED,
    Change,
    Verdict,
    grown,
    parse,
    shortened,
    too_large,
    verdict,
)
from suite.signatures import MAX_BYTES as MAX_SIGNATURE_BYTES

ONE = "results/a-machine/2026-11-21-0123456789ab.json"


def change(path: str = ONE, status: str = "A", mode: str = "100644") -> Change:
    return Change(status=status, mode=mode, old_blob="0" * 40, blob="1" * 40, path=path)


def numbered(count: int) -> list[Change]:
    return [change(f"results/a-machine/2026-11-21-{number:012x}.json") for number in range(count)]


def rules(found: Verdict) -> list[str]:
    return [one.finding.rule for one in found.refused]


def test_what_git_tells_is_read_with_paths_of_any_bytes() -> None:
    raw = b":000000 100644 " + b"0" * 40 + b" " + b"1" * 40 + b" A\0results/a\nb\xff\0"
    raw += b":100644 000000 " + b"2" * 40 + b" " + b"0" * 40 + b" D\0README.md\0"
    assert parse(raw) == (
        change("results/a\nb\udcff"),
        Change(status="D", mode="000000", old_blob="2" * 40, blob="0" * 40, path="README.md"),
    )
    assert parse(b"") == ()


def test_a_new_result_may_come_with_its_signature() -> None:
    files = (change(), change(f"{ONE}.sig"))
    assert verdict(files, ()) == Verdict(kind="results", files=files, refused=())


def test_a_signature_may_be_added_to_a_result_that_is_there_and_to_no_other() -> None:
    assert verdict([change(f"{ONE}.sig")], {ONE}).refused == ()
    assert rules(verdict([change(f"{ONE}.sig")], ())) == ["pull-place"]


@pytest.mark.parametrize("path", ["suite/check/rules.py", "README.md", "resultsx/a.json", "results", KEYS])
def test_what_touches_no_result_is_code(path: str) -> None:
    assert verdict([change(path)], ()) == Verdict(kind="code", files=(), refused=())


@pytest.mark.parametrize("path", ["suite/check/rules.py", ".github/workflows/site.yml", ".gitattributes", KEYS])
def test_a_result_comes_with_nothing_but_results(path: str) -> None:
    assert rules(verdict([change(), change(path)], ())) == ["pull-mixed"]


@pytest.mark.parametrize("status", ["M", "D", "T"])
def test_a_result_that_is_there_stays_as_it_is(status: str) -> None:
    assert rules(verdict([change(status=status)], {ONE})) == ["pull-changed"]


@pytest.mark.parametrize(
    "path",
    [
        "results/2026-11-21-0123456789ab.json",
        "results/a/b/2026-11-21-0123456789ab.json",
        "results/../suite/2026-11-21-0123456789ab.json",
        "results/A-Machine/2026-11-21-0123456789ab.json",
        "results/.runs/2026-11-21-0123456789ab.json",
        "results/a-machine/2026-11-21-0123456789ab.json\n",
        "results/a-machine/2026-11-21-0123456789AB.json",
        "results/a-machine/2026-11-21-0123456789ab.py",
        "results/a-machine/result.json",
        "results/a-machine/.gitattributes",
    ],
)
def test_a_result_lies_where_submit_puts_it_and_nowhere_else(path: str) -> None:
    assert rules(verdict([change(path)], ())) == ["pull-place"]


@pytest.mark.parametrize("mode", ["120000", "160000", "100755"])
def test_a_result_is_no_link_no_submodule_and_no_program(mode: str) -> None:
    assert rules(verdict([change(mode=mode)], ())) == ["pull-mode"]


def test_so_many_results_may_come_at_once_and_not_one_more() -> None:
    assert verdict(numbered(MAX_FILES), ()).refused == ()
    assert rules(verdict(numbered(MAX_FILES + 1), ())) == ["pull-many"]


def test_of_endless_findings_the_first_are_shown_and_the_rest_counted() -> None:
    found = verdict([change(f"results/{number}") for number in range(1000)], ()).refused
    assert len(found) == MOST_REFUSED + 1
    assert "1001" in found[-1].finding.message
    assert len(shortened(found[:MOST_REFUSED])) == MOST_REFUSED


@pytest.mark.parametrize("status", ["A", "M"])
def test_decisions_come_alone(status: str) -> None:
    assert verdict([change(DECISIONS, status)], ()).kind == "decision"
    assert verdict([change(DECISIONS, status)], ()).refused == ()
    assert rules(verdict([change(DECISIONS, status), change()], ())) == ["pull-decisions"]
    assert rules(verdict([change(DECISIONS, status), change("README.md")], ())) == ["pull-mixed"]


@pytest.mark.parametrize(("status", "mode"), [("D", "000000"), ("T", "120000"), ("M", "100755"), ("A", "120000")])
def test_the_log_of_decisions_stays_a_plain_file(status: str, mode: str) -> None:
    assert rules(verdict([change(DECISIONS, status, mode)], ())) == ["pull-decisions"]


@pytest.mark.parametrize(("path", "most"), [(ONE, MAX_BYTES), (f"{ONE}.sig", MAX_SIGNATURE_BYTES)])
def test_the_largest_file_is_read_and_not_a_byte_more(path: str, most: int) -> None:
    one = change(path)
    assert too_large([one], {one.blob: most}) == ()
    (refused,) = too_large([one], {one.blob: most + 1})
    assert (refused.path, refused.finding.rule) == (path, "pull-size")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"", b"1\n"), (b"1\n", b"1\n2\n"), (b"1\n", b"1\n2\n3\n"), (b"1", b"1\n2\n")],
)
def test_whole_lines_may_be_added_to_the_log(old: bytes, new: bytes) -> None:
    assert grown(old, new) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"1\n", b"2\n"),
        (b"1\n", b"1\n"),
        (b"1\n", b""),
        (b"1\n", b"0\n1\n"),
        (b"1\n2\n", b"1\n3\n2\n"),
        (b"1\n", b"1\n2"),
        (b"1", b"12\n"),
        (b"1\n", b"1\n\n"),
    ],
)
def test_no_line_of_the_log_is_changed_moved_or_left_unfinished(old: bytes, new: bytes) -> None:
    found = grown(old, new)
    assert found is not None
    assert found.rule == "pull-decisions"
