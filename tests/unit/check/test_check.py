"""A file that does not hold together is refused by the rule it breaks, and never by a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.check.batch import check_all
from suite.check.document import MAX_BYTES
from suite.check.single import check_file
from suite.folders import result_files
from suite.identity import content_id

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A valid file of a machine with measured counters."""
    folder = tmp_path_factory.mktemp("good")
    command = [sys.executable, str(ROOT / "bench" / "synthetic.py"), "--count", "1", "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*/*.json")
    return path.read_bytes()


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def rules_of(path: Path, data: bytes) -> set[str]:
    checked = check_file(written(path, data))
    assert checked.acceptable == (not any(found.severity == "error" for found in checked.findings))
    return {found.rule for found in checked.findings if found.severity == "error"}


def test_a_good_file_has_no_findings(tmp_path: Path, good: bytes) -> None:
    assert rules_of(tmp_path / "a.json", good) == set()


Change = Callable[[dict[str, Any]], object]


def cell(document: dict[str, Any]) -> Any:
    return next(one for one in document["cells"] if one["attempts"][0]["outcome"] == "ok")


def attempt(document: dict[str, Any]) -> Any:
    return cell(document)["attempts"][0]


def scale_trace(document: dict[str, Any]) -> None:
    ticks = attempt(document)["ticks"][0]
    ticks["energy_uj"] = [value // 2 for value in ticks["energy_uj"]]


def swap_instants(document: dict[str, Any]) -> None:
    at_ns = attempt(document)["ticks"][0]["at_ns"]
    at_ns[3], at_ns[4] = at_ns[4], at_ns[3]


def drop_tick(document: dict[str, Any]) -> None:
    attempt(document)["ticks"][0]["at_ns"].pop()


def stretch(document: dict[str, Any]) -> None:
    window = attempt(document)["windows"][-1]
    window["end_ns"] += (window["end_ns"] - window["start_ns"]) // 10


def halve_joules(document: dict[str, Any]) -> None:
    attempt(document)["energies"][0][0]["joules"] /= 2


CORRUPTIONS: dict[str, tuple[Change, str]] = {
    "joules halved": (halve_joules, "energy"),
    "trace scaled": (scale_trace, "energy"),
    "window stretched": (stretch, "energy"),
    "a joule's class raised": (lambda d: attempt(d)["energies"][0][0].update(meter_class="rails"), "energy-label"),
    "reasons hidden": (lambda d: attempt(d)["energies"][0][0].update(reasons=["none"]), "energy-label"),
    "certainty feigned": (lambda d: attempt(d)["energies"][0][0].update(edge_j=0.0), "energy-uncertainty"),
    "an energy of a boundary dropped": (lambda d: attempt(d)["energies"][0].pop(), "energy-count"),
    "a precision that nobody knows": (lambda d: cell(d)["cell"].update(precision="fp16"), "precision"),
    "a window's energy dropped": (lambda d: attempt(d)["energies"].pop(), "energy-count"),
    "half a step more": (
        lambda d: attempt(d)["windows"][0].update(units=attempt(d)["windows"][0]["units"] + 1),
        "units",
    ),
    "no units": (lambda d: attempt(d)["windows"][0].update(units=0), "units-none"),
    "instants swapped": (swap_instants, "ticks-time"),
    "a tick dropped": (drop_tick, "ticks-length"),
    "a meter that is not there": (lambda d: attempt(d)["ticks"][0].update(meter=99), "ticks-meter"),
    "a series doubled": (lambda d: attempt(d)["ticks"].append(attempt(d)["ticks"][0]), "ticks-twice"),
    "a window backwards": (lambda d: attempt(d)["windows"][0].update(end_ns=0), "window"),
    "windows that overlap": (lambda d: attempt(d)["windows"][1].update(start_ns=1), "window-overlap"),
    "quality forged": (lambda d: attempt(d)["quality"].update(value=1e6), "quality"),
    "an audit forged": (lambda d: attempt(d)["audits"][0].update(value=1e6), "quality"),
    "an audit's limit widened": (lambda d: attempt(d)["audits"][1].update(low=0.0), "audit-limit"),
    "an audit under another name": (lambda d: attempt(d)["audits"][0].update(name="trust me"), "audit-limit"),
    "its band widened": (lambda d: attempt(d)["quality"].update(high=1e9), "quality-band"),
    "no quality": (lambda d: attempt(d).update(quality=None), "quality"),
    "no windows": (lambda d: attempt(d).update(windows=[], energies=[]), "outcome"),
    "another unit": (lambda d: cell(d)["work"].update(unit="word"), "work"),
    "more parameters": (lambda d: cell(d)["work"].update(parameters=10**9), "work"),
    "less traffic": (lambda d: cell(d)["work"].update(bytes_per_step=1.0), "work"),
    "a batch that is no choice": (lambda d: cell(d)["cell"].update(batch=12345), "batch"),
    "another batch than the sweep's": (
        lambda d: attempt(d)["sweep"].extend(
            [{"batch": cell(d)["cell"]["batch"], "units_per_s": 1.0}, {"batch": 12345, "units_per_s": 2.0}]
        ),
        "batch",
    ),
    "a cell doubled": (lambda d: d["cells"].append(d["cells"][0]), "cell-twice"),
    "no attempts": (lambda d: cell(d).update(attempts=[]), "attempt-none"),
    "a cell of no plan": (lambda d: d["plan"].update(cells=[]), "cell-unplanned"),
    "a device that is not listed": (
        lambda d: (d["system"].update(accelerators=2 * d["system"]["accelerators"]), cell(d)["cell"].update(device=2)),
        "device-index",
    ),
    "a processor of fewer cores": (lambda d: d["system"].update(cpu="Intel Core i7-7700K"), "cores-over"),
    "a machine named after another": (
        lambda d: d["system"].update(name="NVIDIA A100 80GB", slug="nvidia-a100-80gb"),
        "name-device",
    ),
    "no accelerator": (lambda d: d["system"].update(accelerators=[]), "backend-device"),
    "another machine's slug": (lambda d: d["system"].update(slug="b"), "slug"),
    "the idle machine twice before": (lambda d: d["idle"][1].update(when="before"), "idle-twice"),
    "an idle machine that worked": (lambda d: d["idle"][0]["window"].update(units=1), "units"),
    "an interval beside its value": (lambda d: d["overhead"]["throughput"].update(low=1.5), "interval"),
    "a stage backwards": (lambda d: attempt(d)["stages"][0].update(start_ns=10**10), "stage"),
    "a stage within a window": (
        lambda d: attempt(d)["stages"][-1].update(end_ns=attempt(d)["windows"][0]["end_ns"]),
        "stage-overlap",
    ),
    "joules beyond the counter": (halve_joules, "energy-bounds"),
    "a counter below zero": (lambda d: attempt(d)["ticks"][0]["energy_uj"].__setitem__(0, -5), "ticks-negative"),
    "a meter that never moves": (lambda d: d["meters"][0].update(update_period_s=1e6), "meter-range"),
    "a trace used twice": (
        lambda d: d["cells"][-1]["attempts"][-1].update(ticks=d["cells"][-2]["attempts"][-1]["ticks"]),
        "replayed",
    ),
    "a domain counted twice": (lambda d: d["meters"].append(d["meters"][0]), "meter-domain"),
    "half an estimate": (lambda d: d["meters"][0].update(bound="low"), "meter-domain"),
    "units past counting": (lambda d: attempt(d)["windows"][0].update(units=10**400), "number"),
    "joules past counting": (lambda d: attempt(d)["ticks"][0]["energy_uj"].append(10**30), "number"),
    "a source without end": (lambda d: d["meters"][0].update(source="x" * 301), "text"),
    "another backend": (lambda d: d.update(backend="tpu"), "backend"),
    "an unknown field": (lambda d: d.update(extra=1), "schema"),
    "a missing field": (lambda d: d.pop("system"), "schema"),
    "a number as text": (lambda d: d["plan"].update(budget_s="600"), "schema"),
    "a flag for a number": (lambda d: d["plan"].update(budget_s=True), "schema"),
    "a later format": (lambda d: d.update(schema_version=5), "schema"),
    "a folder in the slug": (lambda d: d["system"].update(slug="../up"), "text"),
    "a name without end": (lambda d: d["system"].update(name="x" * 200), "schema"),
    "text that turns around": (lambda d: d["system"].update(name="a\u202eb"), "text"),
    "a bell in a note": (lambda d: d["software"].update(system="a\x07"), "text"),
    "a control character in a domain": (lambda d: d["meters"][0].update(domain="gpu\x1b[2J"), "text"),
}


BEFORE_THE_CONTENT = {"schema", "text", "number"}
"""Rules of layers after which nothing else is asked."""


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupted_result_is_refused_by_the_right_rule(tmp_path: Path, good: bytes, name: str) -> None:
    change, rule = CORRUPTIONS[name]
    document = json.loads(good)
    change(document)
    found = rules_of(tmp_path / "a.json", json.dumps(document).encode())
    assert rule in found
    assert "id-not-content" in found or found <= BEFORE_THE_CONTENT


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_naming_it_anew_hides_only_that_it_was_changed(tmp_path: Path, good: bytes, name: str) -> None:
    change, rule = CORRUPTIONS[name]
    document = json.loads(good)
    change(document)
    with suppress(ValueError):  # a file that can have no name is refused for what it holds
        document["id"] = content_id(document)
    found = rules_of(tmp_path / "a.json", json.dumps(document).encode())
    assert rule in found
    assert "id-not-content" not in found


def test_however_a_file_is_laid_out_it_is_the_same_file(tmp_path: Path, good: bytes) -> None:
    document = json.loads(good)
    turned = {key: document[key] for key in reversed(document)}
    assert rules_of(tmp_path / "a.json", json.dumps(turned, indent=1).encode()) == set()


def test_a_file_of_before_ids_were_of_the_content_may_have_any(tmp_path: Path, good: bytes) -> None:
    document = json.loads(good) | {"schema_version": 3, "id": "0123456789ab"}
    assert rules_of(tmp_path / "a.json", json.dumps(document, separators=(",", ":")).encode()) == set()


def test_a_number_that_parsers_read_differently_can_be_in_no_named_file(tmp_path: Path, good: bytes) -> None:
    document = json.loads(good)
    attempt(document)["ticks"][0]["energy_uj"][-1] = 2**53
    checked = check_file(written(tmp_path / "a.json", json.dumps(document).encode()))
    (found,) = (one for one in checked.findings if one.rule == "id-not-content")
    assert found.pointer == "/id"
    assert "9007199254740992" in found.message


DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "json"),
    "blank": (b"  \n", "json"),
    "a list": (b"[]", "schema"),
    "null": (b"null", "schema"),
    "another program's": (b'{"name": "left-pad", "version": "1.0.0"}', "schema"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "encoding"),
    "utf-16": ("{}".encode("utf-16"), "encoding"),
    "latin-1": (b'{"name": "caf\xe9"}', "encoding"),
    "two documents": (b"{}{}", "json"),
    "not a number": (b'{"a": NaN}', "number"),
    "infinity": (b'{"a": -Infinity}', "number"),
    "a number past every float": (b'{"schema_version": 1e400}', "number"),
    "a number of 5000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "number"),
    "a key twice": (b'{"a": 1, "a": 2}', "duplicate-key"),
    "a key twice by another spelling": (b'{"a": 1, "\\u0061": 2}', "duplicate-key"),
    "100000 brackets": (b"[" * 100_000, "depth"),
    "100000 braces": (b'{"a":' * 100_000, "depth"),
    "a lone surrogate": (b'{"a": "\\ud800"}', "text"),
    "too large": (b" " * (MAX_BYTES + 1), "file-size"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_is_no_result_is_refused(tmp_path: Path, name: str) -> None:
    data, rule = DOCUMENTS[name]
    assert rule in rules_of(tmp_path / "a.json", data)


@given(data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_a_traceback(tmp_path: Path, data: bytes) -> None:
    assert rules_of(tmp_path / "a.json", data)


@given(place=st.integers(0, 10**6), byte=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_flipped_byte_makes_no_traceback(tmp_path: Path, good: bytes, place: int, byte: int) -> None:
    flipped = bytearray(good)
    flipped[place % len(good)] = byte
    rules_of(tmp_path / "a.json", bytes(flipped))


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path: Path, good: bytes) -> None:
    for eighth in range(8):
        assert rules_of(tmp_path / "a.json", good[: len(good) * eighth // 8])


def test_links_folders_and_missing_files_are_refused(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "good.json").write_bytes(good)
    (tmp_path / "link.json").symlink_to(tmp_path / "good.json")
    (tmp_path / "folder.json").mkdir()
    assert check_file(tmp_path / "link.json").findings[0].rule == "file-kind"
    assert check_file(tmp_path / "folder.json").findings[0].rule == "file-kind"
    assert check_file(tmp_path / "missing.json").findings[0].rule == "file-unreadable"


def test_a_link_in_place_of_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "linked").symlink_to(tmp_path / "elsewhere")
    (row,) = check_all([tmp_path / "results"])
    assert (row.path.name, [one.rule for one in row.findings]) == ("linked", ["file-kind"])


def test_a_later_version_of_the_format_is_called_that(tmp_path: Path, good: bytes) -> None:
    (tmp_path / "a.json").write_bytes(json.dumps(json.loads(good) | {"schema_version": 5}).encode())
    (finding,) = check_file(tmp_path / "a.json").findings
    assert (finding.rule, finding.pointer) == ("schema", "/schema_version")
    assert "version 5" in finding.message


def test_results_are_found_in_a_fixed_order_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for name in ("b/2.json", "a/1.json", ".runs/x/3.json", "a/.4.json", "a/5.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [path.name for path in result_files(tmp_path)] == ["1.json", "2.json"]


def test_committed_results_are_acceptable() -> None:
    for path in result_files(ROOT / "results"):
        checked = check_file(path)
        assert checked.acceptable, (path, checked.findings)
