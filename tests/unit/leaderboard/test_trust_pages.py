"""A site says of each row who stands for it, and changes its word when a signature or a decision comes or goes."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.check.findings import Checked
from suite.grade import ASPECTS
from suite.leaderboard import Built, build
from suite.leaderboard.cache import cache_of
from suite.leaderboard.ranking.trust import LADDER, Voucher
from suite.leaderboard.render import Pages
from suite.leaderboard.result.pages import write_pages
from suite.leaderboard.trust_files import beside
from suite.leaderboard.workers import Limits
from suite.record import Result
from suite.roofline import calibrations
from suite.signatures import NAMESPACE, Signature, signature_path

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen on the path")

OTHERS = 4
"""Results besides the two that may be signed and the one that draws three times as much."""

Say = Callable[[str], str]


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


class Case:
    """Results of one simulated machine: the first two cost alike, the last one three times as much."""

    def __init__(self, folder: Path, site: Path, results: list[Result], dumps: Callable[[Result], bytes]) -> None:
        self.folder, self.site, self.results = folder, site, results
        self.source, self.out = folder / "results", folder / "out"
        self.source.mkdir()
        for number, result in enumerate(results):
            self.file(number).write_bytes(dumps(result))

    def file(self, number: int) -> Path:
        return self.source / f"{number}.json"

    def sign(self, number: int, key: str, namespace: str = NAMESPACE) -> str:
        """Signs with the key of this name, which is made if there is none; gives its public half."""
        private = self.folder / key
        if not private.exists():
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(private)]
            subprocess.run(made, check=True)
        signature_path(self.file(number)).unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(private), str(self.file(number))]
        subprocess.run(command, check=True, capture_output=True)
        return private.with_suffix(".pub").read_text()

    def decide(self, number: int, action: str, reason: str) -> None:
        line = {"date": "2026-02-03", "result": self.results[number].id, "action": action, "reason": reason}
        with (self.source / "decisions.jsonl").open("a") as stream:
            stream.write(f"{json.dumps(line)}\n")

    def build(self) -> Built:
        return build(self.source, self.site, self.out, Limits(processes=1))

    def from_nothing(self) -> dict[str, bytes]:
        afresh = self.folder / "afresh"
        build(self.source, self.site, afresh, Limits(processes=1))
        found = contents(afresh)
        shutil.rmtree(afresh)
        shutil.rmtree(cache_of(afresh))
        return found

    def cell(self, number: int) -> str:
        """The number of its first cell that ended well, which is that of every result here."""
        return str(next(n for n, one in enumerate(self.results[number].cells, 1) if one.outcome == "ok"))

    def page(self, number: int) -> Path:
        return self.out / "results" / self.results[number].id / f"{self.cell(number)}.html"


@pytest.fixture(scope="module")
def made(synthetic: ModuleType) -> list[Result]:
    """Small results, quickly read: one well-done cell each."""
    (index,) = [number for number, machine in enumerate(synthetic.MACHINES) if machine.backend == "simulated"]
    first: Result = synthetic.result(index, 1)
    cell = next(one for one in first.cells if one.outcome == "ok" and len(one.attempts) == 1)
    alike = [first.model_copy(update={"date": f"2026-03-{day:02}", "cells": (cell,)}) for day in range(1, OTHERS + 3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "MACHINES", tuple(map(thirsty, synthetic.MACHINES)))
        wasteful: Result = synthetic.result(index, 1)
    same = next(one for one in wasteful.cells if one.cell == cell.cell)
    far = wasteful.model_copy(update={"cells": (same,)})
    runs = (one.model_copy(update={"journal_sha256": f"{number:064x}"}) for number, one in enumerate((*alike, far)))
    return [synthetic.sealed(one) for one in runs]


def thirsty(machine: Any) -> Any:
    domains = tuple(replace(part, busy_w=3 * part.busy_w) for part in machine.domains)
    return replace(machine, domains=domains)


@pytest.fixture
def case(made: list[Result], synthetic: ModuleType, site: Path, tmp_path: Path) -> Case:
    return Case(tmp_path, site, made, synthetic.dumps)


@pytest.fixture
def said(case: Case, parse: Callable[[Path], Any]) -> Callable[[Path], str]:
    return lambda page: " ".join(" ".join(parse(page).text).split())


def steps(case: Case, parse: Callable[[Path], Any]) -> dict[int, str]:
    """What the one board says of each result."""
    (board,) = (case.out / "boards").rglob("*.html")
    text = board.read_text(encoding="utf-8")
    rows = {row.split(":")[0]: row for row in text.split('<tr data-row="')[1:]}
    words = {rung.step for rung in LADDER}
    said = {
        result: [word for word in words if f'<span class="sub">{word}</span>' in row] for result, row in rows.items()
    }
    assert all(len(found) == 1 for found in said.values()), said
    return {number: said[result.id][0] for number, result in enumerate(case.results)}


def test_each_step_is_reached_and_said_on_board_and_page(
    case: Case, parse: Callable[[Path], Any], said: Callable[[Path], str]
) -> None:
    case.sign(0, "ann")
    case.sign(1, "bob")
    case.sign(6, "ann")
    case.decide(2, "audited", "seen on <our> bench")
    assert case.build().skipped == ()
    expected = {0: "reproduced", 1: "reproduced", 2: "audited", 6: "signed"}
    assert steps(case, parse) == {number: expected.get(number, "validated") for number in range(len(case.results))}
    text = said(case.page(0))
    assert "A signature proves authorship, not truth." in text
    assert f"reproduced within device by result {case.results[1].id}" in text
    assert "audited on 2026-02-03 : seen on <our> bench . All decisions" in said(case.page(2))
    assert "that needs two different signing keys" in said(case.page(3))
    assert "audited on 2026-02-03" in said(case.out / "results" / f"{case.results[2].id}.html")
    assert "second run asked for Within device it costs more than is usual: robust z" in said(case.page(6))
    assert "among 7 results of this cell" in said(case.page(6))
    assert not any("second run asked for" in said(case.page(number)) for number in range(6))
    (board,) = (case.out / "boards").rglob("*.html")
    assert board.read_text().count("second run asked for</a>") == 1


def test_a_second_build_keeps_told_pages_and_gives_the_same_bytes(case: Case) -> None:
    case.sign(0, "ann")
    case.sign(1, "bob")
    case.decide(2, "audited", "seen")
    case.build()
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in map(case.page, range(3))}
    everything = contents(case.out)
    again = case.build()
    assert again.cached == again.files
    assert {path: (path.stat().st_ino, path.read_bytes()) for path in before} == before
    assert contents(case.out) == everything


def test_a_signature_that_comes_changes_or_goes_leaves_the_site_as_if_built_from_nothing(
    case: Case, parse: Callable[[Path], Any], said: Callable[[Path], str]
) -> None:
    case.build()
    assert steps(case, parse)[0] == "validated"
    public = case.sign(0, "ann")
    case.build()
    assert steps(case, parse)[0] == "signed"
    assert "whose owner nobody here knows" in said(case.page(0))
    assert contents(case.out) == case.from_nothing()
    (case.source / "allowed_signers").write_text(f"ann@example.org {public}")
    case.build()
    assert "signed by ann@example.org with the key SHA256:" in said(case.page(0))
    assert contents(case.out) == case.from_nothing()
    signature_path(case.file(0)).unlink()
    case.build()
    assert steps(case, parse)[0] == "validated"
    assert contents(case.out) == case.from_nothing()


def test_two_keys_that_the_list_gives_one_owner_reproduce_nothing(case: Case, parse: Callable[[Path], Any]) -> None:
    keys = [case.sign(number, key) for number, key in enumerate(("ann", "anns-second"))]
    (case.source / "allowed_signers").write_text("".join(f"ann {key}" for key in keys))
    case.build()
    assert [steps(case, parse)[number] for number in (0, 1)] == ["signed", "signed"]


def test_a_decision_that_comes_later_changes_the_board_and_withdrawing_ends_a_reproduction(
    case: Case, parse: Callable[[Path], Any]
) -> None:
    case.sign(0, "ann")
    case.sign(1, "bob")
    case.build()
    case.decide(0, "audited", "seen")
    case.build()
    assert [steps(case, parse)[number] for number in (0, 1)] == ["audited", "reproduced"]
    case.decide(0, "withdrawn", "the fan was off")
    case.build()
    (board,) = (case.out / "boards").rglob("*.html")
    text = board.read_text()
    assert case.results[0].id not in text
    assert text.count('<span class="sub">signed</span>') == 1
    assert contents(case.out) == case.from_nothing()


@pytest.mark.parametrize("how", ["another file's", "another purpose", "a folder"])
def test_a_file_with_a_signature_that_does_not_hold_is_refused_by_name(
    case: Case, said: Callable[[Path], str], how: str
) -> None:
    if how == "a folder":
        signature_path(case.file(0)).mkdir()
    elif how == "another purpose":
        case.sign(0, "ann", namespace="git")
    else:
        case.sign(1, "ann")
        signature_path(case.file(1)).rename(signature_path(case.file(0)))
    (refused,) = case.build().skipped
    assert (refused.path.name, [one.rule for one in refused.findings]) == ("0.json", ["signature-bad"])
    assert "signature-bad" in said(case.out / "excluded.html")
    assert contents(case.out) == case.from_nothing()


def test_a_file_with_a_warning_stays_on_the_lowest_step_even_if_signed(
    case: Case, synthetic: ModuleType, parse: Callable[[Path], Any], said: Callable[[Path], str]
) -> None:
    changed = case.results[0].software.model_copy(update={"modified": True})
    case.results = [synthetic.sealed(case.results[0].model_copy(update={"software": changed})), *case.results[1:]]
    case.file(0).write_bytes(synthetic.dumps(case.results[0]))
    case.sign(0, "ann")
    case.build()
    assert steps(case, parse)[0] == "self-reported"
    text = said(case.page(0))
    assert "The warning keeps it on its step." in text
    assert "the suite that made it was not as committed" in said(case.out / "results" / f"{case.results[0].id}.html")


def test_a_signature_that_cannot_be_read_is_not_taken_for_none(case: Case) -> None:
    case.sign(0, "ann")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))  # no file at all can be opened
    try:
        found = beside(case.file(0))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found.said.state == "unchecked"
    assert found.name(b"", "") != beside(case.file(1)).name(b"", "")


def test_a_signature_that_cannot_be_verified_here_is_said_to_be(
    made: list[Result], site: Path, tmp_path: Path, said: Callable[[Path], str]
) -> None:
    doubtful = Voucher(warned=False, signature=Signature(state="unchecked", why="there is no ssh-keygen here"))
    checked = Checked(tmp_path, made[0], ())
    pages = list(write_pages(checked, made[0], calibrations(made[0]), Pages(site / "templates", tmp_path), doubtful))
    assert "signature not verified there is no ssh-keygen here." in said(tmp_path / pages[0])


def test_a_grade_and_what_limits_it_stand_on_board_and_page(case: Case, said: Callable[[Path], str]) -> None:
    case.build()
    (board,) = (case.out / "boards").rglob("*.html")
    assert '#grade" title="limited by its meter">D</a><span class="sub">meter</span>' in board.read_text()
    text = said(case.page(0))
    assert "Grade D limited by its meter, simulated." in text
    assert all(f" {aspect.name} " in text for aspect in ASPECTS)


def test_the_method_explains_every_aspect_step_and_the_second_run(case: Case, said: Callable[[Path], str]) -> None:
    case.build()
    text = said(case.out / "methodology.html")
    told = [words for aspect in ASPECTS for words in (*aspect.needs.values(), aspect.why)]
    told += [words for rung in LADDER for words in (rung.needs, rung.shows)]
    assert [words for words in told if words not in text] == []
    assert "Beyond 3.5 (Iglewicz and Hoaglin, 1993) the row asks for a second run." in text
    assert "A signature proves authorship, not truth." in text
