"""Every reason code a result or a doctor's line may carry: what it means, what would help, and what follows from it."""

from __future__ import annotations

from suite.reasons import gpu, host, meters, windows
from suite.reasons.base import POLICIES, Policy, Reason

__all__ = ["POLICIES", "REASONS", "Policy", "Reason", "markdown"]

REASONS: dict[str, Reason] = {reason.code: reason for theme in (meters, windows, gpu, host) for reason in theme.TABLE}


def markdown() -> str:
    """The table for docs/reasons.md."""
    lines = [
        "# Reason codes",
        "",
        "Made by `python -m suite explain --markdown`; the suite prints one by",
        "`python -m suite explain CODE`.",
        "",
    ]
    lines += [f"- **{policy}**: {meaning}" for policy, meaning in POLICIES.items()]
    lines += ["", "| code | policy | cause | cure |", "|---|---|---|---|"]
    lines += [f"| `{one.code}` | {one.policy} | {_cell(one.cause)} | {_cell(one.cure)} |" for one in REASONS.values()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
