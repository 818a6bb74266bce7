"""Who vouches for a number: the ladder of trust, and on which step each row stands. Pure.

A grade (`suite.grade`) says how good a measurement is by its own file; a step says who stands for that file.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from suite.check.population import Cost, is_far, robust_z
from suite.signatures import Signature
from suite.trace import Boundary

Step = Literal["self-reported", "validated", "signed", "reproduced", "audited"]

WITHIN = 1.10
"""The greater of two J per unit over the lesser, at which one still reproduces the other. The calibrations of two
boards, 5 % each, may stand so far apart with nothing wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A step of the ladder: what it takes, and what it shows and does not."""

    step: Step
    needs: str
    shows: str


LADDER = (
    Rung(
        step="self-reported",
        needs="The file breaks no rule of the check that refuses files, but the check warns of something in it.",
        shows="Somebody says so, and the file does not contradict itself.",
    ),
    Rung(
        step="validated",
        needs="Every rule of the check passed without a warning, so physics was asked of a device that is known.",
        shows="The file agrees with itself and with physics. That this machine drew these joules it does not show.",
    ),
    Rung(
        step="signed",
        needs="Validated, and a valid signature lies beside the file.",
        shows="The owner of that key submitted the file, and no byte of it changed since. A signature proves "
        "authorship, not truth.",
    ),
    Rung(
        step="reproduced",
        needs=f"Signed, and another signed result of the same cell on the same device model, by a different key, has a "
        f"J per unit within {100 * (WITHIN - 1):.0f} % of it. This needs two different signing keys: results without a "
        "signature may be one person's.",
        shows="A second run came out alike. Two keys are not yet two people; where the list of keys names both owners, "
        "the names differ.",
    ),
    Rung(
        step="audited",
        needs="The maintainers looked into the result, found nothing wrong and said so in the log of decisions, and "
        "have not flagged or withdrawn it since. No other step is asked for: an audit looks further than they do.",
        shows="Somebody looked beyond the file, and the log says at what.",
    ),
)
"""From the lowest step to the highest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """What lies in a result's file and beside it. `warned`: the check had a warning."""

    warned: bool
    signature: Signature

    @property
    def step(self) -> Step:
        """The highest step that needs no other file."""
        if self.warned:
            return "self-reported"
        return "signed" if self.signature.state == "valid" else "validated"

    def is_independent_of(self, other: Voucher) -> bool:
        """Whether two signed files show different keys, and no one owner of both."""
        mine, its = self.signature, other.signature
        same_owner = mine.principal is not None and mine.principal == its.principal
        return mine.fingerprint != its.fingerprint and not same_owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Where one row stands.

    by    the result that reproduced it; None where none did
    z     robust z of its ln(J per unit) among `rows` rows of its cell; None where they are too few, or joules unknown
    """

    step: Step
    by: str | None = None
    z: float | None = None
    rows: int = 1

    @property
    def asks(self) -> bool:
        """Whether a second run is asked for."""
        return is_far(self.z)


Place = tuple[str, int, Boundary]
"""A row: its result, its cell from 1, its boundary."""

_Member = tuple[str, Cost]


class Trust:
    """The steps of all rows. `costs` are those of the results that take part, by result, `vouchers` all results'."""

    def __init__(
        self, vouchers: Mapping[str, Voucher], costs: Mapping[str, Sequence[Cost]], audited: Container[str] = ()
    ) -> None:
        self._vouchers, self._audited = vouchers, audited
        together: dict[str, list[_Member]] = defaultdict(list)
        for result in sorted(costs):
            for cost in costs[result]:
                together[cost.key].append((result, cost))
        self._claims = {place: claim for members in together.values() for place, claim in self._among(members)}

    def of(self, place: Place) -> Claim | None:
        """Where a row stands; None where nobody vouches for such a result."""
        known = self._claims.get(place)
        return known or (Claim(step=self._step(place[0], None)) if place[0] in self._vouchers else None)

    def told(self) -> Iterator[tuple[Place, Claim]]:
        """The rows about which other files say more than their own does."""
        return ((place, claim) for place, claim in self._claims.items() if claim.by is not None or claim.asks)

    def _among(self, members: Sequence[_Member]) -> Iterator[tuple[Place, Claim]]:
        zs = robust_z([cost.joules_per_unit for _, cost in members])
        reproduced = self._reproduced(members)
        for (result, cost), z in zip(members, zs, strict=True):
            place = (result, cost.cell, cost.boundary)
            by = reproduced.get(place)
            yield place, Claim(step=self._step(result, by), by=by, z=z, rows=len(members))

    def _step(self, result: str, by: str | None) -> Step:
        if result in self._audited:
            return "audited"
        return "reproduced" if by is not None else self._vouchers[result].step

    def _reproduced(self, members: Sequence[_Member]) -> dict[Place, str]:
        """Each signed row that another one bears out, and whose that is."""
        signed = [one for one in members if self._vouchers[one[0]].step == "signed"]
        if len({self._vouchers[result].signature.fingerprint for result, _ in signed}) < 2:
            return {}  # most cells: no need to look at each row beside each other
        signed.sort(key=lambda one: (one[1].joules_per_unit, one[0]))
        found = ((_place(one), self._first_independent(one, signed)) for one in signed)
        return {place: by for place, by in found if by is not None}

    def _first_independent(self, one: _Member, ascending: Sequence[_Member]) -> str | None:
        result, cost = one
        joules, own = cost.joules_per_unit, self._vouchers[result]
        low = bisect_left(ascending, joules / WITHIN**1.01, key=_joules)  # a little wide, then exactly: alike both ways
        high = bisect_right(ascending, joules * WITHIN**1.01, key=_joules)
        near = (other for other, its in ascending[low:high] if agree(joules, its.joules_per_unit))
        return next((other for other in near if own.is_independent_of(self._vouchers[other])), None)


def agree(one: float, other: float) -> bool:
    """Whether two J per unit, both above zero, lie within 10 % of each other."""
    return max(one, other) <= WITHIN * min(one, other)


def _place(member: _Member) -> Place:
    result, cost = member
    return result, cost.cell, cost.boundary


def _joules(member: _Member) -> float:
    return member[1].joules_per_unit
