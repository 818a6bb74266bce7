"""Which files take part: each result once, each run once, the newest first. The same for the site and for exports."""

from __future__ import annotations

from suite.check.findings import Finding, error


class Once:
    """The results and runs that were admitted so far."""

    def __init__(self) -> None:
        self._results: set[str] = set()
        self._journals: set[str] = set()

    def admit(self, result: str, journal: str) -> Finding | None:
        """None, and both are admitted; or why not: a file before this one holds the result, or another of the run."""
        if result in self._results:
            told = f"another file already holds result {result}"
            return error("id-twice", "/id", told, "Keep one of the two files.")
        if journal in self._journals:
            told = "another file already holds this run, under another id"
            return error("journal-twice", "/journal_sha256", told, "A result is never changed: keep the first.")
        self._results.add(result)
        self._journals.add(journal)
        return None


def newest_first(date: str, result: str) -> tuple[int, str]:
    """By what results are sorted."""
    return (-int(date.replace("-", "")), result)
