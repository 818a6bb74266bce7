"""Decisions about results: strict lines, and the last word counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suite.leaderboard.decisions import Decision, read, standing, withdrawn

ONE, OTHER = "0" * 12, "f" * 12
GOOD = {"date": "2026-02-03", "result": ONE, "action": "withdrawn", "reason": "the fan was unplugged"}


def log(folder: Path, *lines: str) -> Path:
    (folder / "decisions.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


def decided(*actions: tuple[str, str]) -> list[Decision]:
    return [Decision.model_validate({**GOOD, "result": result, "action": action}) for result, action in actions]


def test_without_a_file_nothing_was_decided(tmp_path: Path) -> None:
    assert read(tmp_path) == ()
    assert withdrawn(()) == frozenset()


def test_lines_are_read_in_order_and_empty_ones_are_no_decisions(tmp_path: Path) -> None:
    second = {**GOOD, "result": OTHER, "action": "flagged"}
    found = read(log(tmp_path, json.dumps(GOOD), "", json.dumps(second)))
    assert [(one.result, one.action) for one in found] == [(ONE, "withdrawn"), (OTHER, "flagged")]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "Expecting"),
        ("[]", "valid dictionary"),
        (json.dumps({**GOOD, "action": "deleted"}), "action"),
        (json.dumps({**GOOD, "result": "<img src=x>"}), "result"),
        (json.dumps({**GOOD, "date": 20260203}), "date"),
        (json.dumps({**GOOD, "reason": ""}), "reason"),
        (json.dumps({**GOOD, "reason": "hid\u202eden"}), "reason"),
        (json.dumps({**GOOD, "by": "me"}), "by"),
        (json.dumps({key: GOOD[key] for key in ("date", "result", "action")}), "reason"),
        (json.dumps(GOOD)[:-1] + ', "action": "restored"}', "twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    with pytest.raises(ValueError, match=rf"decisions\.jsonl:2: .*{what}"):
        read(log(tmp_path, json.dumps(GOOD), line))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "decisions.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(ValueError, match=r"decisions\.jsonl:1: "):
        read(tmp_path)


def test_the_last_word_of_withdrawing_and_restoring_counts() -> None:
    assert withdrawn(decided((ONE, "withdrawn"))) == {ONE}
    assert withdrawn(decided((ONE, "withdrawn"), (ONE, "restored"))) == set()
    assert withdrawn(decided((ONE, "restored"), (ONE, "withdrawn"), (OTHER, "restored"))) == {ONE}


def test_a_flag_neither_withdraws_nor_restores() -> None:
    assert withdrawn(decided((ONE, "flagged"))) == set()
    assert withdrawn(decided((ONE, "withdrawn"), (ONE, "flagged"))) == {ONE}


def test_a_page_says_the_gravest_that_stands() -> None:
    def action(*actions: str) -> str | None:
        found = standing(decided(*((ONE, one) for one in actions), (OTHER, "withdrawn")), ONE)
        return None if found is None else found.action

    assert action() is None
    assert action("flagged") == "flagged"
    assert action("withdrawn", "flagged") == "withdrawn"
    assert action("flagged", "withdrawn") == "withdrawn"
    assert action("flagged", "withdrawn", "restored") is None
    assert action("withdrawn", "restored", "flagged") == "flagged"
