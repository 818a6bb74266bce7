"""What a reason code is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["record", "warn", "invalidate"]

POLICIES: dict[Policy, str] = {
    "record": "the number stands; the code says how it came about.",
    "warn": "the number stands with a flag on its row: read the cause before you rely on it.",
    "invalidate": "there is no number: the window's joules are unknown, never zero and never a guess.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What a code means, what would help, and what follows from it for a window's joules."""

    code: str
    policy: Policy
    cause: str
    cure: str
