"""One quick look agrees with the careful ones: what they refuse it never calls sound, and what is true it does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.check import quick, sizes, text
from suite.check.document import Refused, parsed

TEXTS = st.sampled_from(
    ["a", "gpu0", "gpu 0", "<b>", "=1", "//", "́", "á", "a‮b", "x" * 301, "раypal", "\x07", "tidy: rest"]
)
KEYS = st.sampled_from(["name", "detail", "notes", "at_ns", "values", "cells", "meters", "windows", "key//"])
LEAVES = st.one_of(TEXTS, st.integers(-9, 9), st.floats(-9, 9), st.none(), st.booleans())
SIZES = st.one_of(st.just([0] * 101), st.just(["a"] * 501), st.just([{}] * 5001))
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES | SIZES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=9,
    ),
    max_size=5,
)


def careful(document: dict[str, Any]) -> bool:
    try:
        text.look(document)
        sizes.look(document)
    except Refused:
        return False
    return True


def keys_in(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from keys_in(value)


@given(DOCUMENTS)
def test_what_a_careful_look_refuses_is_not_sound(document: dict[str, Any]) -> None:
    assert careful(document) or not quick.is_sound(document, keys=len(list(keys_in(document))))


@pytest.mark.parametrize(
    "document", [{"at_ns": ["a"]}, {"energy_uj": [0.5]}, {"values": {"a": [True]}}, {"cells": [0] * 1001}, {"a": "<"}]
)
def test_what_no_run_writes_is_not_sound(document: dict[str, Any]) -> None:
    assert not careful(document)
    assert not quick.is_sound(document, keys=len(list(keys_in(document))))


def test_a_true_file_is_sound_so_that_no_careful_look_is_needed(true_file: bytes) -> None:
    document = json.loads(true_file)
    count = len(list(keys_in(document)))
    assert careful(document)
    assert quick.is_sound(document, keys=count)
    assert not quick.is_sound(document, keys=count + 1), (
        "a key more in the bytes than in the document: it is there twice"
    )


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b'"backend":', b'"backend":"cuda","backend":', "duplicate-key"),
        (b'"backend":', b'"ba\\u0063kend":"cuda","backend":', "duplicate-key"),
        (b'"backend":"', b'"backend":"\\ud800', "text"),
        (b'"backend":"', b'"backend":"<b>', "text"),
        (b'"backend":', b'"backend":,', "json"),
    ],
)
def test_what_the_quick_parser_cannot_name_the_careful_one_does(
    true_file: bytes, old: bytes, new: bytes, rule: str
) -> None:
    with pytest.raises(Refused) as refused:
        parsed(true_file.replace(old, new, 1))
    assert [finding.rule for finding in refused.value.findings] == [rule]
