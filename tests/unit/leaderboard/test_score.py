"""What a score promises, and that its frozen tables are what they say."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workloads
from suite.leaderboard.pages.score_files import to_csv, to_json
from suite.leaderboard.pages.scores import Scoring, command, scorings, write_page
from suite.leaderboard.ranking.basket import REFERENCE, Basket, Item, Reference, baskets, parsed, reference
from suite.leaderboard.ranking.boards import boards_of, in_order
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.score import Scored, combined, item_of, scored, standings
from suite.leaderboard.render import Pages
from suite.statistics import Parts

MakeRow = Callable[..., Row]

ITEMS = tuple(Item(name, "train", "s", 1, "token") for name in ("gpt", "llm", "lstm", "bert"))
BASKET = Basket(name="test", version=1, title="Four", items=ITEMS)
FIXED = Reference(name="ones", convention="1 J each", joules_per_unit=dict.fromkeys(ITEMS, 1.0))

energies = st.sampled_from([1.0, 2.0]) | st.floats(min_value=1e-9, max_value=1e6)  # ties happen
shares = st.floats(min_value=0.0, max_value=0.3)
references = st.lists(energies, min_size=len(ITEMS), max_size=len(ITEMS)).map(
    lambda joules: replace(FIXED, joules_per_unit=dict(zip(ITEMS, joules, strict=True)))
)


@st.composite
def rows(draw: st.DrawFn, *, system: str = "one", items: Sequence[Item] = ITEMS, most: int = 3) -> list[Row]:
    """One to `most` rows of each item."""
    count = {item: draw(st.integers(1, most)) for item in items}
    kinds = [item for item in items for _ in range(count[item])]
    return [
        row_of(item, draw(energies), draw(shares), draw(shares), draw(shares), system=system, cell=number)
        for number, item in enumerate(kinds, start=1)
    ]


def row_of(
    item: Item, joules: float, other: float = 0.02, scale: float = 0.0, span: float = 0.0, **changes: object
) -> Row:
    """A row of an item whose interval has these parts, each relative to its joules."""
    parts = Parts(repeats=other * joules, quantisation=0.0, edges=0.0, calibration=scale * joules, range=span * joules)
    plain = dict.fromkeys(Row.__dataclass_fields__)
    facts = {
        **plain, **item._asdict(), "boundary": "device", "meter_class": "measured", "system": "one",
        "system_name": "One", "backend": "cuda", "result": "000000000001", "date": "2026-01-05", "cell": 1,
        "framework": "torch", "precision": "bf16", "batch": 8, "technique": "compiled", "joules_per_unit": joules,
        "joules_low": joules - parts.half_width, "joules_high": joules + parts.half_width,
        "joules_calibration": parts.calibration, "joules_range": parts.range, "repeats": 3, "units_per_s": 1.0,
        "domains": ("gpu0",), "reasons": (), **changes,
    }  # fmt: skip
    return Row(**facts)


def points(found: Sequence[Row], fixed: Reference = FIXED) -> float | None:
    one = scored(found, BASKET, fixed)
    return one.score.median if one and one.score else None


def certain(found: Sequence[Row], fixed: Reference = FIXED) -> float:
    value = points(found, fixed)
    assert value is not None
    return value


def width(found: Sequence[Row]) -> float:
    """Half-width of the logarithm of the score."""
    one = scored(found, BASKET, FIXED)
    assert one is not None
    summary = combined(one.parts)
    assert summary.high is not None
    return math.log(summary.high / summary.median)


def only(found: Sequence[Row], system: str) -> Scored:
    tables = standings(found, BASKET, FIXED)
    (one,) = (one for table in tables for one in (*table.complete, *table.partial) if one.system == system)
    return one


def test_a_system_that_needs_what_the_reference_needs_has_100() -> None:
    assert points([row_of(item, 1.0) for item in ITEMS]) == pytest.approx(100.0)


def test_the_score_is_the_geometric_mean_of_the_ratios() -> None:
    found = [row_of(item, joules) for item, joules in zip(ITEMS, (0.5, 2.0, 0.25, 1.0), strict=True)]
    assert points(found) == pytest.approx(100.0 * (2.0 * 0.5 * 4.0 * 1.0) ** 0.25)


@given(found=rows(), factor=st.floats(min_value=1e-3, max_value=1e3))
def test_as_much_less_energy_everywhere_is_as_much_more_score(found: list[Row], factor: float) -> None:
    cheaper = [
        row_of(item_of(row), (row.joules_per_unit or 0.0) / factor, system=row.system, cell=row.cell) for row in found
    ]
    assert certain(cheaper) == pytest.approx(factor * certain(found), rel=1e-9)


@given(found=rows(), factor=st.floats(min_value=1e-3, max_value=1e3))
def test_the_unit_in_which_joules_are_counted_does_not_show(found: list[Row], factor: float) -> None:
    scaled = [row_of(item_of(row), (row.joules_per_unit or 0.0) * factor) for row in found]
    fixed = replace(FIXED, joules_per_unit={item: factor * joules for item, joules in FIXED.joules_per_unit.items()})
    assert certain(scaled, fixed) == pytest.approx(certain(found), rel=1e-9)


@given(own=rows(), others=rows(system="other"), more=rows(system="more", items=ITEMS[:2]))
def test_a_score_does_not_depend_on_other_systems(own: list[Row], others: list[Row], more: list[Row]) -> None:
    assert only([*others, *own, *more], "one") == only(own, "one")


@given(found=rows(), data=st.data())
def test_less_energy_anywhere_never_lowers_a_score(found: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(found) - 1))
    old = found[place]
    joules = (old.joules_per_unit or 0.0) * data.draw(st.floats(min_value=0.01, max_value=1.0))
    better = [*found[:place], row_of(item_of(old), joules, cell=old.cell), *found[place + 1 :]]
    assert certain(better) >= certain(found) * (1 - 1e-12)


@given(found=rows(), data=st.data())
def test_removing_rows_never_raises_a_score(found: list[Row], data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(found), unique_by=id))
    left = points(kept)
    assert left is None or left <= certain(found) * (1 + 1e-12)


@given(one=rows(), two=rows(), fixed=references)
def test_another_reference_keeps_the_ratio_of_two_systems(one: list[Row], two: list[Row], fixed: Reference) -> None:
    assert certain(one, fixed) / certain(two, fixed) == pytest.approx(certain(one) / certain(two), rel=1e-9)


@given(found=rows(), order=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_show(found: list[Row], order: Random) -> None:
    shuffled = list(found)
    order.shuffle(shuffled)
    assert scored(shuffled, BASKET, FIXED) == scored(found, BASKET, FIXED)


@given(found=rows(), lacking=st.sampled_from(ITEMS))
def test_a_system_that_lacks_an_item_has_its_coverage_and_no_score(found: list[Row], lacking: Item) -> None:
    one = scored([row for row in found if item_of(row) != lacking], BASKET, FIXED)
    assert one is not None
    assert one.score is None
    assert one.coverage == "3/4"
    assert one.missing == (lacking,)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"size": "m"},
        {"unit": "image"},
        {"repeats": 2},
        {"joules_per_unit": None, "joules_low": None, "joules_high": None},
        {"joules_low": None, "joules_high": None},
        {"joules_per_unit": 0.0},
    ],
    ids=["other version", "other size", "other unit", "two repeats", "no joules", "no interval", "zero joules"],
)
def test_what_does_not_count_for_an_item_leaves_it_missing(changes: dict[str, object]) -> None:
    found = [row_of(item, 1.0) for item in ITEMS]
    one = scored([replace(found[0], **changes), *found[1:]], BASKET, FIXED)  # type: ignore[arg-type]
    assert one is not None
    assert one.missing == (ITEMS[0],)


def test_of_several_rows_the_one_of_least_energy_counts_and_is_named() -> None:
    costs = [row_of(ITEMS[0], joules, result=f"{number:012}") for number, joules in enumerate((3.0, 2.0, 5.0))]
    one = scored(costs, BASKET, FIXED)
    assert one is not None
    assert [part.row.result for part in one.parts] == ["000000000001"]


@pytest.mark.parametrize("field", ["boundary", "meter_class", "backend", "system"])
def test_no_score_is_put_together_over(field: str) -> None:
    other = {"boundary": "machine", "meter_class": "rails", "backend": "cpu", "system": "two"}[field]
    found = [row_of(item, 1.0) for item in ITEMS]
    mixed = [replace(found[0], **{field: other}), *found[1:]]  # type: ignore[arg-type]
    tables = standings(mixed, BASKET, FIXED)
    assert sorted(one.coverage for table in tables for one in table.partial) == ["1/4", "3/4"]
    assert not [one for table in tables for one in table.complete]


@given(found=rows())
def test_the_interval_holds_the_score(found: list[Row]) -> None:
    one = scored(found, BASKET, FIXED)
    assert one is not None
    assert one.score is not None
    assert one.score.low is not None
    assert one.score.high is not None
    assert one.score.low <= one.score.median <= one.score.high


@given(share=shares, scale=shares, span=shares)
def test_more_items_shrink_what_is_independent_and_nothing_else(share: float, scale: float, span: float) -> None:
    found = [row_of(item, 1.0, share, scale, span) for item in ITEMS]
    expected = span + math.hypot(share / math.sqrt(len(ITEMS)), scale)
    assert width(found) == pytest.approx(expected, abs=1e-7)
    assert width(found) >= scale + span - 1e-7


def test_an_interval_of_unknown_parts_is_not_shrunk() -> None:
    found = [replace(row_of(item, 1.0, 0.1), joules_calibration=None, joules_range=None) for item in ITEMS]
    assert width(found) == pytest.approx(0.1)


def test_systems_whose_intervals_overlap_share_a_rank_and_more_score_is_better() -> None:
    found = [
        row_of(item, joules, 0.05, 0.05, system=name)
        for name, joules in (("low", 4.0), ("near", 1.03), ("top", 1.0))
        for item in ITEMS
    ]
    (table,) = standings(found, BASKET, FIXED)
    assert [one.system for one in table.complete] == ["top", "near", "low"]
    assert table.bands == ((1, 2), (1, 2), (3, 3))


@pytest.mark.parametrize("meter_class", ["estimated", "simulated"])
def test_what_no_hardware_measured_stands_apart_and_has_no_rank(meter_class: str) -> None:
    found = [row_of(item, 1.0) for item in ITEMS]
    guessed = [row_of(item, 0.1, meter_class=meter_class) for item in ITEMS]
    measured, apart = standings([*guessed, *found], BASKET, FIXED)
    assert (measured.meter_class, measured.bands) == ("measured", ((1, 1),))
    assert (apart.meter_class, apart.bands) == (meter_class, ())


def test_the_basket_is_every_model_mode_at_its_size_as_the_workloads_have_it() -> None:
    (basket,) = baskets()
    specs = [spec for name in workloads.names() if name != "calib" for spec in workloads.specs(name).values()]
    assert set(basket.items) == {Item(one.workload, one.mode, "s", one.version, one.unit) for one in specs}
    assert len(basket.items) == len(set(basket.items))


def test_the_reference_is_what_its_convention_gives() -> None:
    (basket,) = baskets()
    for item, joules in reference(basket).joules_per_unit.items():
        spec = workloads.specs(item.workload)[item.mode]
        config = spec.sizes[item.size]
        per_step = 10e-12 * spec.flops_per_step(config) + 100e-12 * spec.bytes_per_step(config, "fp32")
        assert joules == pytest.approx(per_step / spec.units_per_step(config), rel=1e-5), item


def test_the_reference_is_frozen() -> None:
    (basket,) = baskets()
    assert reference(basket).sha256 == "f96a674ac289d8f743f63812925e05600bd0c8153bbf28e22933812dd05ca3af"


def test_a_reference_whose_numbers_are_not_those_of_its_hash_is_refused() -> None:
    (basket,) = baskets()
    text = REFERENCE.read_text(encoding="utf-8")
    changed = text.replace('"gpt/train/s/2/token" = 0.000888275', '"gpt/train/s/2/token" = 0.000888276')
    assert parsed(text, basket) == reference(basket)
    with pytest.raises(ValueError, match="hash to"):
        parsed(changed, basket)


def full(make_row: MakeRow, **changes: object) -> list[Row]:
    (basket,) = baskets()
    return [make_row(**item._asdict(), **changes) for item in basket.items]


def scoring_of(found: Sequence[Row]) -> Scoring:
    (made,) = scorings(boards_of(in_order(found)))
    return made


def test_the_files_hold_every_score_with_its_reference_and_its_parts(make_row: MakeRow) -> None:
    made = scoring_of([*full(make_row), *full(make_row, system="two", system_name="Two")[:-1]])
    first, second = csv.DictReader(io.StringIO(to_csv([made])))
    assert (first["system"], first["rank_best"], first["covered"]) == ("one", "1", "24")
    assert (second["system"], second["score"], second["missing"]) == ("two", "", "gan/sample/s/1/image")
    document = json.loads(to_json([made], "2026-01-05"))
    assert document["baskets"][0]["reference_sha256"] == first["reference_sha256"] == made.reference.sha256
    logs = [math.log(part["ratio"]) for part in document["scores"][0]["parts"]]
    assert document["scores"][0]["score"] == pytest.approx(100 * math.exp(math.fsum(logs) / len(logs)))
    assert document["scores"][1]["score"] is None


def test_no_text_in_the_csv_can_start_a_formula(make_row: MakeRow) -> None:
    text = to_csv([scoring_of(full(make_row, system_name="=HYPERLINK(1)"))])
    assert "'=HYPERLINK(1)" in text
    assert ",=HYPERLINK" not in text


def test_what_is_missing_comes_with_the_command_that_does_it() -> None:
    assert command("cuda", ITEMS[:1]) == "python -m suite run --backend cuda --workload gpt --size s --budget 1h"
    assert command("cpu", ITEMS) == "python -m suite run --backend cpu --size s --budget 1h"


def test_history_tells_what_each_date_alone_would_give_newest_first(make_row: MakeRow) -> None:
    older = full(make_row, date="2026-01-05", result="a", joules_per_unit=1.0)
    newer = full(make_row, date="2026-02-05", result="b", joules_per_unit=0.95)[:3]
    (one,) = scoring_of([*older, *newer]).systems["one"]
    assert [(day.date, day.coverage, day.score is None) for day in one.days] == [
        ("2026-02-05", "3/24", True),
        ("2026-01-05", "24/24", False),
    ]
    assert one.line.scored.coverage == "24/24"


@pytest.mark.parametrize("lacking", [0, 1])
@pytest.mark.parametrize("kinds", [1, 4])
def test_the_page_stays_light_however_many_systems_there_are(
    make_row: MakeRow, site: Path, tmp_path: Path, parse: Callable[[Path], Any], kinds: int, lacking: int
) -> None:
    fields = [("device", "measured"), ("machine", "measured"), ("device", "estimated"), ("wall", "rails")][:kinds]
    found = [
        row
        for number in range(150)
        for boundary, meter_class in fields
        for row in full(make_row, system=f"s{number}", boundary=boundary, meter_class=meter_class)[lacking:]
    ]
    made = scoring_of(found)
    write_page([made], None, Pages(site / "templates", tmp_path))
    elements = parse(tmp_path / "scores.html")
    assert len(elements.found) < 3000
    shown = sum(attributes.get("class") == "system" for _, attributes in elements.found)
    hidden = sum(map(int, re.findall(r"(\d+) more systems", "".join(elements.text))))
    assert (shown > 10, shown + hidden) == (True, 150 * kinds)


def test_a_class_that_is_not_ranked_is_listed_by_name() -> None:
    found = [
        row_of(item, joules, system=name, meter_class="estimated")
        for name, joules in (("b", 1.0), ("a", 2.0), ("c", 0.5))
        for item in ITEMS
    ]
    (table,) = standings(found, BASKET, FIXED)
    assert [one.system for one in table.complete] == ["a", "b", "c"]


def test_the_strongest_and_the_weakest_item_are_named() -> None:
    one = scored(
        [row_of(item, joules) for item, joules in zip(ITEMS, (2.0, 0.5, 4.0, 1.0), strict=True)], BASKET, FIXED
    )
    assert one is not None
    assert (one.best.item, one.worst.item) == (ITEMS[1], ITEMS[2])
