"""What an interval is made of, and what would narrow it."""

from __future__ import annotations

import dataclasses

import pytest

from suite.leaderboard.drawing.chart import MARK_WIDTH
from suite.leaderboard.result.interval import sources
from suite.statistics import Parts, Summary, summarise


def test_the_largest_part_comes_first_and_bars_are_to_the_scale_of_the_whole() -> None:
    summary = summarise([9.9, 10.0, 10.1], quantisation=0.0, edges=0.001, calibration=0.25)
    found = sources(summary)
    assert [one.name for one in found] == ["calibration", "repeats", "edges"]
    assert summary.parts is not None
    halves = [summary.parts.calibration, summary.parts.repeats, summary.parts.edges]
    assert [one.mark.at for one in found] == pytest.approx(
        [MARK_WIDTH * half / summary.parts.half_width for half in halves], abs=0.01
    )
    assert [one.share for one in found] == ["± 4.9 %", "± 2.6 %", "± 0.011 %"]


def test_an_estimates_range_is_said_to_need_a_meter() -> None:
    (one,) = sources(summarise([10.0, 10.0, 10.0], half_range=4.8))
    assert (one.name, one.share, one.mark.at) == ("estimate's range", "± 48 %", MARK_WIDTH)
    assert "meter" in one.cure


def test_every_part_of_an_interval_has_a_name_and_a_cure() -> None:
    fields = [field.name for field in dataclasses.fields(Parts)]
    parts = Parts(**{name: 1.0 + place for place, name in enumerate(fields)})
    summary = Summary(median=100.0, low=90.0, high=110.0, repeats=3, spread=0.01, parts=parts)
    found = sources(summary)
    assert len(found) == len({one.name for one in found}) == len(fields)
    assert all(one.cure for one in found)


def test_a_single_repeat_has_no_parts() -> None:
    assert sources(summarise([1.0])) == ()
    assert sources(None) == ()
