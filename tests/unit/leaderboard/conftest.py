"""Synthetic results, and a site built from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import workloads
from suite.leaderboard.ranking.frame import Row

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the templates and static files."""
    return ROOT / "site"


@pytest.fixture(scope="session")
def results(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen results of ten machines. Read only."""
    folder = tmp_path_factory.mktemp("results")
    synthetic.write(folder, 12)
    return folder


@pytest.fixture
def make_row() -> Callable[..., Row]:
    """Rows that differ only in what the caller says."""
    plain = Row(
        workload="gpt",
        mode="train",
        size="s",
        version=workloads.specs("gpt")["train"].version,
        unit="token",
        boundary="device",
        meter_class="measured",
        system="one",
        system_name="One",
        result="000000000001",
        date="2026-01-05",
        cell=1,
        backend="cuda",
        framework="torch",
        framework_version="2.13.0",
        precision="bf16",
        batch=8,
        technique="compiled",
        joules_per_unit=1.0,
        joules_low=0.9,
        joules_high=1.1,
        repeats=3,
        spread=0.01,
        units_per_s=100.0,
        units_per_s_low=90.0,
        units_per_s_high=110.0,
        mean_power_w=100.0,
        net_joules_per_unit=None,
        net_low=None,
        net_high=None,
        joules_per_flop=1e-12,
        mfu=None,
        mbu=None,
        bound=None,
        floor_joules_per_unit=None,
        floor_excess=None,
        floor_excess_low=None,
        floor_excess_high=None,
        why=None,
        domains=("gpu0",),
        reasons=(),
    )

    def make(**changes: Any) -> Row:
        return replace(plain, **changes)

    return make


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="session")
def parse() -> Callable[[Path], _Elements]:
    """A page to `.found`, its elements with their attributes, and `.text`, what a reader sees."""

    def parsed(page: Path) -> _Elements:
        elements = _Elements()
        elements.feed(page.read_text(encoding="utf-8"))
        elements.close()
        return elements

    return parsed
