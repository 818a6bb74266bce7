"""A result is named by what it holds: any other content has another name, any other layout has the same."""

from __future__ import annotations

import hashlib
import json
import random
from types import ModuleType
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from suite.assemble import Begin, assemble
from suite.identity import UNSEALED, canonical, content_id, sealed
from suite.record import Result, dumps, loads

LARGEST = 2**53 - 1

numbers = st.integers(-LARGEST, LARGEST) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=8)
documents = st.recursive(
    scalars | st.lists(st.integers(-LARGEST, LARGEST), max_size=6) | st.lists(numbers | st.none(), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(value=documents)
def test_the_canonical_form_is_that_of_the_reference(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        # RFC 8785, appendix B and sections 3.2.2 to 3.2.4
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e21, "1e+21"),
        (999999999999999900000.0, "999999999999999900000"),
        (333333333.33333329, "333333333.3333333"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (600.0, "600"),
        ([4.50, 2e-3, None, True, False], "[4.5,0.002,null,true,false]"),
        ([1, True, 1.0, 0, False], "[1,true,1,0,false]"),
        ([3, 1, 2], "[3,1,2]"),
        ([], "[]"),
        ({}, "{}"),
        ('\u20ac$\u000f\nA\'B"\\\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
        ),
    ],
)
def test_the_canonical_form_is_that_of_the_standard(value: Any, form: str) -> None:
    assert canonical(value).decode() == form


@pytest.mark.parametrize(
    "value",
    [
        LARGEST + 1,
        [1, -LARGEST - 1],
        {"a": [0, 2**64]},
        float("nan"),
        [0.5, float("inf")],
        "\ud800",
        {"\ud800": 1},
    ],
)
def test_what_parsers_read_differently_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


DOCUMENT = {"id": UNSEALED, "schema_version": 4, "cells": [{"joules": 1.5, "at_ns": [1, 2]}], "note": None}


def test_an_id_is_the_hash_of_all_but_the_id() -> None:
    text = b'{"cells":[{"at_ns":[1,2],"joules":1.5}],"note":null,"schema_version":4}'
    assert content_id(DOCUMENT) == hashlib.sha256(text).hexdigest()[:12]
    assert content_id(DOCUMENT | {"id": "f" * 12}) == content_id(DOCUMENT)


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 5},
        {"note": ""},
        {"more": None},
        {"cells": [{"joules": 1.5000000000000002, "at_ns": [1, 2]}]},
        {"cells": [{"joules": 1.5, "at_ns": [2, 1]}]},
    ],
)
def test_other_content_has_another_id(change: dict[str, Any]) -> None:
    assert content_id(DOCUMENT | change) != content_id(DOCUMENT)


def shuffled(value: Any, source: random.Random) -> Any:
    """The same with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = source.sample(list(value), len(value))
        return {key: shuffled(value[key], source) for key in keys}
    return [shuffled(one, source) for one in value] if isinstance(value, list) else value


@given(document=st.dictionaries(st.text(max_size=4), documents, max_size=5), seed=st.integers(0, 99))
def test_layout_order_of_keys_and_spelling_change_no_id(document: dict[str, Any], seed: int) -> None:
    text = json.dumps(shuffled(document, random.Random(seed)), indent=seed % 3, ensure_ascii=bool(seed % 2))
    assert content_id(json.loads(text)) == content_id(document)


@pytest.fixture(scope="module")
def result(synthetic: ModuleType) -> Result:
    made: Result = synthetic.result(5, 1)
    return made


def test_a_sealed_result_has_the_id_that_its_file_gives(result: Result) -> None:
    renamed = sealed(result.model_copy(update={"id": UNSEALED}))
    assert renamed == result
    assert content_id(json.loads(dumps(result))) == result.id


def test_what_is_assembled_is_named_by_its_content_and_not_by_its_run(result: Result) -> None:
    begin = {name: value for name, value in result.model_dump(mode="json").items() if name in Begin.model_fields}
    events = [{"seq": 0, "previous": "0" * 64, "kind": "begin", **begin, "id": run} for run in ("a" * 12, "b" * 12)]
    first, second = (assemble([event], "0" * 64) for event in events)
    assert first == second
    assert first.id == content_id(json.loads(dumps(first)))
    assert assemble(events[:1], "1" * 64).id != first.id


def test_a_file_without_a_hash_of_its_code_keeps_its_bytes_and_its_id(synthetic: ModuleType) -> None:
    """Files of version 4 were written before there was one."""
    result = synthetic.result(0, 1)
    stored = dumps(result)
    assert b"code_sha256" not in stored
    assert dumps(loads(stored)) == stored
    assert sealed(loads(stored)).id == content_id(json.loads(stored)) == result.id


def test_the_hash_of_the_code_is_bound_by_the_id(synthetic: ModuleType) -> None:
    result = synthetic.result(0, 1)
    named = [sealed(_of_code(result, digit * 64)) for digit in "01"]
    assert len({result.id, *(one.id for one in named)}) == 3
    assert [loads(dumps(one)) for one in named] == named


def _of_code(result: Result, digest: str) -> Result:
    return result.model_copy(update={"software": result.software.model_copy(update={"code_sha256": digest})})
