"""Files for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from suite.leaderboard.downloads import defused, to_csv, to_json
from suite.leaderboard.ranking.frame import COLUMNS, Row

MakeRow = Callable[..., Row]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0"])
def test_no_text_in_the_csv_can_start_a_formula(make_row: MakeRow, start: str) -> None:
    text = to_csv(
        [make_row(system_name=f"{start}HYPERLINK(1)", framework_version=f"{start}1", domains=(f"{start}gpu",))]
    )
    for line in csv.reader(io.StringIO(text, newline="")):
        assert not [cell for cell in line if cell.startswith(start)]


def test_plain_text_stays_as_it_is() -> None:
    assert defused("2.13.0 = good") == "2.13.0 = good"


def test_the_csv_names_every_column_and_leaves_the_unknown_empty(make_row: MakeRow) -> None:
    row = make_row(joules_per_unit=None, reasons=("no_meter", "estimate"))
    (found,) = csv.DictReader(io.StringIO(to_csv([row])))
    assert tuple(found) == COLUMNS
    assert found["joules_per_unit"] == ""
    assert float(found["units_per_s"]) == row.units_per_s
    assert found["reasons"] == "no_meter estimate"


def test_the_json_says_null_for_unknown_and_keeps_every_digit(make_row: MakeRow) -> None:
    document = json.loads(to_json([make_row(joules_per_unit=None, units_per_s=1 / 3)], "2026-01-05"))
    assert document["date"] == "2026-01-05"
    assert document["rows"][0]["joules_per_unit"] is None
    assert document["rows"][0]["units_per_s"] == 1 / 3
