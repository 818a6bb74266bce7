"""Baskets of work and the frozen reference of their scores: the tables `baskets.toml` and `reference.toml`."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

BASKETS = Path(__file__).with_name("baskets.toml")
REFERENCE = Path(__file__).with_name("reference.toml")


class Item(NamedTuple):
    """One kind of work of a basket."""

    workload: str
    mode: str
    size: str
    version: int
    unit: str

    @property
    def title(self) -> str:
        return f"{self.workload} {self.mode}"

    @property
    def path(self) -> str:
        """How the tables name it: "gpt/train/s/2/token"."""
        return "/".join(map(str, self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """Work that a system must have done, all of it, to have a score. Every item weighs alike."""

    name: str
    version: int
    title: str
    items: tuple[Item, ...]

    @property
    def slug(self) -> str:
        return f"{self.name}-{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The fixed point of a basket's scale: joules per unit of each of its items, by a stated convention."""

    name: str
    convention: str
    joules_per_unit: Mapping[Item, float]

    @property
    def sha256(self) -> str:
        """What the numbers are named by."""
        return hashlib.sha256(canonical(self.joules_per_unit)).hexdigest()


def canonical(joules_per_unit: Mapping[Item, float]) -> bytes:
    """The bytes the reference is named by: a line "workload/mode/size/version/unit joules" per item, sorted, UTF-8.

    Joules are written with the fewest digits that give the same 64-bit number.
    """
    lines = sorted(f"{item.path} {joules!r}\n" for item, joules in joules_per_unit.items())
    return "".join(lines).encode()


@cache
def baskets() -> tuple[Basket, ...]:
    """All baskets, the default one first."""
    return tuple(_basket(**table) for table in tomllib.loads(BASKETS.read_text(encoding="utf-8"))["baskets"])


def _basket(*, items: list[str], **facts: Any) -> Basket:
    return Basket(items=tuple(map(item, items)), **facts)


@cache
def reference(basket: Basket) -> Reference:
    """The basket's reference. ValueError when its numbers are not those that its hash names."""
    return parsed(REFERENCE.read_text(encoding="utf-8"), basket)


def parsed(text: str, basket: Basket) -> Reference:
    """A basket's reference from the text of the table. ValueError when its numbers are not those its hash names."""
    table = tomllib.loads(text)
    joules = {one: float(table["joules_per_unit"][one.path]) for one in basket.items}
    found = Reference(name=table["name"], convention=table["convention"], joules_per_unit=MappingProxyType(joules))
    named = table["sha256"][basket.slug]
    if found.sha256 != named:
        raise ValueError(f"the reference of basket {basket.slug} is named {named}, its numbers hash to {found.sha256}")
    return found


def item(path: str) -> Item:
    """An item by its name in the tables. ValueError when it is none."""
    workload, mode, size, version, unit = path.split("/")
    return Item(workload, mode, size, int(version), unit)
