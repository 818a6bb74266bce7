"""An answer is computed once for an object, and forgotten with it."""

from __future__ import annotations

import gc
from dataclasses import dataclass

from suite.remembered import remembered


@dataclass(frozen=True)
class Owner:
    value: int


def test_each_question_is_asked_once_of_each_object_and_forgotten_with_it() -> None:
    asked: list[tuple[int, int]] = []

    @remembered
    def product(owner: Owner, factor: int, *, more: int = 0) -> int:
        asked.append((owner.value, factor))
        return owner.value * factor + more

    one, equal = Owner(3), Owner(3)
    assert [product(one, 2), product(one, 2), product(one, 5), product(one, 2, more=1)] == [6, 6, 15, 7]
    assert asked == [(3, 2), (3, 5), (3, 2)]
    assert product(equal, 2) == 6
    assert len(asked) == 4, "an equal object is another one"
    del one
    gc.collect()
    for value in range(100):  # some of these lie where the first one lay
        assert product(Owner(value), 2) == 2 * value
