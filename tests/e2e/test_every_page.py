"""Every kind of page as readers meet it: on a desk and a phone, by day and by night, from a disk and over HTTP.

Where JOULEMARK_SCREENSHOTS names a folder, a picture of each page in each view is kept there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from site_kinds import kinds, make  # noqa: E402

SIZES, SCHEMES = ("desk", "phone"), ("light", "dark")
MOST_ELEMENTS = 3000


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a page of every kind; it is not made where there is no browser to look at it."""
    return make(tmp_path_factory.mktemp("kinds"))


@pytest.fixture(scope="module")
def pictures() -> Path | None:
    """Where pictures are kept; None where nobody asked for them."""
    asked = os.environ.get("JOULEMARK_SCREENSHOTS")
    if not asked:
        return None
    folder = Path(asked)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def faults(browser: Any, site: Path, address: str, name: str, size: str, scheme: str, asks: Mapping[str, Any]) -> str:
    """What is wrong with a page, on a line; empty where nothing is."""
    from site_views import SIZES as PIXELS
    from site_views import viewed

    view = viewed(browser, address + kinds(site)[name], size, scheme, **asks)
    wrong = [*view.complaints, *view.elsewhere(address), *(f"{rule} {where}" for rule, where in view.broken)]
    if view.headings != 1:
        wrong.append(f"{view.headings} headings of the page")
    if view.elements > MOST_ELEMENTS:
        wrong.append(f"{view.elements} elements")
    if view.width > PIXELS[size]["width"]:
        wrong.append(f"{view.width} pixels wide")
    return "; ".join(wrong)


@pytest.mark.parametrize("size", SIZES)
def test_over_http_no_page_complains_asks_elsewhere_is_too_long_or_too_wide(
    browser: Any, site: Path, size: str
) -> None:
    from site_views import served

    with served(site) as address:
        found = {name: faults(browser, site, address, name, size, "light", {}) for name in kinds(site)}
    assert len(found) > 20
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_from_disk_axe_finds_nothing_either_on_any_page(
    browser: Any, site: Path, pictures: Path | None, size: str, scheme: str
) -> None:
    from site_views import COLOURS, EVERY_RULE

    rules = EVERY_RULE if scheme == "light" else COLOURS  # by night only the colours are others
    found = {}
    for name in kinds(site):
        asks = {"rules": rules, "picture": pictures and pictures / f"{name}-{size}-{scheme}.png"}
        found[name] = faults(browser, site, f"{site.as_uri()}/", name, size, scheme, asks)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_a_site_without_results_is_as_sound(browser: Any, site: Path) -> None:
    from site_views import EVERY_RULE, viewed

    for page in sorted((site.parent / "empty").glob("*.html")):
        view = viewed(browser, page.as_uri(), "phone", "light", EVERY_RULE)
        assert (view.complaints, view.broken, view.headings) == ([], [], 1), page.name


def test_a_signature_is_verified_by_the_commands_beside_it(browser: Any, site: Path) -> None:
    page = browser.new_page()
    page.goto((site / kinds(site)["result, signed"]).as_uri())
    page.get_by_text("Verify the signature yourself").click()
    links = page.locator("details", has=page.locator("#verify")).locator("a[download]")
    file, signature = (Path(link.evaluate("link => decodeURI(link.pathname)")) for link in links.all())
    shown = page.locator("#verify").inner_text()
    commands = shown.replace("python -m", f"{sys.executable} -m").splitlines()
    page.close()
    assert signature == Path(f"{file}.sig")
    for line in commands:
        done = subprocess.run(line, shell=True, cwd=file.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    changed = file.read_bytes().replace(b"a", b"b", 1)
    done = subprocess.run(commands[1].partition(" <")[0].split(), input=changed, cwd=file.parent, capture_output=True)
    assert done.returncode != 0
