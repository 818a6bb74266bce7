"""Files of earlier versions are read as what they are: joules from their ticks, and the unknown unknown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from suite.check.single import check_file
from suite.history import NotReadable, upgrade
from suite.record import Result, dumps, loads

ROOT = Path(__file__).resolve().parents[3]
Document = dict[str, Any]


@pytest.fixture(scope="session")
def first() -> bytes:
    """A committed file of version 1."""
    (path,) = (
        path for path in (ROOT / "results").glob("*/*.json") if path.read_bytes().startswith(b'{"schema_version":1,')
    )
    return path.read_bytes()


def packed(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def attempts(document: Document) -> list[Document]:
    return [attempt for cell in document["cells"] for attempt in cell["attempts"]]


def stated_joules(document: Document) -> list[float]:
    return [energy["joules"] for attempt in attempts(document) for row in attempt["energies"] for energy in row]


def rules_of(path: Path, data: bytes) -> set[str]:
    path.write_bytes(data)
    return {found.rule for found in check_file(path).findings if found.severity == "error"}


def test_the_committed_file_reads_and_its_joules_change_by_less_than_two_hundredths(first: bytes) -> None:
    before, after = stated_joules(json.loads(first)), stated_joules(json.loads(upgrade(first)))
    assert after == pytest.approx(before, rel=0.02)
    assert after != before
    assert loads(first).schema_version == 4


def test_a_file_read_once_is_of_todays_version_and_reads_again(first: bytes) -> None:
    result = loads(first)
    assert loads(dumps(result)) == result


def test_what_version_1_did_not_record_is_unknown(first: bytes) -> None:
    result = loads(first)
    assert {(meter.resolution_uj, meter.scope) for meter in result.meters} == {(None, None)}
    assert all(attempt.conditions == () for cell in result.cells for attempt in cell.attempts)
    assert result.overhead is None or result.overhead.throughput is None


GOLDEN = sorted((Path(__file__).parent / "golden").glob("result-*.json"))
"""A file of every earlier version, as that version of the suite wrote it; the first is of a machine that exists."""


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_file_of_every_earlier_version_is_read_for_ever_under_the_id_it_had(path: Path) -> None:
    stored, today = json.loads(path.read_bytes()), Result.model_fields["schema_version"].annotation
    result = loads(path.read_bytes())
    assert path.stem == f"result-{stored['schema_version']}"
    assert (result.schema_version,) == get_args(today)
    assert (result.id, result.date, result.journal_sha256) == (stored["id"], stored["date"], stored["journal_sha256"])
    assert stated_joules(json.loads(dumps(result))) == pytest.approx(stated_joules(stored), rel=0.02)
    assert check_file(path).acceptable


def test_there_is_a_golden_file_of_every_earlier_version() -> None:
    (today,) = get_args(Result.model_fields["schema_version"].annotation)
    assert [path.stem for path in GOLDEN] == [f"result-{version}" for version in range(1, today)]


def test_a_file_of_version_3_says_the_same_in_todays() -> None:
    third = json.loads(GOLDEN[2].read_bytes())
    assert json.loads(upgrade(GOLDEN[2].read_bytes())) == third | {"schema_version": 4}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_older_file_with_a_hash_of_its_code_is_none_of_its_version(path: Path) -> None:
    document = json.loads(path.read_bytes())
    document["software"]["code_sha256"] = "0" * 64
    with pytest.raises(NotReadable, match="code_sha256, of a later version"):
        upgrade(packed(document))


def test_the_committed_file_is_acceptable(first: bytes, tmp_path: Path) -> None:
    assert rules_of(tmp_path / "a.json", first) == set()


def halve_ticks(document: Document) -> None:
    for series in attempts(document)[0]["ticks"]:
        series["energy_uj"] = [value // 2 for value in series["energy_uj"]]


def halve_joules(document: Document) -> None:
    attempts(document)[0]["energies"][0][0]["joules"] /= 2


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(halve_ticks, marks=pytest.mark.fault("version 1 file with half its trace", "refused by check")),
        pytest.param(halve_joules, marks=pytest.mark.fault("version 1 file with half its joules", "refused by check")),
    ],
)
def test_a_file_whose_joules_do_not_follow_from_its_ticks_keeps_them_for_check_to_refuse(
    first: bytes, tmp_path: Path, tamper: Callable[[Document], None]
) -> None:
    document = json.loads(first)
    tamper(document)
    kept = json.loads(upgrade(packed(document)))
    assert stated_joules(kept)[0] == stated_joules(document)[0]
    assert "energy" in rules_of(tmp_path / "a.json", packed(document))


def test_what_does_not_say_that_it_is_older_is_left_as_it_stands() -> None:
    for data in (b"", b"garbage", b'{"schema_version":4}', b' {"schema_version":1}'):
        assert upgrade(data) == data


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, long lists by their first three members only."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))[:3] if isinstance(value, list) else []
    return [here, *(place for key in keys for place in places(value[key], (*here, key)))]


def changed(document: Document, place: tuple[Any, ...], junk: Any) -> Document:
    if not place:
        return junk if isinstance(junk, dict) else {"schema_version": 1, "junk": junk}
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = junk
    return copy  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def small(first: bytes) -> Document:
    """The same file with one cell of one window: changes are found sooner in it."""
    document = json.loads(first)
    document["cells"] = document["cells"][:1]
    return document  # type: ignore[no-any-return]


@pytest.mark.fault("version 1 file with garbage anywhere in it", "refused with a message")
@given(data=st.data())
def test_garbage_in_a_version_1_file_is_refused_with_a_message_and_never_a_traceback(
    small: Document, data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(places(small)))
    document = changed(small, place, data.draw(JUNK))
    try:
        loads(packed(document))
    except (NotReadable, ValidationError):
        return


@pytest.mark.fault("version 1 file cut short", "refused with a message")
@given(share=st.floats(0.0, 0.999))
def test_a_file_cut_anywhere_is_refused(first: bytes, share: float) -> None:
    with pytest.raises((NotReadable, ValidationError)):
        loads(first[: int(share * (len(first) - 2))])


@pytest.mark.fault("version 1 file nested a hundred thousand deep", "refused with a message")
def test_a_file_nested_too_deeply_is_refused() -> None:
    with pytest.raises((NotReadable, ValidationError)):
        loads(b'{"schema_version":1,"meters":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
