"""Attention by plain products gives what torch's own kernel gives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from workloads.common.torch_attention import MOST_ROWS, attend, attend_causal

PLACES = (1, 2, 33, 64, MOST_ROWS + 1, 2 * MOST_ROWS + 6)


def drawn(heads: int, places: int) -> Tensor:
    return torch.randn(2, heads, places, 16).bfloat16()


def in_float64(queries: Tensor, keys: Tensor, values: Tensor, *, causal: bool) -> Tensor:
    wide = (each.double() for each in (queries, keys, values))
    return functional.scaled_dot_product_attention(*wide, is_causal=causal, enable_gqa=True)


def relative_l2(found: Tensor, true: Tensor) -> float:
    return float((found.double() - true).norm() / true.norm())


@pytest.fixture(autouse=True)
def same_draws() -> None:
    torch.manual_seed(5)


@pytest.mark.parametrize("places", PLACES)
def test_in_bfloat16_on_a_cpu_it_is_the_same_without_a_mask(places: int) -> None:
    queries, keys, values = (drawn(4, places) for _ in range(3))
    found = attend(queries, keys, values)
    assert relative_l2(found, in_float64(queries, keys, values, causal=False)) < 0.01


@pytest.mark.parametrize("key_heads", [4, 2, 1])
@pytest.mark.parametrize("places", PLACES)
def test_each_place_sees_those_up_to_its_own_and_heads_share_keys_in_a_row(places: int, key_heads: int) -> None:
    queries, keys, values = drawn(4, places), drawn(key_heads, places), drawn(key_heads, places)
    found = attend_causal(queries, keys, values)
    assert found.shape == queries.shape
    assert relative_l2(found, in_float64(queries, keys, values, causal=True)) < 0.01


def test_what_comes_later_changes_nothing() -> None:
    places = 2 * MOST_ROWS + 6
    queries, keys, values = (drawn(4, places) for _ in range(3))
    before = attend_causal(queries, keys, values)
    for one in (keys, values):
        one[:, :, MOST_ROWS + 3 :] = 7.0
    after = attend_causal(queries, keys, values)
    assert torch.equal(before[:, :, : MOST_ROWS + 3], after[:, :, : MOST_ROWS + 3])
    assert not torch.equal(before[:, :, MOST_ROWS + 3 :], after[:, :, MOST_ROWS + 3 :])
