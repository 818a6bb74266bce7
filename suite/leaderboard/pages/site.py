"""Every page but the results' own. Long lists go over several pages; a page whose rows did not change is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from math import ceil

from suite.leaderboard.cache import key_of
from suite.leaderboard.content import Entry, Failure, Machine, Refused, Site
from suite.leaderboard.kept import Digest
from suite.leaderboard.pages.boards import Ranked, place_key, ranked_of, write_boards
from suite.leaderboard.pages.history import History, histories
from suite.leaderboard.pages.lineup import lineup
from suite.leaderboard.pages.scores import Scoring, write_page
from suite.leaderboard.pages.tables import Table, table
from suite.leaderboard.pages.work import works
from suite.leaderboard.paging import Page, paged
from suite.leaderboard.ranking.boards import Board, Placed
from suite.leaderboard.ranking.leaders import leaders
from suite.leaderboard.render import Pages
from suite.leaderboard.words import CLASSES

HEADLINE_LINES = 10
BOARDS_ON_INDEX = 60
"""As many boards besides the headline stand there with their first row, the others as links."""

RESULTS_ON_SYSTEM = 5
LINES_ON_SYSTEM = 50
BOARDS_ON_LIST = 200
LIST_ROWS = 50
"""Rows on a page of results, systems, or refusals: a page has at most 3,000 elements, and the script lists as many."""


def write_site(content: Site, digests: Mapping[str, Digest], scores: Sequence[Scoring], pages: Pages) -> None:
    """`digests` tell the bytes behind each result's rows apart."""
    ranked = [ranked_of(board, digests) for board in content.boards]
    _write_index(content, ranked, pages)
    write_boards(ranked, pages)
    _write_systems(content, ranked, digests, scores, pages)
    write_page(scores, content.date, pages)
    _write_lists(content, digests, pages)
    older = {board.path for board in content.older}
    for part in _board_list(content):
        pages.write(part.path, "boards.html", date=content.date, list=part, older=older, foreign=content.foreign)
    pages.write("methodology.html", "methodology.html", date=content.date, site=content)
    _write_work(content, pages)
    pages.write("submit.html", "submit.html", date=content.date)


def _write_work(content: Site, pages: Pages) -> None:
    """The formulas and bands of all workloads take half a second, and change with the code only."""
    key = (content.date, [(board.path, board.systems) for board in content.current])
    pages.keep("workloads.html", "workloads.html", key, lambda: {"date": content.date, "works": works(content.boards)})


def write_not_found(date: str | None, base: str, pages: Pages) -> None:
    """A server gives it at any address, where links that begin at the site's root would lead elsewhere."""
    pages.write("404.html", "404.html", date=date, root=base)


def _write_index(content: Site, ranked: Sequence[Ranked], pages: Pages) -> None:
    older = {board.path for board in content.older}
    shown = [one for one in ranked if one.board.boundary == "device" and one.board.path not in older]
    headline = content.headline
    lists = _board_list(content)
    models = [one for one in shown if not one.board.is_calibration]
    groups = {name: [_top(one, 1) for one in models if one.board.meter_class == name] for name in CLASSES}
    pages.write(
        "index.html",
        "index.html",
        date=content.date,
        site=content,
        headline=next((_top(one, HEADLINE_LINES) for one in shown if one.board == headline), None),
        lineup=lineup(content.current, headline, content.failures, content.older),
        groups={name: found for name, found in groups.items() if found},
        calibration=[_top(one, 0) for one in shown if one.board.is_calibration and one.board.may_rank],
        most_boards=BOARDS_ON_INDEX,
        older=len(content.older),
        older_page=next((part.path for part in lists for board in part.items if board.path in older), None),
        class_pages={
            board.meter_class: part.path for part in reversed(lists) for board in part.items if board.path not in older
        },
    )


def _board_list(content: Site) -> tuple[Page[Board], ...]:
    """All boards: class by class, older versions of the work after all of these."""
    order = list(CLASSES)
    current = sorted(content.current, key=lambda one: order.index(one.meter_class))
    return paged("boards.html", [*current, *content.older], BOARDS_ON_LIST)


def _top(one: Ranked, most: int) -> Table:
    """The first lines, each of another system."""
    return table(one.board, leaders(one.board)[:most], one.scales)


def _write_systems(
    content: Site, ranked: Sequence[Ranked], digests: Mapping[str, Digest], scores: Sequence[Scoring], pages: Pages
) -> None:
    machines = content.machines
    recent = {entry.id for machine in machines for entry in machine.entries[:RESULTS_ON_SYSTEM]}
    own = _own_places(ranked, recent)
    past = histories(content.boards)
    older = {board.path for board in content.older}
    for machine in machines:
        shown = _recent(machine, own)
        key = key_of(
            [digests[one.id] for one in machine.entries],
            [_lines_key(own.get(one.id, ()), digests) for one in shown],
            [one.key(machine.system.slug) for one in scores],
            past.get(machine.system.slug),
            [one.board.path for entry in shown for one, _ in own.get(entry.id, ()) if one.board.path in older],
        )
        lines = _lines(shown, own)
        longest = max(len(machine.entries) / LIST_ROWS, len(lines) / LINES_ON_SYSTEM)
        for page in paged(machine.path, range(ceil(longest)), 1):
            first = page.number == 1
            told = (scores, past.get(machine.system.slug)) if first else ((), None)
            context = partial(_system_context, machine, page, lines, older, *told)
            pages.keep(page.path, "system.html", key, context)


def _system_context(
    machine: Machine,
    page: Page[int],
    lines: Sequence[_Line],
    older: Container[str],
    scores: Sequence[Scoring],
    history: History | None,
) -> dict[str, object]:
    start, first = LINES_ON_SYSTEM * (page.number - 1), LIST_ROWS * (page.number - 1)
    return {
        "date": machine.entries[0].date,
        "machine": machine,
        "entries": machine.entries[first : first + LIST_ROWS],
        "list": replace(page, items=()),  # two lists: no count is right for both
        "recent": _tables(lines[start : start + LINES_ON_SYSTEM]),
        "shown": len({entry.id for entry, _, _ in lines}),
        "older": older,
        "scores": scores,
        "history": history,
    }


_Own = Sequence[tuple[Ranked, list[Placed]]]
_Line = tuple[Entry, Ranked | None, Placed | None]
"""A row of a result on a board; without them where the result has none."""


def _own_places(ranked: Iterable[Ranked], results: set[str]) -> dict[str, list[tuple[Ranked, list[Placed]]]]:
    """The rows of each of these results, board by board."""
    found: dict[str, list[tuple[Ranked, list[Placed]]]] = defaultdict(list)
    for one in ranked:
        places: dict[str, list[Placed]] = defaultdict(list)
        for placed in one.board.placed:
            if placed.row.result in results:
                places[placed.row.result].append(placed)
        for result, own in places.items():
            found[result].append((one, own))
    return found


def _recent(machine: Machine, own: Mapping[str, _Own]) -> list[Entry]:
    """The newest results, as many as have room."""
    shown: list[Entry] = []
    lines = 0
    for entry in machine.entries[:RESULTS_ON_SYSTEM]:
        lines += sum(len(places) for _, places in own.get(entry.id, ()))
        if shown and lines > LINES_ON_SYSTEM:
            break
        shown.append(entry)
    return shown


def _lines_key(own: _Own, digests: Mapping[str, Digest]) -> list[object]:
    return [
        (one.board.path, one.board.ranked, one.scales, [place_key(placed, digests) for placed in places])
        for one, places in own
    ]


def _lines(shown: Iterable[Entry], own: Mapping[str, _Own]) -> list[_Line]:
    found: list[_Line] = []
    for entry in shown:
        lines = [(entry, one, placed) for one, places in own.get(entry.id, ()) for placed in places]
        found += lines or [(entry, None, None)]
    return found


def _tables(lines: Sequence[_Line]) -> list[tuple[Entry, list[Table]]]:
    """Each result's lines of each board, ranked as on the whole of it."""
    found: list[tuple[Entry, list[Table]]] = []
    for (entry, one), own in groupby(lines, key=lambda line: line[:2]):
        if not found or found[-1][0] is not entry:
            found.append((entry, []))
        if one is not None:
            found[-1][1].append(table(one.board, [placed for _, _, placed in own if placed], one.scales))
    return found


def _write_lists(content: Site, digests: Mapping[str, Digest], pages: Pages) -> None:
    machines = content.machines
    for systems in paged("systems.html", machines, LIST_ROWS):
        pages.write(systems.path, "systems.html", date=content.date, site=content, list=systems)
    for files in paged("data.html", content.entries, LIST_ROWS):
        key = (content.date, replace(files, items=()), [digests[entry.id] for entry in files.items])
        pages.keep(files.path, "data.html", key, partial(_data_context, content, files))
    _write_excluded(content, digests, pages)


def _data_context(content: Site, files: Page[Entry]) -> dict[str, object]:
    return {"date": content.date, "site": replace(content, entries=files.items), "list": files}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excluded:
    """One page of each of the three lists."""

    refused: Sequence[Refused]
    failures: Sequence[tuple[Entry, Failure]]
    unranked: Sequence[Placed]

    def key(self, digests: Mapping[str, Digest]) -> list[object]:
        """A name for all of it."""
        failures = [(digests[entry.id], failure.number) for entry, failure in self.failures]
        return [[(one.name, one.checked.findings) for one in self.refused], failures,
                [place_key(placed, digests) for placed in self.unranked]]  # fmt: skip


def _write_excluded(content: Site, digests: Mapping[str, Digest], pages: Pages) -> None:
    refused = [
        replace(one, checked=replace(one.checked, findings=(finding,)))
        for one in content.refused
        for finding in one.checked.findings
    ]
    failures, unranked = content.failures, content.unranked
    longest = range(max(map(len, (refused, failures, unranked))))
    for page in paged("excluded.html", longest, LIST_ROWS):
        own = slice(page.first - 1, page.first - 1 + LIST_ROWS)
        shown = _Excluded(refused=refused[own], failures=failures[own], unranked=unranked[own])
        lists = replace(page, items=())  # three lists: no count is right for all
        context = {"date": content.date, "site": shown, "list": lists}
        pages.keep(page.path, "excluded.html", (content.date, lists, shown.key(digests)), partial(dict, context))
