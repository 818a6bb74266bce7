"""The reader's tools as pages: compare, energy against time, your mix, larger models; and the log of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.leaderboard import decisions
from suite.leaderboard.content import Site
from suite.leaderboard.decisions import Decision
from suite.leaderboard.drawing.pareto import finder, path_of
from suite.leaderboard.pages.tool_data import Shown, current, rows_script, write_script
from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.ranking.versions import newest
from suite.leaderboard.render import Pages, environment
from suite.leaderboard.result import badges
from suite.units import quantity

JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A number to begin with, and who says so."""

    value: float
    source: str
    year: str


GRID = Default(
    value=481, source="world average of electricity generation, Ember by way of Statista, July 2024", year="2023"
)
"""g CO2e per kWh."""

PRICE = Default(
    value=0.148, source="world average for businesses in US dollars, GlobalPetrolPrices.com", year="March 2024"
)
"""Per kWh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A model and how long it was trained, or is thought of as trained."""

    name: str
    parameters: float
    tokens: float

    @property
    def value(self) -> str:
        """As the page's script reads it."""
        return f"{self.parameters:.0f},{self.tokens:.0f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A workload to say an amount of: its name in the address, its title, its unit."""

    key: str
    title: str
    unit: str


PRESETS = (
    Preset(name="GPT-2: 124 M on 10 B tokens", parameters=124e6, tokens=10e9),
    Preset(name="GPT-2 XL: 1.5 B on 10 B tokens", parameters=1.5e9, tokens=10e9),
    Preset(name="GPT-3: 175 B on 300 B tokens", parameters=175e9, tokens=300e9),
)

PUBLISHED_FLOP = 3.14e23
PUBLISHED_KWH = 1_287_000
"""GPT-3, by Patterson et al., "Carbon Emissions and Large Neural Network Training", 2021: an estimate."""

LOG_LINES = 200
"""Decisions on the page; older ones are in the file."""

PLACE = "<!-- decision -->"
"""Where a result's page has room for a decision."""


def write(content: Site, pages: Pages, fresh: Path, decided: Sequence[Decision] = ()) -> None:
    """Every tool's page, and `data/rows.js`, which holds the rows that the tools choose from."""
    shown = shown_of(content.boards)
    offered = [board for board, _ in shown]
    write_script(fresh / "data" / "rows.js", rows_script(shown, content.date, sorted(decisions.withdrawn(decided))))
    _write_pareto(shown, content, pages)
    common: dict[str, object] = {"date": content.date}
    pages.write("compare.html", "compare.html", **common, has_rows=any(rows for _, rows in shown))
    pages.write("mix.html", "mix.html", grid=GRID, price=PRICE, works=works(offered), **common)
    pages.write(
        "extrapolate.html",
        "extrapolate.html",
        presets=PRESETS,
        published_kwh=PUBLISHED_KWH,
        published_per_flop=quantity(PUBLISHED_KWH * JOULES_PER_KWH / PUBLISHED_FLOP, "J/FLOP"),
        has_training=any((board.workload, board.mode) == ("gpt", "train") for board in offered),
        **common,
    )
    pages.write(
        "moderation.html",
        "moderation.html",
        log=tuple(reversed(decided))[:LOG_LINES],
        older=max(0, len(decided) - LOG_LINES),
        known={entry.id: entry for entry in content.entries},
        actions=decisions.ACTIONS,
        **common,
    )


def mark(own: Mapping[str, Sequence[str]], decided: Sequence[Decision], templates: Path, fresh: Path) -> None:
    """Put the word that stands about a result on its pages, and take the figures from its badges if it is withdrawn.

    `own` has each result's own files, as paths below `fresh`.
    """
    made = environment(templates)
    banner, badge = made.get_template("_decision.html"), made.get_template("badge.svg")
    for result in sorted({one.result for one in decided} & own.keys()):
        decision = decisions.standing(decided, result)
        if decision is None:
            continue
        for path in own[result]:
            if path.endswith(".html"):
                told = banner.render(root="../" * path.count("/"), decision=decision)
                text = (fresh / path).read_text(encoding="utf-8")
                _overwrite(fresh / path, text.replace(PLACE, told, 1))
            elif path.endswith(".svg") and decision.action == "withdrawn":
                _overwrite(fresh / path, badge.render(badge=badges.of_withdrawn(result, decision.date)))


def _overwrite(path: Path, text: str) -> None:
    """The same bytes may stand under other names, which keep theirs."""
    path.unlink()
    path.write_text(text, encoding="utf-8", newline="\n")


def works(offered: Sequence[Board]) -> tuple[Work, ...]:
    """Each workload, mode and size once, whatever the classes it was measured in; those of most systems first."""
    found: dict[str, Board] = {}
    for board in sorted(offered, key=lambda board: -board.systems):
        found.setdefault(f"{board.workload}.{board.mode}.{board.size}", board)
    return tuple(Work(key=key, title=board.title, unit=board.unit) for key, board in found.items())


def shown_of(boards: Sequence[Board]) -> Shown:
    """The newest versions' ranked boards, and the rows that the tools choose from."""
    return [(board, current(board)) for board in newest(boards) if _is_offered(board)]


def _is_offered(board: Board) -> bool:
    """Ranked boards of models within the device boundary, the one that every machine has."""
    return board.boundary == "device" and board.may_rank and board.ranked > 0 and not board.is_calibration


def _write_pareto(shown: Shown, content: Site, pages: Pages) -> None:
    """One page a board, and the headline's once more at the top."""
    links = [(board, path_of(board)) for board, _ in shown]
    found = {board.path: finder(board, rows) for board, rows in shown}
    for board, path in links:
        pages.write(path, "pareto.html", date=content.date, found=found[board.path], links=links)
    first = content.headline.path if content.headline else None
    top = found.get(first or "", next(iter(found.values()), None))
    pages.write("pareto.html", "pareto.html", date=content.date, found=top, links=links)
