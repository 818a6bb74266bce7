"""One browser for all tests of the site: two at once cannot be driven from one thread."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DESKTOP = {"width": 1366, "height": 768}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; without it the tests fail where CI=true and are skipped elsewhere."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no chromium on the path; Debian has it as the package chromium"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """An open page and everything it asked for or complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture
def open_file(browser: Any) -> Iterator[Callable[..., Visit]]:
    """A file and a state behind its "#" to a Visit; options are those of the browser's context, `size` its window."""
    contexts = []

    def opened(path: Path, state: str = "", *, size: dict[str, int] = DESKTOP, **options: Any) -> Visit:
        contexts.append(browser.new_context(viewport=size, **options))
        visit = Visit(contexts[-1].new_page())
        visit.page.goto(path.as_uri() + (f"#{state}" if state else ""))
        return visit

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page of the desktop's size, which may complain of nothing until the test ends."""
    opened = browser.new_page(viewport=DESKTOP)
    opened.set_default_timeout(20_000)
    visit = Visit(opened)
    yield opened
    opened.close()
    assert visit.complaints == []
