"""How far a watched step lies from the expected one."""

from __future__ import annotations

import math

import pytest

from workloads.common.proofs import Squares, distance

STEADY = ("head.",)


def _parts(**ratios: float) -> dict[str, Squares]:
    """Arrays of length 1 turned by 90 degrees, each of them so many times as long, and a head that is as expected."""
    turned = {name: Squares(found=ratio**2, expected=1.0, apart=ratio**2 + 1) for name, ratio in ratios.items()}
    return turned | {"head.weight": Squares(found=1.0, expected=1.0, apart=0.0)}


def test_all_arrays_together_are_the_relative_l2_distance() -> None:
    parts = {"a": Squares(found=9.0, expected=16.0, apart=1.0), "b": Squares(found=9.0, expected=9.0, apart=0.0)}
    assert distance(parts) == pytest.approx(0.2)


def test_turned_gradients_are_far_unless_the_spec_says_that_rounding_turns_them() -> None:
    assert distance(_parts(stem=1.0)) > 0.5
    assert distance(_parts(stem=1.0), STEADY) == 0.0


@pytest.mark.parametrize(("ratio", "holds"), [(1.3, True), (2.5, True), (3.0, False), (1 / 3.0, False), (0.0, False)])
def test_every_turned_gradient_must_have_about_its_length(ratio: float, holds: bool) -> None:
    assert (distance(_parts(stem=1.0, block=ratio), STEADY) < 0.5) == holds


def test_a_steady_gradient_must_agree() -> None:
    parts = _parts(stem=1.0)
    for apart, holds in ((0.1, True), (0.3, False)):
        head = Squares(found=1.0, expected=1.0, apart=apart**2)
        assert (distance(parts | {"head.weight": head}, STEADY) < 0.5) == holds


@pytest.mark.parametrize("steady", [(), STEADY])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_infinitely_far(bad: float, steady: tuple[str, ...]) -> None:
    assert distance(_parts(stem=1.0) | {"x": Squares(found=bad, expected=1.0, apart=bad)}, steady) == math.inf


def test_a_gradient_that_is_zero_as_expected_is_no_difference() -> None:
    nothing = Squares(found=0.0, expected=0.0, apart=0.0)
    assert distance(_parts(stem=1.0) | {"block": nothing}, STEADY) == 0.0


def test_nothing_to_compare_with_is_infinitely_far() -> None:
    assert distance({"loss": Squares(found=0.0, expected=0.0, apart=0.0)}) == math.inf
    assert distance({"stem": Squares(found=1.0, expected=1.0, apart=0.0)}, STEADY) == math.inf
