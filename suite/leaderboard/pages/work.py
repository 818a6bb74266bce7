"""The workloads in figures: what one unit of each costs in arithmetic and traffic, and the board it stands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import workloads
from suite.leaderboard.ranking.boards import Board
from suite.leaderboard.ranking.versions import newest
from suite.roofline import CALIB
from suite.units import quantity
from workloads.base import Band, Spec

SIZES = ("s", "m", "l")
"""The smallest, xs, is for tests: no board is made of it."""

PRECISION = "bf16"
"""Bytes and bands are told at this one; the other's stand in the specification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One mode at one size: what a step holds, as text. `board` is None where nobody has run it."""

    mode: str
    size: str
    unit: str
    parameters: str
    flops: str  # per unit
    traffic: str  # least bytes per unit
    batch: str
    band: str
    board: Board | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A workload and its pieces. `qualities` says of modes what must fall inside the band."""

    name: str
    version: int
    pieces: tuple[Piece, ...]
    qualities: tuple[tuple[str, str], ...]


def works(boards: Iterable[Board]) -> tuple[Work, ...]:
    """Every workload but the calibration, which is no model."""
    found: dict[tuple[str, str, str], Board] = {}
    for board in newest(tuple(boards)):
        found.setdefault((board.workload, board.mode, board.size), board)
    return tuple(_work(name, workloads.specs(name), found) for name in workloads.names() if name != CALIB)


def _work(name: str, specs: Mapping[str, Spec], boards: Mapping[tuple[str, str, str], Board]) -> Work:
    return Work(
        name=name,
        version=max(spec.version for spec in specs.values()),
        pieces=tuple(
            _piece(spec, size, boards.get((name, mode, size)))
            for mode, spec in specs.items()
            for size in SIZES
            if size in spec.sizes
        ),
        qualities=_qualities(specs),
    )


def _qualities(specs: Mapping[str, Spec]) -> tuple[tuple[str, str], ...]:
    """Modes that ask for the same stand together."""
    found: dict[str, list[str]] = {}
    for mode, spec in specs.items():
        found.setdefault(spec.quality_name, []).append(mode)
    return tuple((", ".join(modes), name) for name, modes in found.items())


def _piece(spec: Spec, size: str, board: Board | None) -> Piece:
    sized = spec.sizes[size]
    units = spec.units_per_step(sized)
    return Piece(
        mode=spec.mode,
        size=size,
        unit=spec.unit,
        parameters=quantity(spec.parameters(sized), "").replace("G", "B").strip(),
        flops=quantity(spec.flops_per_step(sized) / units, "FLOP"),
        traffic=quantity(spec.bytes_per_step(sized, PRECISION) / units, "B"),
        batch=f"{min(spec.batches)} to {max(spec.batches)}" if spec.batches else f"{sized.batch}",
        band=_band(spec.band(size, PRECISION)),
        board=board,
    )


def _band(band: Band) -> str:
    return f"{band.low:.4g} to {band.high:.4g}"
