"""Submitting a result: what becomes public is shown, it is signed if asked, placed, committed and proposed."""

from __future__ import annotations


class Stopped(Exception):
    """It goes no further. The message is one line with the cure; `code` is one of suite.exits."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
