"""Which version of a piece of work is the one that counts: the one that this checkout runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import workloads
from suite.leaderboard.ranking.boards import Board


def newest(found: Sequence[Board]) -> tuple[Board, ...]:
    """Boards of the version that counts, whatever else was measured: a version that nobody has run yet has none."""
    latest = latest_versions(found)
    return tuple(board for board in found if board.version == latest[board.workload, board.mode, board.size])


def latest_versions(found: Iterable[Board]) -> dict[tuple[str, str, str], int]:
    """The version that counts of each workload, mode and size that was measured."""
    latest: dict[tuple[str, str, str], int] = {}
    for board in found:
        key = (board.workload, board.mode, board.size)
        latest[key] = max(board.version, latest.get(key) or _specified(board.workload, board.mode))
    return latest


def _specified(workload: str, mode: str) -> int:
    """0 for work that this checkout does not know: of that the newest measured version counts."""
    spec = workloads.specs(workload).get(mode) if workload in workloads.names() else None
    return spec.version if spec else 0
