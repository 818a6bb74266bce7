"""How long a board's table takes to be read, sorted and filtered in Chromium, by its number of rows.

    python bench/table_speed.py [--rows 50 2000 10000 100000] [--chromium /usr/bin/chromium]

The boards are written as a site's are: the pages hold 50 rows each, and scripts beside them all rows. These are the
rows of invented results, again and again under other names and with other figures. A figure is the median of several,
from the event until the page was laid out again; reading is done once, before the first of them.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import synthetic
from playwright.sync_api import Page, sync_playwright

from suite.leaderboard.pages.boards import ranked_of, write_boards
from suite.leaderboard.ranking.boards import Board, boards_of
from suite.leaderboard.ranking.frame import Row, rows_of
from suite.leaderboard.render import Pages

SITE = Path(__file__).parents[1] / "site"
TIMES = 7
READ_WITHIN_MS = 120_000

LAID_OUT = """async (act) => {
    const begun = performance.now();
    new Function(act)();
    document.body.getBoundingClientRect();
    return performance.now() - begun;
}"""
READ = """async () => {
    const begun = performance.now();
    await Tables[0].complete();
    Tables[0].show();
    document.body.getBoundingClientRect();
    return performance.now() - begun;
}"""
FILTER = """const field = document.querySelector('input[type=search]');
field.value = field.value ? '' : 'h100';
field.dispatchEvent(new Event('input', { bubbles: true }));"""
FACET = "document.querySelector('fieldset input[value=jax]').click()"


def rows(count: int) -> list[Row]:
    """So many rows of one board, of which each machine has some twenty."""
    source = random.Random(1)
    made = [row for index in range(20) for row in rows_of(synthetic.result(index, 1))]
    own = [row for row in made if (row.workload, row.mode, row.size, row.boundary) == ("gpt", "train", "s", "device")]
    own = [row for row in own if row.meter_class == "measured" and row.joules_low and row.joules_high]
    return [_like(own[number % len(own)], number, source.uniform(0.5, 2)) for number in range(count)]


def _like(row: Row, number: int, factor: float) -> Row:
    joules = [one and one * factor for one in (row.joules_per_unit, row.joules_low, row.joules_high)]
    return replace(
        row,
        result=f"{number:012x}",
        system=f"{row.system}-{number // 20}",
        system_name=f"{row.system_name} {number // 20}",
        joules_per_unit=joules[0],
        joules_low=joules[1],
        joules_high=joules[2],
        units_per_s=row.units_per_s / factor,
    )


def write(count: int, folder: Path) -> Board:
    """A board of so many rows below the folder."""
    (board,) = boards_of(rows(count))
    shutil.copytree(SITE / "static", folder / "static")
    digests = {placed.row.result: placed.row.result for placed in board.placed}
    write_boards([ranked_of(board, digests)], Pages(SITE / "templates", folder))
    return board


def milliseconds(shown: Page, acts: Sequence[str]) -> float:
    return statistics.median(shown.evaluate(LAID_OUT, act) for _ in range(TIMES) for act in acts)


def click(key: str) -> str:
    return f"document.querySelector('th[data-key={key}] button').click()"


ACTS = ([click("energy"), click("speed")], [click("framework")], [FILTER], [FACET])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[50, 2000, 10_000, 100_000])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    print("| rows | data, kB | largest file, kB | read, ms | sort, ms | sort by name, ms | search, ms | filter, ms |")
    print("|---|---|---|---|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        for count in asked.rows:
            with tempfile.TemporaryDirectory() as name:
                board = write(count, Path(name))
                sizes = [path.stat().st_size for path in Path(name, "boards").rglob("*.*")]
                data = sum(path.stat().st_size for path in Path(name, "boards").rglob("*.js"))
                shown = browser.new_page()
                shown.set_default_timeout(READ_WITHIN_MS)
                shown.goto((Path(name) / board.path).as_uri())
                times = [shown.evaluate(READ), *(milliseconds(shown, acts) for acts in ACTS)]
                told = " | ".join(f"{one:,.0f}" for one in times)
                print(f"| {count:,} | {data / 1000:,.0f} | {max(sizes) / 1000:,.0f} | {told} |", flush=True)
                shown.close()
        browser.close()


if __name__ == "__main__":
    main()
