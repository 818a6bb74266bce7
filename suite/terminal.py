"""Standard output and error of a small alphabet: what they cannot show is written as near as it can be."""

from __future__ import annotations

import codecs
import io
import sys

PLAIN = {"—": "-", "–": "-", "±": "+-", "µ": "u", "×": "x", "²": "2", "₂": "2", "→": "->", "…": "..."}
"""What our own texts hold beyond ASCII, for a terminal that cannot show it."""

_ERRORS = "plain"


def prepare() -> None:
    """From now on a sign that standard output or error cannot show is written as near as it can."""
    codecs.register_error(_ERRORS, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)


def _plain(problem: UnicodeError) -> tuple[str, int]:
    assert isinstance(problem, UnicodeEncodeError)
    signs = problem.object[problem.start : problem.end]
    return "".join(PLAIN.get(sign, "?") for sign in signs), problem.end
