"""The report of the check on a result's page: how much was looked at, and each warning with its rule and place."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from suite.check.findings import Checked, warning
from suite.leaderboard.render import Pages
from suite.leaderboard.result.pages import write_pages
from suite.leaderboard.result.validation import validation
from suite.record import Result
from suite.roofline import calibrations


def page_of(synthetic: ModuleType, site: Path, folder: Path, checked: Checked) -> str:
    result: Result = synthetic.result(0, 1)
    pages = Pages(site / "templates", folder)
    made = list(write_pages(checked, result, calibrations(result), pages))
    text = (folder / made[0]).read_text(encoding="utf-8")
    return text.partition('<h2 id="validation">')[2].partition("<h2>")[0]


def test_everything_that_was_checked_is_counted(synthetic: ModuleType) -> None:
    result: Result = synthetic.result(0, 1)
    told = validation(Checked(Path("a"), result, ()), result)
    attempts = [attempt for cell in result.cells for attempt in cell.attempts]
    assert told.windows == sum(len(attempt.windows) for attempt in attempts) > 50
    assert told.joules == sum(len(one) for attempt in attempts for one in attempt.energies) > told.windows
    assert told.readings == sum(len(ticks.at_ns) for attempt in attempts for ticks in attempt.ticks) > 10_000
    assert told.proofs == sum(len(attempt.audits) for attempt in attempts) > 0
    assert 0 < told.qualities <= len(attempts)


def test_the_page_reports_the_check_and_how_to_repeat_it(synthetic: ModuleType, site: Path, tmp_path: Path) -> None:
    result: Result = synthetic.result(0, 1)
    told = page_of(synthetic, site, tmp_path, Checked(Path("a"), result, ()))
    assert re.search(r"<dt>Warnings</dt><dd>none</dd>", told)
    assert "<table>" not in told
    assert f"python -m suite check {result.file_name}" in told


def test_a_warning_stands_there_with_rule_place_and_cure(synthetic: ModuleType, site: Path, tmp_path: Path) -> None:
    result: Result = synthetic.result(0, 1)
    found = warning("odd-thing", "/cells/3", "the fan <b>hums</b>", "Oil it.")
    told = page_of(synthetic, site, tmp_path, Checked(Path("a"), result, (found,)))
    row = re.search(r"<tr><th scope=\"row\".*?</tr>", told)
    assert row
    assert re.sub("<[^>]*>", "|", row[0]).replace("||", "|").strip("|").split("|")[0] == "odd-thing"
    for text in ("/cells/3", "the fan &lt;b&gt;hums&lt;/b&gt;", "Oil it."):
        assert text in row[0]
    assert re.search(r"<dt>Warnings</dt><dd>1</dd>", told)
