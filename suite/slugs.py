"""Names that can stand in a path."""

from __future__ import annotations

import re


def slug(name: str) -> str:
    """A folder's name: lower-case words of letters and digits joined by hyphens, at most 80 characters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-") or "machine"
