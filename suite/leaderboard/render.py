"""Templates to files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import jinja2

from suite.check.population import CONSISTENT, ENOUGH, FAR, LEAST_SPREAD
from suite.grade import ASPECTS
from suite.leaderboard.cache import Cache, key_of, sha256
from suite.leaderboard.ranking.trust import LADDER, WITHIN
from suite.leaderboard.words import BOUNDARIES, CLASSES, ENDED, OUTCOMES, flags
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
        classes=CLASSES,
        boundaries=BOUNDARIES,
        outcomes=OUTCOMES,
        ended=ENDED,
        policies=POLICIES,
        reason_table=REASONS,
        ladder=LADDER,
        aspects=ASPECTS,
        population={"enough": ENOUGH, "far": FAR, "consistent": CONSISTENT, "least": LEAST_SPREAD, "within": WITHIN},
    )
    made.filters.update(memory=memory, duration=duration, flags=flags, plural=plural, symbol=symbol)
    return made


_compiled = lru_cache(maxsize=4)(environment)


class Pages:
    """Writes pages below a folder and counts them; with a cache, those that did not change are not written again."""

    def __init__(self, templates: Path, out: Path, cache: Cache | None = None) -> None:
        self._environment = _compiled(templates)
        self._out = out
        self._cache = cache
        self.count = 0

    def write(self, path: str, template: str, **context: object) -> None:
        """One page. `path` is relative with forward slashes; links in the page go through `root`."""
        data = self.rendered(path, template, context)
        self._keep(f"{sha256(data)}.text", path, lambda: data)
        self.count += 1

    def keep(self, path: str, template: str, key: object, context: Callable[[], Mapping[str, object]]) -> None:
        """One page as `write` makes it, not even rendered if an earlier build made it from an equal key.

        The repr of `key` has to tell all that `context` depends on besides the code and the templates.
        """
        name = f"{key_of(path, template, key)}.page"
        self._keep(name, path, lambda: self.rendered(path, template, context()))
        self.count += 1

    def keep_script(self, path: str, key: object, made: Callable[[], str]) -> None:
        """A script of data, in ASCII, as `keep` keeps a page. It is not counted."""
        self._keep(f"{key_of(path, key)}.script", path, lambda: made().encode("ascii"))

    def rendered(self, path: str, template: str, context: Mapping[str, object]) -> bytes:
        """A page's bytes."""
        known = {"root": "../" * path.count("/"), "page": path, **context}
        return self._environment.get_template(template).render(known).encode()

    def _keep(self, name: str, path: str, made: Callable[[], bytes]) -> None:
        if self._cache is None or not self._cache.place(name, self._out / path):
            self._put(name, path, made())

    def _put(self, name: str, path: str, data: bytes) -> None:
        target = self._out / path
        target.unlink(missing_ok=True)  # what stands there may be a blob of the cache under another name
        try:
            target.write_bytes(data)
        except FileNotFoundError:  # seldom: most pages go where others went before
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        if self._cache is not None:
            self._cache.adopt(name, target)
