"""How a system's energy moved from day to day, and which items of a score it is strong and weak in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from suite.leaderboard import build
from suite.leaderboard.pages.history import COLUMNS, DATES, histories
from suite.leaderboard.pages.varied import OF_ONE_WORKLOAD
from suite.leaderboard.ranking.boards import boards_of
from suite.leaderboard.ranking.frame import Row

MakeRow = Callable[..., Row]


def on(make_row: MakeRow, day: int, joules: float, **changes: object) -> Row:
    date, result = f"2026-01-{day:02}", f"r{day}"
    low, high = 0.95 * joules, 1.05 * joules
    return make_row(date=date, result=result, joules_per_unit=joules, joules_low=low, joules_high=high, **changes)


def test_each_day_has_its_best_row_and_how_it_stands_to_the_day_before(make_row: MakeRow) -> None:
    rows = [on(make_row, 1, 1.0), on(make_row, 2, 1.02), on(make_row, 2, 3.0, framework="jax"), on(make_row, 3, 0.5)]
    told = histories(boards_of(rows))["one"]
    assert [day.date for day in told.days] == ["2026-01-03", "2026-01-02", "2026-01-01"]
    (newest,), (middle,), (oldest,) = (day.places for day in told.days)
    assert [one and (one.energy, one.change, one.differs) for one in (newest, middle, oldest)] == [
        ("0.500", "51 % less", True),
        ("1.02", "cannot be told apart", False),
        ("1.00", None, False),
    ]
    assert told.headings[0].unit == "J/token"


def test_a_rise_is_told_as_one_and_unknown_ends_tell_nothing(make_row: MakeRow) -> None:
    told = histories(boards_of([on(make_row, 1, 1.0), on(make_row, 2, 1.5)]))["one"]
    assert [place.change for day in told.days for place in day.places if place] == ["50 % more", None]
    alone = [make_row(date=f"2026-01-0{day}", joules_per_unit=day, joules_low=None, joules_high=None) for day in (1, 2)]
    told = histories(boards_of(alone))["one"]
    assert told.days[0].places[0] is not None
    assert told.days[0].places[0].change == "cannot be told apart"


def test_one_day_is_no_history_and_classes_and_versions_are_not_mixed(make_row: MakeRow) -> None:
    assert histories(boards_of([on(make_row, 1, 1.0)])) == {}
    rows = [
        on(make_row, day, 1.0, version=version, meter_class=name)
        for day, version, name in ((1, 2, "measured"), (2, 2, "measured"), *_others())
    ]
    assert [day.date[-2:] for day in histories(boards_of(rows))["one"].days] == ["02", "01"]


def _others() -> list[tuple[int, int, str]]:
    return [(3, 2, "estimated"), (4, 2, "estimated"), (5, 1, "measured"), (6, 1, "measured")]


def test_a_long_history_shows_its_newest_days_and_a_few_boards_of_many_workloads(make_row: MakeRow) -> None:
    rows = [
        on(make_row, day, 1.0, workload=work, mode=mode)
        for day in range(1, DATES + 4)
        for work in "abcd"
        for mode in ("train", "infer", "sample")
    ]
    told = histories(boards_of(rows))["one"]
    assert (len(told.days), told.hidden) == (DATES, 3)
    works = [one.title[0] for one in told.headings]
    assert len(works) == COLUMNS
    assert max(map(works.count, works)) == OF_ONE_WORKLOAD


@pytest.fixture(scope="module")
def page(synthetic: ModuleType, site: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A machine's page with results of two days."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "results").mkdir()
    for index in (3, 3 + len(synthetic.MACHINES)):
        result = synthetic.result(index, 1)
        (folder / "results" / result.file_name).write_bytes(synthetic.dumps(result))
    build(folder / "results", site, folder / "out")
    (found,) = (folder / "out" / "systems").glob("*.html")
    return found.read_text(encoding="utf-8")


def test_a_system_s_page_tells_its_history(page: str) -> None:
    section = page.partition('<h2 id="history">')[2].partition("</table>")[0]
    assert len(re.findall(r'<tr><th scope="row"', section)) == 2
    assert re.search(r"cannot be told apart|% less|% more", section)


def test_a_system_s_page_opens_with_its_strengths_first_and_draws_them(page: str) -> None:
    opened = page.partition('<details open="">')[2].partition("</details>")[0]
    assert "Strengths and weaknesses" in opened
    points = [float(one.replace(",", "")) for one in re.findall(r'<td class="num strong">([0-9.,]+)</td>', opened)]
    assert points == sorted(points, reverse=True)
    assert len(points) >= 4
    bars = re.findall(r'class="mark-band" d="M([0-9.]+) 8H([0-9.]+)"', opened)
    assert [float(end) >= float(start) for start, end in bars] == [one >= 100 for one in points]
    assert all(0 <= float(end) <= 120 for _, end in bars)
