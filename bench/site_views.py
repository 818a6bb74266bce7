"""One page of the site as a reader meets it: on a desk or a phone, by day or by night, from a disk or over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from axe_playwright_python.sync_playwright import Axe

SIZES = {"desk": {"width": 1366, "height": 768}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
VIEWS = [(size, scheme) for size in SIZES for scheme in SCHEMES]

EVERY_RULE: Mapping[str, Any] = {"rules": {"target-size": {"enabled": True}}, "preload": False}
"""What axe runs by itself, best practices among them, and targets of 24 pixels, which it leaves out."""

COLOURS: Mapping[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "preload": False}
"""All that can differ between day and night. No rule here reads style sheets again, which a page on a disk may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What was found. `broken` pairs a rule of axe with the element that breaks it."""

    broken: Sequence[tuple[str, str]]
    complaints: Sequence[str]
    requests: Sequence[str]
    elements: int
    headings: int
    width: int  # pixels that the page takes, window and more

    def elsewhere(self, address: str) -> list[str]:
        """What it asked for that does not lie below `address`."""
        return [url for url in self.requests if not url.startswith((address, "data:"))]


def viewed(
    browser: Any, url: str, size: str, scheme: str, rules: Mapping[str, Any] | None = None, picture: Path | None = None
) -> View:
    """Opens the page, asks axe about `rules` unless they are None, and keeps a picture of all of it."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(url)
    elements, headings, width = page.evaluate(
        "() => [document.querySelectorAll('*').length, document.querySelectorAll('h1').length,"
        " document.documentElement.scrollWidth]"
    )
    if picture is not None:
        page.screenshot(path=picture, full_page=True)
    found = [] if rules is None else Axe().run(page, options=dict(rules)).response["violations"]
    context.close()
    return View(
        broken=[(rule["id"], node["html"][:160]) for rule in found for node in rule["nodes"]],
        complaints=complaints,
        requests=list(dict.fromkeys(requests)),
        elements=elements,
        headings=headings,
        width=width,
    )


class _Handler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address at which this folder is served for as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
