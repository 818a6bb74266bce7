"""The pull request of a submission: its words, and gh that opens it where it is present."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence

from suite import exits
from suite.check.findings import Finding
from suite.normalise import score
from suite.record import CellResult, Result
from suite.report import interval
from suite.signatures import Signature
from suite.submit import Stopped
from suite.submit.repository import Repository, run
from suite.units import symbol

PROVES = "A signature proves who submits these bytes, and that nobody changed them; not that they are true."


def gh_there() -> bool:
    """Whether gh is present; Stopped where it is and nobody is logged in."""
    if shutil.which("gh") is None:
        return False
    if run(["gh", "auth", "status"]).returncode != 0:
        raise Stopped(exits.USAGE, "gh is not logged in. Log in, gh auth login, or use --commit and push by hand.")
    return True


def command(title: str, branch: str) -> list[str]:
    """Asks for the body at a terminal."""
    return ["gh", "pr", "create", "--head", branch, "--title", title]


def create(repository: Repository, words: Sequence[str], text: str) -> str:
    """Open the pull request by this command and give its address. Stopped with gh's own words where it does not."""
    done = run([*words, "--body-file", "-"], data=text.encode(), folder=repository.top)
    if done.returncode != 0:
        told = (done.stderr.strip().splitlines() or ["nothing"])[-1].rstrip(".")
        cure = f"The branch is pushed; try again with: {shlex.join(words)}"
        raise Stopped(exits.CANNOT_WRITE, f"No pull request: gh says: {told}. {cure}")
    return done.stdout.strip()


def body(result: Result, findings: Sequence[Finding], signature: Signature) -> str:
    """What a reviewer reads, in Markdown: each cell, and what was checked."""
    return "\n".join([*_cells(result), "", *_checked(result, findings), "", *_signed(signature), ""])


def _cells(result: Result) -> Iterator[str]:
    yield f"{_code(result.system.name)}, boundary `device`:"
    yield ""
    yield "| cell | energy per unit (95 %) | class | outcome |"
    yield "|---|---|---|---|"
    yield from (_row(cell) for cell in result.cells)


def _row(cell: CellResult) -> str:
    found = score(cell, "device")
    energy = interval(found.joules_per_unit, f"J/{symbol(cell.work.unit)}") if found else "—"
    return f"| {cell.cell.key} | {energy} | {found.meter_class if found else '—'} | {cell.outcome} |"


def _checked(result: Result, findings: Sequence[Finding]) -> Iterator[str]:
    software = result.software
    state = {None: "unknown", False: "unmodified", True: "modified"}[software.modified]
    rules = ", ".join(sorted({f"`{finding.rule}`" for finding in findings})) or "none"
    yield f"Made by joulemark {_code(software.joulemark)}, commit {_code(software.commit or 'unknown')} ({state})."
    yield f"`python -m suite check` accepted it before it was submitted; warnings: {rules}."


def _signed(signature: Signature) -> Iterator[str]:
    if signature.state == "valid":
        yield f"Signed by {signature.key_type} key `{signature.fingerprint}`. {PROVES}"
    else:
        yield "Not signed."


def _code(text: str) -> str:
    """As code, in which nothing is markup and nobody is addressed."""
    return f"`{text.replace('`', '')}`"
