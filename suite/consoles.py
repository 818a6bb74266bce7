"""What is printed to by way of rich, and what happens where nobody reads it any more."""

from __future__ import annotations

import os

from rich.console import Console

from suite import exits


class Output(Console):
    """A console of a command that only tells: it ends quietly where nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise SystemExit(exits.CANNOT_WRITE) from None


class Commentary(Console):
    """A console beside work that matters: where nobody reads it any more, it falls silent and the work goes on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)
