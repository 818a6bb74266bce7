"""How long a board's table takes to be sorted and filtered in Chromium, by its number of rows.

    python bench/table_speed.py [--rows 75 2000 10000] [--chromium /usr/bin/chromium]

A board of the site has at most 75 rows on a page; longer ones are made here of its rows, again and again under other
names. Each figure is the median of several: from the event until the page was laid out again.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
from pathlib import Path

import synthetic
from playwright.sync_api import Page, sync_playwright

from suite.leaderboard import build

SITE = Path(__file__).parents[1] / "site"
TIMES = 7
LOADS_WITHIN_MS = 300_000

LAID_OUT = """async (act) => {
    const begun = performance.now();
    new Function(act)();
    document.body.getBoundingClientRect();
    return performance.now() - begun;
}"""
SORT = "document.querySelector('th[data-key=energy] button').click()"
FILTER = """const field = document.querySelector('input[type=search]');
field.value = field.value ? '' : 'h100';
field.dispatchEvent(new Event('input', { bubbles: true }));"""


def board(folder: Path) -> Path:
    """The longest page of a board on a small site."""
    synthetic.write(folder / "results", 40)
    build(folder / "results", SITE, folder / "site")
    return max((folder / "site" / "boards").rglob("*.html"), key=lambda page: page.read_text().count("<tr "))


def long(page: Path, count: int) -> Path:
    """The same with so many rows."""
    text = page.read_text(encoding="utf-8")
    head, rows, tail = re.split(r"(?<=<tbody>)|(?=</tbody>)", text, maxsplit=2)
    own = rows.split("<tr ")[1:]
    made = [_renamed(own[number % len(own)], number) for number in range(count)]
    longer = page.with_name(f"long-{count}.html")
    head = re.sub(r'data-total="[0-9]+"', "", head)
    longer.write_text(head + "".join(f"<tr {row}" for row in made) + tail, encoding="utf-8")
    return longer


def _renamed(row: str, number: int) -> str:
    return re.sub(r'data-row="[0-9a-f]+', f'data-row="{number:012x}', row).replace("<bdi>", f"<bdi>{number} ", 1)


def milliseconds(shown: Page, act: str) -> float:
    return statistics.median(shown.evaluate(LAID_OUT, act) for _ in range(TIMES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[75, 2000, 10000])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    print("| rows | page, kB | ready, ms | sort, ms | filter, ms |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=asked.chromium, args=["--no-sandbox"])
        page = board(Path(name))
        for count in asked.rows:
            path = long(page, count)
            shown = browser.new_page()
            shown.goto(path.as_uri(), timeout=LOADS_WITHIN_MS)
            ready_ms = shown.evaluate("() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
            times = (ready_ms, milliseconds(shown, SORT), milliseconds(shown, FILTER))
            told = " | ".join(f"{one:,.0f}" for one in times)
            print(f"| {count:,} | {path.stat().st_size / 1000:,.0f} | {told} |", flush=True)
            shown.close()
        browser.close()


if __name__ == "__main__":
    main()
