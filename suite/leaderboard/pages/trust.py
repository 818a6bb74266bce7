"""What other files say of a result, put on its own pages: those are kept by what the result's own file says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from suite.leaderboard.cache import Cache, key_of
from suite.leaderboard.decisions import Decision
from suite.leaderboard.kept import Record
from suite.leaderboard.ranking.trust import Claim, Trust
from suite.leaderboard.render import environment
from suite.trace import Boundary

PLACE = "<!-- trust -->"
"""Where a page has room for it."""

Told = Sequence[tuple[Boundary, Claim]]


def tell(
    records: Iterable[Record], trust: Trust, audited: Mapping[str, Decision], templates: Path, cache: Cache, fresh: Path
) -> None:
    """Say on the pages below `fresh` who reproduced or audited what they show, and where a second run is asked for."""
    made = environment(templates).get_template("_trust.html")
    claims = _by_cell(trust)
    spoken_of = {result for result, _ in claims} | audited.keys()
    for record in records:
        if record.entry is None or record.entry.id not in spoken_of:
            continue
        audit = audited.get(record.entry.id)
        for path in (file.path for file in record.files if file.path.endswith(".html")):
            own = claims.get(_cell_of(path), ())
            if audit or own:
                told = made.render(root="../" * path.count("/"), audit=audit, claims=own)
                _put(cache, f"{key_of(record.sha256, path, told)}.told", fresh / path, told)


def _by_cell(trust: Trust) -> dict[tuple[str, str], Told]:
    found: dict[tuple[str, str], list[tuple[Boundary, Claim]]] = defaultdict(list)
    for (result, cell, boundary), claim in trust.told():
        found[result, str(cell)].append((boundary, claim))
    return {cell: sorted(claims, key=lambda one: one[0]) for cell, claims in found.items()}


def _cell_of(path: str) -> tuple[str, str]:
    """The result and the number of the cell whose page this is, the first or a further one."""
    parts = Path(path)
    return parts.parent.name, parts.stem.partition("_")[0]


def _put(cache: Cache, name: str, page: Path, told: str) -> None:
    """The page as it was told before, or anew: what stands there is a blob of the cache under another name."""
    text = page.read_text(encoding="utf-8")
    page.unlink()
    if not cache.place(name, page):
        page.write_text(text.replace(PLACE, told, 1), encoding="utf-8", newline="\n")
        cache.adopt(name, page)
