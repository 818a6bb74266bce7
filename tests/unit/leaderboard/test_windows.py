"""The joules of a window and what another method says of them."""

from __future__ import annotations

from types import ModuleType

import pytest

from suite.energy import Energy
from suite.leaderboard.result.windows import boundary_columns, window_lines
from suite.record import Attempt
from suite.trace import Boundary, Window


def attempt_with(synthetic: ModuleType, *energies: tuple[Energy, ...]) -> Attempt:
    attempts = (attempt for cell in synthetic.result(0, 1).cells for attempt in cell.attempts)
    plain: Attempt = next(attempt for attempt in attempts if attempt.outcome == "ok")
    windows = tuple(Window(index * 10**10, (index + 1) * 10**10 - 1, 1) for index in range(len(energies)))
    return plain.model_copy(update={"windows": windows, "energies": energies})


def energy(joules: float | None, second_j: float | None, boundary: Boundary = "device") -> Energy:
    return Energy(boundary=boundary, meter_class="measured", joules=joules, second_j=second_j)


@pytest.mark.parametrize(
    ("joules", "second_j", "text"),
    [(100.0, 101.2, "+1.2 %"), (100.0, 93.6, "−6.4 %"), (100.0, 100.0, "+0.0 %"), (100.0, 0.0, "−100.0 %")],
)
def test_a_second_opinion_is_the_share_by_which_it_differs(
    synthetic: ModuleType, joules: float, second_j: float, text: str
) -> None:
    attempt = attempt_with(synthetic, (energy(joules, second_j),))
    assert window_lines(attempt, "token")[0].joules[0].second == text


@pytest.mark.parametrize(("joules", "second_j"), [(None, 100.0), (100.0, None), (None, None), (0.0, 100.0)])
def test_there_is_no_difference_from_what_is_unknown(
    synthetic: ModuleType, joules: float | None, second_j: float | None
) -> None:
    attempt = attempt_with(synthetic, (energy(joules, second_j),))
    assert window_lines(attempt, "token")[0].joules[0].second is None


def test_unknown_joules_are_not_zero(synthetic: ModuleType) -> None:
    attempt = attempt_with(synthetic, (energy(None, None),), (energy(0.0, None),))
    assert [line.joules[0].text for line in window_lines(attempt, "token")] == [None, "0"]


def test_only_a_boundary_with_a_second_opinion_has_a_column_for_it(synthetic: ModuleType) -> None:
    first = (energy(None, None), energy(150.0, None, "machine"))
    second = (energy(100.0, 101.0), energy(150.0, None, "machine"))
    columns = boundary_columns(attempt_with(synthetic, first, second))
    assert [(column.boundary, column.has_second) for column in columns] == [("device", True), ("machine", False)]


def test_an_attempt_without_windows_has_no_columns(synthetic: ModuleType) -> None:
    assert boundary_columns(attempt_with(synthetic)) == ()
