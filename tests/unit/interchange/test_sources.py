"""What is taken from the files of ML.ENERGY and MLPerf Power, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.check.files import MAX_BYTES, Refused
from suite.foreign import ForeignRow
from suite.interchange.importing import Imported, Origin, read

Write = Callable[[str, Any], Path]
MakeOrigin = Callable[[Any], Origin]
CSV_NAMES = {
    "Accelerator": "accelerator_model_name",
    "Category": "Division",
    "Model": "MlperfModel",
    "Nodes": "number_of_nodes",
    "Processor": "host_processor_model_name",
    "Submitter": "Organization",
    "System": "SystemName",
    "a#": "accelerators_per_node",
}


def refusal(path: Path, origin: Origin) -> tuple[str, str]:
    """The rule and the place of the first finding."""
    with pytest.raises(Refused) as caught:
        read(path, origin)
    first = caught.value.findings[0]
    return first.rule, first.pointer


def table(records: list[dict[str, Any]]) -> str:
    """summary.csv: performance has a line of its own, and so has power."""
    lines = []
    for record in records:
        own = {CSV_NAMES.get(name, name): value for name, value in record.items()}
        for kind in ("Performance", "Power"):
            result, units = own.pop(f"{kind}_Result", None), own.pop(f"{kind}_Units", None)
            if units:
                lines.append({"Model": "their-own-name", "Result": result, "Units": units, **own})
    names = sorted({name for line in lines for name in line} - {"Performance_Result", "Performance_Units"})
    names = [name for name in names if not name.startswith("Power_")]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def test_every_energy_of_a_configuration_of_ml_energy_is_a_figure(
    write: Write, ml_energy: dict[str, Any], origin: MakeOrigin
) -> None:
    found = read(write("Task__Chat.json", ml_energy), origin("ml-energy"))
    told = [(row.model, row.accelerator, row.count, row.value, row.unit) for row in found.foreign.rows]
    assert told == [
        ("Example/Model-8B", "B200", 2, 0.7, "J/token"),
        ("Example/Model-8B", "B200", 2, 430.0, "J/request"),
        ("Example/Model-1B", "B200", 1, 0.4, "J/token"),
    ]
    assert {row.work for row in found.foreign.rows} == {"lm-arena-chat"}
    assert found.foreign.rows[0].notes[:3] == (
        "weights bfloat16",
        "at most so many sequences at once: 8",
        "tensor parallel 2",
    )


def test_the_file_of_one_model_says_the_same_with_its_names_above(
    write: Write, ml_energy: dict[str, Any], origin: MakeOrigin
) -> None:
    first = dict(ml_energy["configurations"][0])
    model, weights, tensor = first.pop("model_id"), first.pop("weight_precision"), first.pop("tensor_parallel")
    own = {
        "configurations": [{**first, "parallelization": {"notes": "", "tensor_parallel": tensor}}],
        "model_id": model,
        "task": ml_energy["task"],
        "weight_precision": weights,
    }
    task = {**ml_energy, "configurations": ml_energy["configurations"][:1]}
    by_model = read(write("model.json", own), origin("ml-energy")).foreign.rows
    assert by_model == read(write("task.json", task), origin("ml-energy")).foreign.rows


def test_a_configuration_without_energy_is_left_out_and_counted(
    write: Write, ml_energy: dict[str, Any], origin: MakeOrigin
) -> None:
    ml_energy["configurations"][1]["energy_per_token_joules"] = None
    found = read(write("a.json", ml_energy), origin("ml-energy"))
    assert (len(found.foreign.rows), found.left_out) == (2, 1)


def mlperf_told(found: Imported) -> list[tuple[object, ...]]:
    return [(row.work, row.accelerator, row.count, row.value, row.unit) for row in found.foreign.rows]


def test_mlperf_power_is_watts_or_joules_of_a_query_and_nothing_without_power(
    write: Write, mlperf: list[dict[str, Any]], origin: MakeOrigin
) -> None:
    found = read(write("summary_results.json", mlperf), origin("mlperf-power"))
    assert mlperf_told(found) == [
        ("llama2-70b-99 Offline", "Example B200", 8, 10401.0, "W"),
        ("resnet SingleStream", "Example Xeon", 2, 0.155, "J/query"),
    ]
    assert found.left_out == 1
    assert found.foreign.rows[0].notes[-1] == "result 102909.0 Tokens/s"


def test_accelerators_are_those_of_all_nodes(write: Write, mlperf: list[dict[str, Any]], origin: MakeOrigin) -> None:
    first, second, *_ = mlperf
    found = read(write("a.json", [{**first, "Nodes": 3}, {**second, "Nodes": "?"}]), origin("mlperf-power"))
    assert [row.count for row in found.foreign.rows] == [24, None]


def test_the_table_of_mlperf_holds_the_same_figures(
    write: Write, mlperf: list[dict[str, Any]], origin: MakeOrigin
) -> None:
    as_json = read(write("a.json", mlperf), origin("mlperf-power"))
    as_csv = read(write("summary.csv", table(mlperf)), origin("mlperf-power"))
    assert mlperf_told(as_csv) == mlperf_told(as_json)
    assert as_csv.left_out == 3, "each record has a line of performance"


def test_every_figure_is_foreign_and_says_what_it_counts(
    write: Write, ml_energy: dict[str, Any], mlperf: list[dict[str, Any]], origin: MakeOrigin
) -> None:
    rows: list[ForeignRow] = [
        *read(write("a.json", ml_energy), origin("ml-energy")).foreign.rows,
        *read(write("b.json", mlperf), origin("mlperf-power")).foreign.rows,
    ]
    assert {row.meter_class for row in rows} == {"foreign"}
    assert {row.boundary for row in rows} == {
        "the GPUs alone, by their own energy counters",
        "the whole system, by a power analyser at its supply",
    }


@pytest.mark.parametrize("value", [0, -1.0, True, "much", [1], {"a": 1}])
def test_a_figure_that_is_none_is_refused_at_its_place(
    write: Write, ml_energy: dict[str, Any], origin: MakeOrigin, value: object
) -> None:
    ml_energy["configurations"][1]["energy_per_token_joules"] = value
    place = "/configurations/1/energy_per_token_joules"
    assert refusal(write("a.json", ml_energy), origin("ml-energy")) == ("foreign-source", place)


@pytest.mark.parametrize("key", ["gpu_model", "model_id"])
@pytest.mark.parametrize("value", ["a\u202eb", "a\u0007b", "=1+1", "<b>", "a\u200bb", "x" * 121])
def test_a_name_that_hides_or_commands_something_is_refused(
    write: Write, ml_energy: dict[str, Any], origin: MakeOrigin, key: str, value: str
) -> None:
    ml_energy["configurations"][0][key] = value
    rule, _ = refusal(write("a.json", ml_energy), origin("ml-energy"))
    assert rule in {"foreign-source", "text"}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b'{"task": "a", "task": "b", "configurations": []}', "duplicate-key"),
        (b'{"task": "a", "configurations": [{"energy_per_token_joules": NaN}]}', "number"),
        (b'{"task": "a", "configurations": [{"energy_per_token_joules": 1e400}]}', "number"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "depth"),
        (b'{"a": "\xff"}', "encoding"),
        (b"{", "json"),
        (b" " * (MAX_BYTES + 1), "file-size"),
        (b'{"task": "a", "configurations": [' + b"1," * 6000 + b"1]}", "values"),
        (json.dumps({"task": "a", "configurations": [{str(key): 1 for key in range(300)}]}).encode(), "values"),
        (b"[]", "foreign-source"),
        (b'{"task": "a"}', "foreign-source"),
        (b'{"task": "a", "configurations": [1]}', "foreign-source"),
        (b'{"task": "a", "configurations": []}', "foreign-source"),
        (b'{"configurations": [{"energy_per_token_joules": 1}]}', "foreign-source"),
        (b'{"task": ["a"], "configurations": [{"energy_per_token_joules": 1}]}', "foreign-source"),
    ],
)
def test_a_hostile_file_is_refused_by_name(write: Write, origin: MakeOrigin, content: bytes, rule: str) -> None:
    assert refusal(write("a.json", content), origin("ml-energy"))[0] == rule


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\xef\xbb\xbfScenario,Units,Result,MlperfModel\nOffline,Watts,5,resnet\n", ("encoding", "")),
        (b"Scenario,Units,Result,MlperfModel\n\xff,Watts,5,resnet\n", ("encoding", "")),
        (b"Scenario,Units,Result,MlperfModel\nOff\0line,Watts,5,resnet\n", ("encoding", "")),
        (b"", ("foreign-source", "")),
        (b"a,b\n1,2\n", ("foreign-source", "")),
        (b"Scenario,Units,Result,MlperfModel,Scenario\nOffline,Watts,5,resnet,Offline\n", ("foreign-source", "")),
        (b"Scenario,Units,Result,MlperfModel\nOffline,Watts,5\n", ("foreign-source", "/0")),
        (b'Scenario,Units,Result,MlperfModel\n"Offline,Watts,5,resnet\n', ("foreign-source", "")),
        (b"Scenario,Units,Result,MlperfModel\nOffline,Watts,much,resnet\n", ("foreign-source", "/0/Power_Result")),
        (b"Scenario,Units,Result,MlperfModel\nOffline,Watts,nan,resnet\n", ("foreign-source", "/0/Power_Result")),
        (b"Scenario,Units,Result,MlperfModel\nOffline,Watts,inf,resnet\n", ("foreign-source", "/0/Power_Result")),
        (b"Scenario,Units,Result,MlperfModel\nOffline,Samples/s,5,resnet\n", ("foreign-source", "")),
    ],
)
def test_a_table_that_is_none_of_mlperf_is_refused(
    write: Write, origin: MakeOrigin, content: bytes, found: tuple[str, str]
) -> None:
    assert refusal(write("a.csv", content), origin("mlperf-power")) == found


def test_a_table_is_no_file_of_ml_energy(write: Write, origin: MakeOrigin) -> None:
    assert refusal(write("a.csv", "a,b\n1,2\n"), origin("ml-energy"))[0] == "json"


def test_an_unknown_unit_of_power_is_refused_and_not_guessed(
    write: Write, mlperf: list[dict[str, Any]], origin: MakeOrigin
) -> None:
    mlperf[0]["Power_Units"] = "horsepower"
    assert refusal(write("a.json", mlperf), origin("mlperf-power")) == ("foreign-source", "/0/Power_Units")


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("url", "http://example.org/", "foreign-source"),
        ("url", "https://example.org/<b>", "foreign-source"),
        ("url", "javascript:alert(1)", "foreign-source"),
        ("retrieved", "yesterday", "foreign-source"),
        ("retrieved", "2026-02-30", "foreign-date"),
        ("retrieved", "2999-01-01", "foreign-date"),
        ("licence", "", "foreign-source"),
        ("licence", "a\u202eb", "foreign-source"),
    ],
)
def test_what_is_said_of_the_source_is_held_to_rules_too(
    write: Write, ml_energy: dict[str, Any], field: str, value: str, rule: str
) -> None:
    said: dict[str, Any] = {"url": "https://example.org/", "retrieved": "2026-11-20", "licence": "MIT", field: value}
    assert refusal(write("a.json", ml_energy), Origin(source="ml-energy", **said))[0] == rule


def test_a_link_and_a_missing_file_are_refused(write: Write, ml_energy: dict[str, Any], origin: MakeOrigin) -> None:
    path = write("a.json", ml_energy)
    link = path.with_name("link.json")
    link.symlink_to(path)
    assert refusal(link, origin("ml-energy"))[0] == "file-kind"
    assert refusal(path.with_name("missing.json"), origin("ml-energy"))[0] == "file-unreadable"
