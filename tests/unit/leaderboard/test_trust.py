"""Each step of the ladder is what its table says, and no file can climb by itself beyond its signature."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.check.population import ENOUGH, Cost
from suite.leaderboard.decisions import Action, Decision, audited, standing, withdrawn
from suite.leaderboard.ranking.trust import LADDER, Claim, Step, Trust, Voucher, agree
from suite.signatures import Signature, State


def voucher(key: str | None = None, *, warned: bool = False, owner: str | None = None) -> Voucher:
    """Signed with the key of this name, or not at all."""
    if key is None:
        return Voucher(warned=warned, signature=Signature(state="unsigned"))
    return Voucher(warned=warned, signature=Signature(state="valid", fingerprint=f"SHA256:{key}", principal=owner))


def cost(joules: float, key: str = "cell") -> tuple[Cost, ...]:
    return (Cost(key=key, cell=1, boundary="device", joules_per_unit=joules),)


def steps(
    vouchers: Mapping[str, Voucher], costs: Mapping[str, tuple[Cost, ...]], *found: str
) -> dict[str, Step | None]:
    trust = Trust(vouchers, costs, found)
    claims = {result: trust.of((result, 1, "device")) for result in vouchers}
    return {result: claim.step if claim else None for result, claim in claims.items()}


def test_the_ladder_has_every_step_once_and_says_what_it_takes_and_shows() -> None:
    assert tuple(rung.step for rung in LADDER) == get_args(Step)
    assert all(rung.needs and rung.shows for rung in LADDER)
    told = {rung.step: f"{rung.needs} {rung.shows}" for rung in LADDER}
    assert "proves authorship, not truth" in told["signed"]
    assert "two different signing keys" in told["reproduced"]
    assert "within 10 %" in told["reproduced"]


STATES: list[tuple[State, bool, Step]] = [
    ("unsigned", True, "self-reported"),
    ("valid", True, "self-reported"),
    ("unsigned", False, "validated"),
    ("invalid", False, "validated"),
    ("unchecked", False, "validated"),
    ("valid", False, "signed"),
]


@pytest.mark.parametrize(("state", "warned", "step"), STATES)
def test_a_file_alone_reaches_the_step_that_its_check_and_its_signature_give(
    state: State, warned: bool, step: Step
) -> None:
    assert Voucher(warned=warned, signature=Signature(state=state)).step == step


PAIRS = {
    "two keys": (voucher("a"), voucher("b"), "reproduced"),
    "two keys of known owners": (voucher("a", owner="ann"), voucher("b", owner="bob"), "reproduced"),
    "two keys, one owner unknown": (voucher("a", owner="ann"), voucher("b"), "reproduced"),
    "two keys of one owner": (voucher("a", owner="ann"), voucher("b", owner="ann"), "signed"),
    "one key": (voucher("a"), voucher("a"), "signed"),
    "no keys": (voucher(), voucher(), "validated"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_a_result_is_reproduced_by_another_key_only(pair: str) -> None:
    one, other, step = PAIRS[pair]
    assert steps({"1": one, "2": other}, {"1": cost(1.0), "2": cost(1.05)}) == {"1": step, "2": step}


def test_what_is_not_signed_or_has_a_warning_reproduces_nothing() -> None:
    for other in (voucher(), voucher("b", warned=True)):
        found = steps({"1": voucher("a"), "2": other}, {"1": cost(1.0), "2": cost(1.0)})
        assert found == {"1": "signed", "2": other.step}


@pytest.mark.parametrize(("other", "step"), [(1.1, "reproduced"), (1.1001, "signed"), (1 / 1.1001, "signed")])
def test_it_takes_a_cost_within_ten_per_cent(other: float, step: Step) -> None:
    both = {"1": voucher("a"), "2": voucher("b")}
    assert steps(both, {"1": cost(1.0), "2": cost(other)}) == {"1": step, "2": step}


def test_another_cell_or_device_reproduces_nothing() -> None:
    both = {"1": voucher("a"), "2": voucher("b")}
    assert steps(both, {"1": cost(1.0), "2": cost(1.0, "other")}) == {"1": "signed", "2": "signed"}


def test_a_result_that_takes_no_part_reproduces_nothing_and_keeps_its_own_step() -> None:
    both = {"1": voucher("a"), "2": voucher("b")}
    assert steps(both, {"1": cost(1.0)}) == {"1": "signed", "2": "signed"}


def test_an_audit_is_the_highest_step_whatever_lies_below_it() -> None:
    found = steps({"1": voucher(warned=True), "2": voucher()}, {"1": cost(1.0)}, "1", "2")
    assert found == {"1": "audited", "2": "audited"}


def test_of_an_unknown_result_nothing_is_known() -> None:
    assert Trust({}, {}).of(("1", 1, "device")) is None


@given(st.lists(st.tuples(st.floats(1e-6, 1e6), st.sampled_from("abc"), st.floats(0.8, 1.25)), min_size=2, max_size=12))
def test_every_row_that_another_key_bears_out_is_found_and_no_other(drawn: list[tuple[float, str, float]]) -> None:
    joules = {f"{n:02}": drawn[0][0] * ratio for n, (_, _, ratio) in enumerate(drawn)}
    keys = {f"{n:02}": key for n, (_, key, _) in enumerate(drawn)}
    trust = Trust({one: voucher(key) for one, key in keys.items()}, {one: cost(j) for one, j in joules.items()})
    for one in joules:
        others = {two for two in joules if keys[two] != keys[one] and agree(joules[one], joules[two])}
        claim = trust.of((one, 1, "device"))
        assert claim is not None
        assert (claim.by in others) if others else (claim.by is None)


@given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_agreement_is_mutual(one: float, other: float) -> None:
    assert agree(one, other) == agree(other, one)


def test_a_row_far_from_the_others_asks_for_a_second_run_and_stays_on_its_step() -> None:
    results = [str(number) for number in range(ENOUGH + 1)]
    trust = Trust({one: voucher() for one in results}, {one: cost(2.0 if one == "0" else 1.0) for one in results})
    ((place, claim),) = trust.told()
    assert place == ("0", 1, "device")
    assert claim == Claim(step="validated", z=claim.z, rows=ENOUGH + 1)
    assert claim.z == pytest.approx(math.log(2.0) / 0.05)
    assert claim.asks
    others = [trust.of((one, 1, "device")) for one in results[1:]]
    assert [one.asks for one in others if one] == [False] * ENOUGH


def decided(*actions: Action) -> list[Decision]:
    return [Decision(date="2026-02-03", result="0" * 12, action=one, reason="because") for one in actions]


@pytest.mark.parametrize(
    ("actions", "holds"),
    [
        (("audited",), True),
        (("flagged", "audited"), True),
        (("withdrawn", "restored", "audited"), True),
        (("audited", "audited"), True),
        (("audited", "flagged"), False),
        (("audited", "withdrawn"), False),
        (("audited", "withdrawn", "restored"), False),
        (("withdrawn", "audited"), False),
    ],
)
def test_an_audit_holds_while_it_is_the_last_word_about_what_takes_part(
    actions: tuple[Action, ...], holds: bool
) -> None:
    assert bool(audited(decided(*actions))) == holds


def test_an_audit_takes_a_flag_away_and_restores_nothing() -> None:
    assert standing(decided("flagged", "audited"), "0" * 12) is None
    assert standing(decided("audited"), "0" * 12) is None
    gone = standing(decided("withdrawn", "audited"), "0" * 12)
    assert gone is not None
    assert gone.action == "withdrawn"
    assert withdrawn(decided("withdrawn", "audited")) == {"0" * 12}
