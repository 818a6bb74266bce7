"""Exported rows are the site's downloads, of acceptable results only; Parquet says what its columns are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from pyarrow import parquet

from suite.energy import MeterClass
from suite.leaderboard import build, export
from suite.leaderboard.downloads import to_csv, to_json
from suite.leaderboard.export import Exported, Wish, codecarbon_csv, of_classes
from suite.leaderboard.parquet import UNITS, to_parquet
from suite.leaderboard.ranking.frame import COLUMNS, Row

MakeRow = Callable[..., Row]
HARDWARE: tuple[MeterClass, ...] = ("measured", "rails")


@pytest.fixture(scope="module")
def source(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six results, one of them withdrawn and one there twice, and a damaged file."""
    folder = tmp_path_factory.mktemp("source") / "results"
    paths = synthetic.write(folder, 6)
    withdrawn = {"date": "2026-11-21", "result": paths[0].stem[-12:], "action": "withdrawn", "reason": "a trial"}
    (folder / "decisions.jsonl").write_text(json.dumps(withdrawn) + "\n")
    (folder / "copy").mkdir()
    shutil.copy(paths[1], folder / "copy" / paths[1].name)
    (folder / "damaged.json").write_text("{")
    return folder


@pytest.fixture(scope="module")
def found(source: Path) -> Exported:
    return export.read(source, Wish(boundary="device", grid_g_per_kwh=None))


def test_csv_and_json_are_the_bytes_of_the_sites_downloads(
    source: Path, found: Exported, site: Path, tmp_path: Path
) -> None:
    build(source, site, tmp_path / "out")
    data = tmp_path / "out" / "data"
    assert to_csv(found.rows).encode() == (data / "results.csv").read_bytes()
    assert to_json(found.rows, found.date).encode() == (data / "results.json").read_bytes()


def test_what_is_refused_is_named_and_what_is_withdrawn_takes_no_part(source: Path, found: Exported) -> None:
    assert len(found.shares) == 5
    refused = [(checked.path.relative_to(source).parts[0], checked.findings[-1].rule) for checked in found.refused]
    assert sorted(rule for _, rule in refused) == ["id-twice", "json"]


def test_a_file_whose_signature_does_not_hold_is_refused(synthetic: ModuleType, tmp_path: Path) -> None:
    (path,) = synthetic.write(tmp_path, 1)
    path.with_name(f"{path.name}.sig").write_text("no signature")
    got = export.read(tmp_path)
    assert (got.shares, [one.findings[0].rule for one in got.refused]) == ((), ["signature-bad"])


def test_of_two_files_of_one_run_the_first_is_exported_and_the_other_named(
    synthetic: ModuleType, tmp_path: Path
) -> None:
    whole = synthetic.result(7, 1)
    part = synthetic.sealed(whole.model_copy(update={"cells": whole.cells[:1], "complete": False}))
    for name, one in {"a.json": whole, "b.json": part}.items():
        (tmp_path / name).write_bytes(synthetic.dumps(one))
    got = export.read(tmp_path)
    assert [share.id for share in got.shares] == [whole.id]
    (refused,) = got.refused
    assert (refused.path.name, refused.findings[-1].rule) == ("b.json", "journal-twice")


@pytest.mark.parametrize(
    ("change", "refused"),
    [(lambda name: f"2026-02-02-{name[11:]}", ["file-other"]), (lambda name: f"my-{name}", [])],
    ids=["another result's name", "a name that tells nothing"],
)
def test_a_file_under_another_results_name_is_refused_by_the_site_and_by_an_export(
    synthetic: ModuleType, site: Path, tmp_path: Path, change: Callable[[str], str], refused: list[str]
) -> None:
    """What the site knows of a file it knows by its bytes, so it is asked of a file from the cache too."""
    source = tmp_path / "results"
    (path,) = synthetic.write(source, 1)
    assert build(source, site, tmp_path / "out").skipped == ()
    path.rename(path.with_name(change(path.name)))
    for made in (build(source, site, tmp_path / "out"), build(source, site, tmp_path / "afresh")):
        assert [one.rule for skipped in made.skipped for one in skipped.findings] == refused
        assert bool(made.rows) is not bool(refused)
    got = export.read(source)
    assert [one.rule for skipped in got.refused for one in skipped.findings] == refused
    assert bool(got.rows) is not bool(refused)


def test_only_the_wanted_classes_are_kept_among_rows_and_lines(found: Exported) -> None:
    kept = of_classes(found, HARDWARE)
    assert {row.meter_class for row in kept.rows} <= set(HARDWARE)
    assert {line.meter_class for line in kept.lines} <= set(HARDWARE)
    assert 0 < len(kept.rows) < len(found.rows)
    assert 0 < len(kept.lines) < len(found.lines)


def test_lines_are_made_only_where_they_are_wished(source: Path) -> None:
    assert export.read(source).lines == ()


def test_no_text_of_codecarbons_file_can_start_a_formula(found: Exported) -> None:
    line = found.lines[0]
    line.values["cpu_model"] = "=HYPERLINK(1)"
    try:
        assert ",'=HYPERLINK(1)," in codecarbon_csv([line])
    finally:
        line.values["cpu_model"] = "a processor"


def test_parquet_holds_the_same_rows_with_types_and_nulls(make_row: MakeRow, tmp_path: Path) -> None:
    known = make_row(result="000000000001", domains=("gpu0", "package-0"))
    unknown = make_row(result="000000000002", joules_per_unit=None, framework_version=None, reasons=("no_meter",))
    path = tmp_path / "rows.parquet"
    path.write_bytes(to_parquet([unknown, known], "2026-01-05"))
    table = parquet.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    first, second = table.to_pylist()
    assert (first["joules_per_unit"], first["domains"], first["batch"]) == (1.0, ["gpu0", "package-0"], 8)
    assert (second["joules_per_unit"], second["framework_version"], second["reasons"]) == (None, None, ["no_meter"])
    assert pd.read_parquet(path)["units_per_s"].dtype == float


def test_parquet_says_the_unit_of_every_number_that_has_one(make_row: MakeRow, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(to_parquet([make_row()], "2026-01-05"))
    schema = parquet.read_schema(path)
    told = {field.name: field.metadata[b"unit"].decode() for field in schema if field.metadata}
    assert told == UNITS
    assert schema.metadata[b"date"] == b"2026-01-05"
    floats = {field.name for field in schema if str(field.type) == "double"}
    assert floats == set(UNITS), "a column without a unit is a number that nobody can read"
    assert not schema.field("joules_per_unit").type.equals(schema.field("batch").type)
    assert (schema.field("joules_per_unit").nullable, schema.field("batch").nullable) == (True, False)


def test_parquet_of_no_rows_has_the_same_columns(make_row: MakeRow, tmp_path: Path) -> None:
    (tmp_path / "none.parquet").write_bytes(to_parquet([], None))
    (tmp_path / "one.parquet").write_bytes(to_parquet([make_row()], None))
    none, one = (parquet.read_schema(tmp_path / f"{name}.parquet") for name in ("none", "one"))
    assert none.equals(one, check_metadata=True)
