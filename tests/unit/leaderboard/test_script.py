"""The scripts' pure parts: addresses, order, filters, ranks. They run in node as they are."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from suite.statistics import Summary, rank_bands

STATIC = Path(__file__).parents[3] / "site" / "static"
OWN = (
    "theme.js", "elements.js", "state.js", "rows.js", "controls.js", "saving.js", "telling.js", "items.js", "table.js",
    "lines.js", "whole.js", "traces.js",
)  # fmt: skip

FORBIDDEN = re.compile(
    r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|fetch|XMLHttpRequest|import|export)\b|\.style\b"
)

SHAPE: dict[str, Any] = {
    "sortable": ["rank", "system", "energy", "speed", "power"],
    "optional": ["rank", "energy", "drawing", "speed", "power"],
    "facets": {"framework": ["jax", "torch"], "technique": ["compiled, fast", "eager & plain", "50 % + more=less"]},
    "ranges": ["energy", "speed"],
    "rows": [f"{number:012x}:{number % 7 + 1}" for number in range(40)],
}
INITIAL: dict[str, Any] = {
    "sort": None, "dir": "asc", "q": "", "best": False, "facets": {}, "least": {}, "most": {}, "columns": None,
    "listed": "50", "page": 1, "picked": [],
}  # fmt: skip
WORDS = ("h100", "two sockets", "a&b=c", "#", "100%", "+1", "ß 漢字 🙂", "'\"<>", "%zz", ",", "__proto__", "\ud800")


def run(code: str, data: Any = None) -> Any:
    """What `code` makes of `data`, with the pure scripts before it."""
    node = shutil.which("node")
    if node is None:
        reason = "no node on the path; Debian has it as the package nodejs"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    scripts = [(STATIC / name).read_text(encoding="utf-8") for name in ("state.js", "rows.js", "saving.js")]
    text = "\n".join([*scripts, f"const data = {json.dumps(data)};", f"console.log(JSON.stringify({code}));"])
    done = subprocess.run([node, "-"], input=text, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read(address: str, shape: dict[str, Any] = SHAPE) -> tuple[dict[str, Any], list[str]]:
    found = run("State.read(data[0], data[1])", [address, shape])
    return found["state"], found["unknown"]


def some(source: random.Random, values: list[str]) -> list[str]:
    """A choice in the order that the values have."""
    return [value for value in values if source.random() < 0.4]


def random_state(source: random.Random) -> dict[str, Any]:
    columns = some(source, SHAPE["optional"])
    facets = {name: some(source, values) for name, values in SHAPE["facets"].items()}
    bounds = [
        {name: source.choice([0, -1.5, 1e-7, 3e22, source.random()]) for name in some(source, SHAPE["ranges"])}
        for _ in range(2)
    ]
    return {
        "sort": source.choice([None, *SHAPE["sortable"]]),
        "dir": source.choice(["asc", "desc"]),
        "q": " ".join(source.sample(WORDS[:-1], source.randrange(4))),
        "best": source.random() < 0.5,
        "facets": {name: values for name, values in facets.items() if values},
        "least": bounds[0],
        "most": bounds[1],
        "columns": source.choice([None, columns]) if len(columns) < len(SHAPE["optional"]) else None,
        "listed": source.choice(["10", "25", "50", "100", "250", "all"]),
        "page": source.choice([1, 1, 2, 40]),
        "picked": source.sample(SHAPE["rows"], source.randrange(9)),
    }


def test_a_thousand_random_states_come_back_from_their_addresses() -> None:
    source = random.Random(5)
    states = [random_state(source) for _ in range(1000)]
    assert len({json.dumps(state) for state in states}) > 990
    there_and_back = "const hash = State.write(state, data[1]); return [hash, State.read(hash, data[1])];"
    code = f"data[0].map((state) => {{ {there_and_back} }})"
    for state, (address, back) in zip(states, run(code, [states, SHAPE]), strict=True):
        assert back == {"state": state, "unknown": []}, address
        assert re.fullmatch(r"[!-~]*", address)


def test_an_address_is_readable_and_names_only_what_is_asked() -> None:
    state = INITIAL | {
        "sort": "energy", "dir": "desc", "q": "h100 sxm", "facets": {"framework": ["jax", "torch"]},
        "most": {"energy": 0.5}, "columns": ["rank", "energy"], "listed": "all", "picked": SHAPE["rows"][:2],
    }  # fmt: skip
    assert run("data[0].map((state) => State.write(state, data[1]))", [[state, INITIAL], SHAPE]) == [
        "sort=energy&dir=desc&framework=jax,torch&energy-max=0.5&q=h100+sxm&cols=rank,energy&show=all"
        "&pick=000000000000:1,000000000001:2",
        "",
    ]


def test_an_order_may_be_given_in_full() -> None:
    assert read("#sort=energy&dir=asc") == (INITIAL | {"sort": "energy"}, [])


@pytest.mark.parametrize(
    ("address", "unknown"),
    [
        ("foo=1", ["foo"]),
        ("foo", ["foo"]),
        ("__proto__=1&constructor=2", ["__proto__", "constructor"]),
        ("framework=tensorflow", ["framework=tensorflow"]),
        ("framework=torch,tensorflow,mxnet", ["framework=tensorflow", "framework=mxnet"]),
        ("sort=drawing", ["sort=drawing"]),
        ("dir=up", ["dir=up"]),
        ("show=7", ["show=7"]),
        ("page=0", ["page=0"]),
        ("page=2.5", ["page=2.5"]),
        ("cols=rank,colour", ["cols=colour"]),
        ("energy-min=few&energy-max=", ["energy-min=few", "energy-max="]),
        ("energy-min=Infinity", ["energy-min=Infinity"]),
        ("power-min=3", ["power-min"]),
        ("pick=gone:1", ["pick=gone:1"]),
        ("q=%zz", ["q=%zz"]),
        ("q=one&q=two", ["q"]),
    ],
)
def test_what_a_page_does_not_know_is_reported_and_the_rest_holds(address: str, unknown: list[str]) -> None:
    state, reported = read(f"#sort=speed&{address}&technique=compiled%2C+fast")
    assert reported == (unknown if address != "sort=drawing" else ["sort"])
    assert (state["sort"], state["facets"]["technique"]) == ("speed", ["compiled, fast"])


def test_an_unknown_value_alone_is_reported_and_filters_nothing() -> None:
    assert read("#sort=drawing&framework=mxnet") == (INITIAL, ["sort=drawing", "framework=mxnet"])


def test_the_sentence_names_all_that_is_unknown() -> None:
    sentence = "This link names 'foo', 'framework=mxnet', which this page does not know."
    assert run("State.sentence(data)", ["foo", "framework=mxnet"]) == sentence
    assert run("State.sentence(data)", []) == ""


def test_at_most_eight_rows_are_picked_and_the_ninth_is_reported() -> None:
    state, unknown = read(f"#pick={','.join(SHAPE['rows'][:9])}")
    assert state["picked"] == SHAPE["rows"][:8]
    assert unknown == [f"pick={SHAPE['rows'][8]}"]


def test_old_links_resolve_after_the_data_changed() -> None:
    later = {
        "sortable": ["rank", "system", "energy", "latency"],
        "optional": ["rank", "energy", "latency"],
        "facets": {"framework": ["jax", "mojo"], "technique": SHAPE["facets"]["technique"], "backend": ["cuda"]},
        "ranges": ["energy", "latency"],
        "rows": [*SHAPE["rows"][10:], "ffffffffffff:1"],
    }
    source = random.Random(6)
    states = [random_state(source) for _ in range(300)]
    code = "data[0].map((state) => State.read(State.write(state, data[1]), data[2]))"
    for state, found in zip(states, run(code, [states, SHAPE, later]), strict=True):
        now, unknown = found["state"], found["unknown"]
        assert now["q"] == state["q"]
        assert now["picked"] == [row for row in state["picked"] if row in later["rows"]]
        lost = [row for row in state["picked"] if row not in later["rows"]]
        assert [f"pick={row}" for row in lost] == [name for name in unknown if name.startswith("pick=")]
        assert ("sort=speed" in unknown) == (state["sort"] == "speed")
        assert ("framework=torch" in unknown) == ("torch" in state["facets"].get("framework", []))
        assert ("speed-min" in unknown) == ("speed" in state["least"])
        assert now["least"].get("energy") == state["least"].get("energy")


def test_text_that_is_no_unicode_can_still_be_written() -> None:
    assert run("State.write({...State.initial(), q: data}, {facets: {}, ranges: []})", WORDS[-1]) == "q=%EF%BF%BD"


def test_an_anchor_is_no_state() -> None:
    assert run("data.map(State.isState)", ["#main", "#cell-3", "", "#", "#q=1"]) == [False, False, True, True, True]


def test_ranks_are_those_of_the_suite() -> None:
    source = random.Random(7)
    boards = [[random_interval(source) for _ in range(source.randrange(1, 30))] for _ in range(300)]
    found = run("data.map(Rows.bands)", boards)
    for intervals, bands in zip(boards, found, strict=True):
        assert [tuple(band) for band in bands] == rank_bands([summary(one) for one in intervals])


def random_interval(source: random.Random) -> tuple[float, float] | None:
    """Often with ends in common with others; now and then unknown."""
    low, high = sorted(source.choice([source.randrange(12), source.random() * 12]) for _ in range(2))
    return None if source.random() < 0.08 else (low, high)


def summary(interval: tuple[float, float] | None) -> Summary:
    low, high = interval or (None, None)
    return Summary(median=0.0, low=low, high=high, repeats=3, spread=0.0)


def test_a_band_is_written_as_on_the_page() -> None:
    assert run("[[3, 3], [3, 5]].map(Rows.bandText)") == ["3", "3–5"]


@pytest.mark.parametrize("descending", [False, True])
def test_numbers_go_by_size_then_text_by_name_and_unknown_comes_last(descending: bool) -> None:
    cells = ["", "10", "9", "1,234", "v10", "", "v9", "0", "-2.5"]
    code = f"Rows.sorted(data, Rows.key, {json.dumps(descending)})"
    known = ["-2.5", "0", "9", "10", "1,234", "v9", "v10"]
    assert run(code, cells) == [*(reversed(known) if descending else known), "", ""]


@pytest.mark.parametrize("descending", [False, True])
def test_equal_rows_keep_their_order(descending: bool) -> None:
    rows = [[number % 3, number] for number in range(30)]
    found = run(f"Rows.sorted(data, (row) => row[0], {json.dumps(descending)})", rows)
    assert all(one[1] < other[1] for one, other in pairwise(found) if one[0] == other[0])


ITEMS = """data.rows.map(([text, framework, energy]) => ({
    text: () => text, facets: {framework}, value: () => energy, toJSON: () => text}))"""


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({}, ["h100 a", "h100 b", "l4"]),
        ({"q": " H100  B "}, ["h100 b"]),
        ({"facets": {"framework": ["jax", "torch"]}}, ["h100 a", "h100 b", "l4"]),
        ({"facets": {"framework": ["jax"]}}, ["h100 b", "l4"]),
        ({"least": {"energy": 2}}, ["h100 a"]),
        ({"least": {"energy": 1.6}, "most": {"energy": 1.9}}, []),
        ({"most": {"energy": 2}}, ["h100 a", "l4"]),
        ({"least": {"energy": 1.5}, "most": {"energy": 1.5}, "q": "l4"}, ["l4"]),
        ({"facets": {"framework": ["jax"]}, "q": "a"}, []),
    ],
)
def test_a_row_is_shown_that_passes_every_filter_and_unknown_passes_no_bound(asked: Any, left: list[str]) -> None:
    rows = [["h100 a", "torch", 2], ["h100 b", "jax", None], ["l4", "jax", 1.5]]
    code = f"Rows.matching({ITEMS}, Rows.filters({{...State.initial(), ...data.asked}}))"
    assert run(code, {"rows": rows, "asked": asked}) == left


def test_the_filter_to_relax_is_the_one_that_hides_most() -> None:
    rows = [["h100", "torch", 1], ["h100", "torch", 2], ["l4", "jax", 9]]
    code = f"""(() => {{
        const asked = {{...State.initial(), q: "h100", facets: {{framework: ["jax"]}}}};
        const found = Rows.relaxed({ITEMS}, Rows.filters(asked));
        return [found.filter.name, found.rows, found.filter.without.q];
    }})()"""
    assert run(code, {"rows": rows}) == ["framework", 2, "h100"]


@pytest.mark.parametrize("name", OWN)
def test_a_script_is_classic_and_neither_asks_elsewhere_nor_makes_markup_from_text(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    assert text.startswith('"use strict";')
    # The one thing that is fetched is the result's own file, whose address the page holds.
    assert not FORBIDDEN.search(re.sub(r"//.*", "", text).replace("fetch(dataset.raw)", ""))


def test_one_row_of_each_system_is_its_first() -> None:
    rows = [[1, "a"], [2, "b"], [3, "a"], [4, "c"], [5, "b"]]
    assert run("Rows.firsts(data, (row) => row[1])", rows) == [[1, "a"], [2, "b"], [4, "c"]]


def test_an_address_knows_one_way_to_choose_the_best() -> None:
    assert read("#best=system") == (INITIAL | {"best": True}, [])
    assert read("#best=day") == (INITIAL, ["best=day"])


def test_saved_rows_are_defused_quoted_and_without_commas_in_figures() -> None:
    lines = [["row", 'a "b"', "6,805–7,377"], ["=1+1", "1,730,000", "12,400.5"], ["@x", "-1", "+2"]]
    assert run("Saving.csv(data)", lines) == (
        'row,"a ""b""","6,805–7,377"\r\n\'=1+1,1730000,12400.5\r\n\'@x,\'-1,\'+2\r\n'
    )


@pytest.mark.parametrize(
    ("count", "listed", "asked", "shown"),
    [
        (0, "100", 1, (1, 0, 1, 1)),
        (100, "100", 1, (1, 100, 1, 1)),
        (101, "100", 2, (101, 101, 2, 2)),
        (2_500, "100", 40, (2_401, 2_500, 25, 25)),  # there are not as many: the last
        (900, "all", 1, (1, 900, 1, 1)),
        (2_500, "all", 3, (2_001, 2_500, 3, 3)),  # a browser would take seconds for more at once
    ],
)
def test_a_list_goes_over_pages(count: int, listed: str, asked: int, shown: tuple[int, ...]) -> None:
    found = run("Rows.page(data[0], {listed: data[1], page: data[2]})", [count, listed, asked])
    assert (found["first"], found["last"], found["page"], found["pages"]) == shown


def test_only_what_is_asked_of_rows_needs_all_of_them() -> None:
    asked = [{"sort": "energy"}, {"q": "h100"}, {"best": True}, {"facets": {"framework": ["jax"]}}, {"page": 2},
             {"listed": "250"}, {"least": {"energy": 1}}]  # fmt: skip
    code = "data.map((one) => State.isOfRows({...State.initial(), ...one}))"
    assert run(code, asked) == [True] * len(asked)
    assert run(code, [{}, {"columns": ["rank"]}, {"picked": ["a:1"]}]) == [False] * 3


def test_rows_that_are_not_read_yet_may_be_picked() -> None:
    state, unknown = read("#pick=gone:1", {**SHAPE, "rows": None})
    assert (state["picked"], unknown) == (["gone:1"], [])
