"""What checkers say of a page of every kind, opened over HTTP in Chromium, by day and by night, on a desk and a phone.

    python bench/site_audit.py [--out DIR] [--vnu vnu.jar] [--pictures DIR]

Prints a table and ends with code 1 where a limit is broken. --out is what bench/site_kinds.py made, or made now.
vnu.jar is the Nu HTML checker, which reads style sheets and badges as well: one of 2024 or later, since older ones do
not know today's CSS (npm's package vnu-jar has it; it needs Java). Without it its column says "—". Bytes are of files
gzipped one by one; "own scripts" are those of static/ that the page loads, "all" is whatever it asked for.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright
from site_kinds import kinds, make
from site_views import EVERY_RULE, VIEWS, served, viewed

MOST_ELEMENTS = 3000
MOST_SCRIPT_BYTES = 15_000
MOST_BYTES = {"index": 250_000}
MOST_BYTES_OF_ANY = 500_000

HEADER = ("page", "Nu: errors, warnings", "axe", "console", "requests elsewhere", "elements",
          "own scripts: kB, gzipped", "all: kB gzipped")  # fmt: skip

_SERVED_HERE = "-Dnu.validator.servlet.allow-forbidden-hosts=true"

Told = Counter[tuple[str, str]]
"""Path and "error" or "warning" -> how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What was found on one page in all views. `nu` is None where that checker did not run."""

    name: str
    nu: tuple[int, int] | None  # errors, warnings
    axe: int  # elements that break a rule, all views together
    console: int
    elsewhere: int  # requests to other hosts
    elements: int
    own_script: tuple[int, int]  # bytes as they are, and gzipped
    all_bytes: int  # gzipped

    @property
    def faults(self) -> list[str]:
        """Which limits it breaks."""
        held = {
            "Nu": not (self.nu and any(self.nu)),
            "axe": not self.axe,
            "console": not self.console,
            "requests elsewhere": not self.elsewhere,
            "elements": self.elements <= MOST_ELEMENTS,
            "own scripts": self.own_script[1] <= MOST_SCRIPT_BYTES,
            "bytes": self.all_bytes <= MOST_BYTES.get(self.name, MOST_BYTES_OF_ANY),
        }
        return [name for name, holds in held.items() if not holds]

    @property
    def cells(self) -> tuple[str, ...]:
        nu = "—" if self.nu is None else f"{self.nu[0]}, {self.nu[1]}"
        scripts = ", ".join(f"{size / 1e3:.1f}" for size in self.own_script)
        counts = (self.axe, self.console, self.elsewhere, f"{self.elements:,}")
        return (self.name, nu, *map(str, counts), scripts, f"{self.all_bytes / 1e3:.1f}")


def audited(
    browser: Any, name: str, site: Path, address: str, path: str, nu: Told | None, pictures: Path | None
) -> Page:
    """One page in every view."""
    views = [
        viewed(browser, address + path, size, scheme, EVERY_RULE, pictures and pictures / f"{name}-{size}-{scheme}.png")
        for size, scheme in VIEWS
    ]
    for text in sorted({f"{rule}: {where}" for view in views for rule, where in view.broken}):
        print(f"{name}: axe: {text}", file=sys.stderr)
    for text in sorted({text for view in views for text in view.complaints}):
        print(f"{name}: console: {text}", file=sys.stderr)
    own = [site / urlsplit(url).path.lstrip("/") for url in views[0].requests if url.startswith(address)]
    scripts = [one for one in own if one.suffix == ".js" and one.parent.name == "static"]
    page = path.partition("#")[0]
    return Page(
        name=name,
        nu=None if nu is None else (nu[page, "error"], nu[page, "warning"]),
        axe=sum(len(view.broken) for view in views),
        console=sum(len(view.complaints) for view in views),
        elsewhere=sum(len(view.elsewhere(address)) for view in views),
        elements=max(view.elements for view in views),
        own_script=(sum(one.stat().st_size for one in scripts), sum(map(_gzipped, scripts))),
        all_bytes=sum(map(_gzipped, own)),
    )


@cache
def _gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), mtime=0))


def asked_nu(jar: Path, site: Path, address: str, paths: Iterable[str]) -> Told:
    """What the checker says of these pages, of the style sheets and of a badge."""
    pages = dict.fromkeys(path.partition("#")[0] for path in paths)
    sheets = [path.relative_to(site).as_posix() for path in sorted(site.glob("static/*.css"))]
    drawings = ["static/favicon.svg", min(site.glob("results/*/*.svg")).relative_to(site).as_posix()]
    disk = f"file:{site}/"  # only from there does it believe in SVG without a page around it
    return _nu(jar, address, pages) + _nu(jar, disk, sheets, "--css") + _nu(jar, disk, drawings, "--svg")


def _nu(jar: Path, address: str, paths: Iterable[str], *options: str) -> Told:
    command = ["java", "-Xss2m", _SERVED_HERE, "-jar", str(jar), "--format", "json", "--stdout", *options]
    urls = [address.removeprefix("file:") + path for path in paths]
    done = subprocess.run([*command, *urls], capture_output=True, text=True, check=False)
    messages = json.loads(done.stdout)["messages"]
    for one in messages:
        print(f"{one['url']}: Nu {one['type']}: {one['message']}", file=sys.stderr)
    levels = {"info": "warning"}  # anything else, also a page that it could not fetch, is an error
    return Counter((one["url"].removeprefix(address), levels.get(one["type"], "error")) for one in messages)


def audit(site: Path, jar: Path | None, pictures: Path | None) -> tuple[list[Page], Told]:
    """Every kind of page, and what Nu says of files that are no pages."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    found = kinds(site)
    with served(site) as address, sync_playwright() as playwright:
        nu = None if jar is None else asked_nu(jar, site, address, found.values())
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        pages = [audited(browser, name, site, address, path, nu, pictures) for name, path in found.items()]
    return pages, Counter({key: count for key, count in (nu or {}).items() if not key[0].endswith(".html")})


def table(pages: Sequence[Page]) -> Iterator[str]:
    """Lines of Markdown."""
    for cells in (HEADER, ["---"] * len(HEADER), *(one.cells for one in pages)):
        yield f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--out", "--vnu", "--pictures"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.out or Path(name) / "kinds"
        if not folder.exists():
            folder.mkdir(parents=True)
            make(folder)
        pages, others = audit(folder / "site", arguments.vnu, arguments.pictures)
    print("\n".join(table(pages)))
    faults = [f"{one.name}: {fault}" for one in pages for fault in one.faults]
    faults += [f"{path}: Nu {level}" for path, level in others]
    print("\n".join(faults) or "every limit holds", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
