"""Templates to files."""

from __future__ import annotations

from pathlib import Path

import jinja2

from suite.leaderboard.words import BOUNDARIES, CLASSES, OUTCOMES, flags
from suite.reasons import POLICIES, REASONS
from suite.units import duration, memory, plural, symbol


def environment(templates: Path) -> jinja2.Environment:
    """Everything is escaped, and a name a template misspells is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(
        classes=CLASSES, boundaries=BOUNDARIES, outcomes=OUTCOMES, policies=POLICIES, reason_table=REASONS
    )
    made.filters.update(memory=memory, duration=duration, flags=flags, plural=plural, symbol=symbol)
    return made


class Pages:
    """Writes pages below a folder and counts them."""

    def __init__(self, templates: Path, out: Path) -> None:
        self._environment = environment(templates)
        self._out = out
        self.count = 0

    def write(self, path: str, template: str, **context: object) -> None:
        """One page. `path` is relative with forward slashes; links in the page go through `root`."""
        root = "../" * path.count("/")
        text = self._environment.get_template(template).render(root=root, page=path, **context)
        target = self._out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        self.count += 1
