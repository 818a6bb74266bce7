"""How long a site takes to build, from nothing and after one new file: tables for docs/performance.md.

    python bench/site_build.py [--count 100 300] [--small] [--processes 4]

Small files have one to three cells and no calibration. Each number of files is built by processes of their own: from
nothing, twice without a change (the first of these has no site that was replaced, and links all files anew), and after
one new file; ratios are of this one run. Memory is the largest of the building process and of its readers, each alone.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import synthetic

from backends.memory import process_peak_bytes
from suite.leaderboard import build
from suite.leaderboard.workers import Limits

SITE = Path(__file__).parents[1] / "site"
MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One build. Processor seconds are those of all its processes."""

    files: int
    cached: int
    rows: int
    pages: int
    wall_s: float
    processor_s: float
    building_bytes: int
    reading_bytes: int
    largest_page_bytes: int


def measured(results: Path, out: Path, processes: int | None) -> Figure:
    """A build in this process, which must have done nothing before."""
    begun_s = time.monotonic()
    made = build(results, SITE, out, Limits(processes=processes))
    wall_s = time.monotonic() - begun_s
    own, readers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Figure(
        files=made.files,
        cached=made.cached,
        rows=made.rows,
        pages=made.pages,
        wall_s=wall_s,
        processor_s=sum(one.ru_utime + one.ru_stime for one in (own, readers)),
        building_bytes=process_peak_bytes(),
        reading_bytes=readers.ru_maxrss * 1024,
        largest_page_bytes=max(page.stat().st_size for page in out.rglob("*.html")),
    )


def apart(results: Path, out: Path, processes: int | None) -> Figure:
    """`measured` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measured, results, out, processes).result()


def add(results: Path, index: int, *, small: bool) -> None:
    """One more file."""
    made = synthetic.result(index, 1, small=small)
    path = results / made.system.slug / made.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(synthetic.dumps(made))


def builds(folder: Path, count: int, processes: int | None, *, small: bool) -> Iterator[tuple[str, Figure]]:
    """The four builds of `count` files, below `folder`."""
    results, out = folder / "results", folder / "site"
    synthetic.write(results, count, small=small)
    yield "from nothing", apart(results, out, processes)
    yield "nothing changed, the first time", apart(results, out, processes)
    yield "nothing changed", apart(results, out, processes)
    add(results, count, small=small)
    yield "one new file", apart(results, out, processes)


def line(count: int, name: str, one: Figure, first: Figure) -> str:
    share = one.processor_s / first.processor_s
    memory = " + ".join(f"{size / MIB:,.0f}" for size in (one.building_bytes, one.reading_bytes) if size)
    read = one.files - one.cached
    times = (f"{one.wall_s:.1f}", f"{one.processor_s:.1f}", f"{1000 * one.processor_s / one.files:.1f}", f"{share:.3f}")
    told = (f"{count:,}", name, f"{read:,}", *times, memory, f"{one.largest_page_bytes / 1000:,.0f}")
    return f"| {' | '.join(told)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--small", action="store_true", help="files of one to three cells")
    parser.add_argument("--processes", type=int, help="that read files; default: the cores there are")
    asked = parser.parse_args()
    print(
        "| files | build | read | wall, s | processors, s | a file, ms | of the first | peak, MiB | largest page, kB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    each: list[tuple[int, float]] = []
    for count in asked.count:
        with tempfile.TemporaryDirectory() as name:
            found: list[Figure] = []
            for what, one in builds(Path(name), count, asked.processes, small=asked.small):
                found.append(one)
                print(line(count, what, one, found[0]), flush=True)
            each.append((count, found[0].processor_s / count))
    for count, seconds in each:
        ratio = seconds / each[0][1]
        print(
            f"\n{count:,} files from nothing: {1000 * seconds:.0f} ms of processor each, {ratio:.2f} of the first row's"
        )


if __name__ == "__main__":
    main()
