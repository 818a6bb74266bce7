"""What was decided about results after they were accepted: `decisions.jsonl`, one decision a line, only ever added to.

{"date": "2026-11-21", "result": "15375437cac1", "action": "withdrawn", "reason": "the fan was unplugged"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints, ValidationError

from suite.record import Model, Text

FILE_NAME = "decisions.jsonl"

Action = Literal["withdrawn", "restored", "flagged", "audited"]

ACTIONS: dict[Action, str] = {
    "withdrawn": "keeps its page and takes no part in any board",
    "restored": "takes part again",
    "flagged": "takes part, with a word of warning on its page",
    "audited": "was looked into by the maintainers and found right; stands on the highest step of trust, unflagged",
}
"""What follows from each."""


class NoDecision(ValueError):
    """A line of the log that is no decision. The message names it and says why."""


class Decision(Model):
    """One decision about one result. Withdrawing what is withdrawn or restoring what is not changes nothing."""

    date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    result: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    action: Action
    reason: Annotated[Text, StringConstraints(min_length=1)]


def read(results: Path) -> tuple[Decision, ...]:
    """The decisions in the folder of results, in the file's order; none where there is no file.

    NoDecision naming the line of anything else; OSError where the file cannot be read.
    """
    path = results / FILE_NAME
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(_decision(line, f"{FILE_NAME}:{number}") for number, line in enumerate(lines, start=1) if line.strip())


def _decision(line: bytes, where: str) -> Decision:
    try:
        fields = json.loads(line, object_pairs_hook=_once)
        return Decision.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise NoDecision(f"{where}: {'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}") from error
    except ValueError as error:  # no JSON, no UTF-8, a name twice
        raise NoDecision(f"{where}: {error}") from error


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name stands twice")
    return fields


def withdrawn(decisions: Iterable[Decision]) -> frozenset[str]:
    """The results that take no part in boards: of withdrawing and restoring, the last word counts."""
    last = {one.result: one.action for one in decisions if one.action in ("withdrawn", "restored")}
    return frozenset(result for result, action in last.items() if action == "withdrawn")


def audited(decisions: Sequence[Decision]) -> dict[str, Decision]:
    """The results about which an audit is the last word, each with it; none that is withdrawn."""
    last, gone = {one.result: one for one in decisions}, withdrawn(decisions)
    return {result: one for result, one in last.items() if one.action == "audited" and result not in gone}


def about(decisions: Iterable[Decision], result: str) -> tuple[Decision, ...]:
    """What was decided about one result, in the file's order."""
    return tuple(one for one in decisions if one.result == result)


def standing(decisions: Sequence[Decision], result: str) -> Decision | None:
    """What a result's page must say: that it is withdrawn, or else its last flag; None once it was restored.

    An audit takes a flag away. It does not restore what is withdrawn.
    """
    found: Decision | None = None
    for one in about(decisions, result):
        if one.action == "restored":
            found = None
        elif one.action == "withdrawn" or found is None or found.action == "flagged":
            found = None if one.action == "audited" else one
    return found
