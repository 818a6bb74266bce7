"""A pull request to its judgement: paths first, then sizes, and only then the bytes of what is left."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suite.check.batch import alone, together
from suite.check.document import parse
from suite.check.findings import Finding, error
from suite.check.verdict import Row
from suite.contribution.changes import (
    DECISIONS,
    PLACE,
    RESULTS,
    SIGNATURE,
    Change,
    Kind,
    Refusal,
    grown,
    too_large,
    verdict,
)
from suite.contribution.preview import decided, refused, standing, warned
from suite.contribution.repository import Repository
from suite.contribution.shares import shares
from suite.identity import SEALED_SINCE
from suite.leaderboard.decisions import NoDecision, read, withdrawn
from suite.leaderboard.ranking.frame import Row as BoardRow
from suite.leaderboard.ranking.frame import rows_of

_CONFLICT = error("pull-merge", "", "it cannot be merged", "Rebase it on the branch that it is to be merged into.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A row for each file that was checked or refused, by its path in the repository, and the preview in Markdown.

    Code has neither.
    """

    kind: Kind
    rows: tuple[Row, ...]
    preview: str

    @property
    def acceptable(self) -> bool:
        return all(row.acceptable for row in self.rows)


def judge(folder: Path, base: str, head: str) -> Judgement:
    """What merging commit `head` into commit `base` of the repository in `folder` would do to the results.

    NoRepository where there is none or it lacks one of the commits, NoDecision where the base's own log cannot be read,
    OSError where there is no room to check in. Never raises for what the pull request holds.
    """
    repository = Repository(folder)
    before, after = repository.commit(base), repository.commit(head)
    merged = repository.merged(before, after)
    if merged is None:
        return _refused("code", (Refusal(path=RESULTS, finding=_CONFLICT),))
    existing = repository.files(before, RESULTS)
    found = verdict(repository.changes(before, merged), existing)
    forbidden = found.refused or too_large(found.files, repository.sizes([one.blob for one in found.files]))
    if forbidden:
        return _refused(found.kind, forbidden)
    if found.kind == "code":
        return Judgement(kind="code", rows=(), preview="")
    with tempfile.TemporaryDirectory(prefix="joulemark-") as scratch:
        if found.kind == "decision":
            return _decision(repository, found.files[0], Path(scratch))
        return _results(repository, existing, found.files, Path(scratch))


def _refused(kind: Kind, refusals: Sequence[Refusal]) -> Judgement:
    rows = tuple(Row(path=Path(one.path), id=None, findings=(one.finding,)) for one in refusals)
    return Judgement(kind=kind, rows=rows, preview=refused(rows))


def _decision(repository: Repository, change: Change, scratch: Path) -> Judgement:
    old = b"" if change.status == "A" else repository.read(change.old_blob)
    new = repository.read(change.blob)
    finding = grown(old, new) or _unreadable(new, scratch)
    if finding is not None:
        return _refused("decision", (Refusal(path=change.path, finding=finding),))
    count = len(new.splitlines()) - len(old.splitlines())
    row = Row(path=Path(change.path), id=None, findings=())
    return Judgement(kind="decision", rows=(row,), preview=decided(count))


def _unreadable(log: bytes, scratch: Path) -> Finding | None:
    (scratch / Path(DECISIONS).name).write_bytes(log)
    try:
        read(scratch)
    except NoDecision as problem:
        return error("pull-decisions", "", str(problem), "Write it as the lines before it.")
    return None


def _results(repository: Repository, existing: Mapping[str, str], files: Sequence[Change], scratch: Path) -> Judgement:
    """The new files are checked beside those that are there: a trace that was published once is not new."""
    kept = {path: blob for path, blob in existing.items() if path == DECISIONS or _is_result(path)}
    old = [path for path in repository.extract(kept, scratch) if path.suffix == ".json"]
    repository.extract({one.path: one.blob for one in files}, scratch)
    new = {scratch / one.path.removesuffix(SIGNATURE) for one in files}
    known = shares([path for path in old if path not in new])
    found = alone(sorted(new)) | {one.row.path: one.row for one in known}
    checked = together([found[path] for path in dict.fromkeys([*old, *sorted(new)])])
    added = {scratch / one.path for one in files}
    rows = tuple(_named(_placed(row, is_added=row.path in added), scratch) for row in checked if row.path in new)
    if not all(row.acceptable for row in rows):
        return Judgement(kind="results", rows=rows, preview=refused(rows))
    fresh = [shown for row in checked if row.path in new for shown in rows_of(parse(row.path.read_bytes()))]
    accepted = {row.path for row in checked if row.acceptable}
    others = [shown for one in known if one.row.path in accepted for shown in one.on_boards]
    return Judgement(kind="results", rows=rows, preview=_preview(rows, [*others, *fresh], scratch / RESULTS))


def _is_result(path: str) -> bool:
    return PLACE.fullmatch(path) is not None and not path.endswith(SIGNATURE)


def _placed(row: Row, *, is_added: bool) -> Row:
    """With what an accepted file may not be or do in a pull request, though it may once it is there."""
    found = () if row.id is None else tuple(_unfit(row.path, is_added=is_added))
    return replace(row, findings=(*row.findings, *found))


def _unfit(path: Path, *, is_added: bool) -> Iterator[Finding]:
    """Another folder than its own machine's, or an id that is not of its content: any file can say that it is older."""
    data = path.read_bytes()
    slug, version = parse(data).system.slug, json.loads(data)["schema_version"]
    if slug != path.parent.name:
        yield error("pull-place", "/system/slug", f"the file is of {slug}", "Put it into the folder of that name.")
    if is_added and version < SEALED_SINCE:
        told = f"a new result of version {version}, whose id does not show whether it was changed"
        yield error("pull-version", "/schema_version", told, "Run again, with the suite as it is now.")


def _named(row: Row, scratch: Path) -> Row:
    """As in the repository: nobody can find what lay in a scratch folder."""
    return replace(row, path=row.path.relative_to(scratch), findings=tuple(_rewritten(row.findings, f"{scratch}/")))


def _rewritten(findings: Sequence[Finding], prefix: str) -> Iterator[Finding]:
    return (replace(one, message=one.message.replace(prefix, "")) for one in findings)


def _preview(rows: Sequence[Row], on_boards: Sequence[BoardRow], results: Path) -> str:
    gone = withdrawn(read(results))
    ids = frozenset(row.id for row in rows if row.id is not None)
    return standing([shown for shown in on_boards if shown.result not in gone], ids) + warned(rows)
