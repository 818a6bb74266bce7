"""`import` and `export` as a person types them: one line, one code, and a file that is whole or not there."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import suite
from suite import exits

Write = Callable[[str, Any], Path]
PACKAGES = Path(sysconfig.get_paths()["purelib"])
SAID = ("--url", "https://example.org/data", "--licence", "Apache-2.0", "--retrieved", "2026-11-20")


def call(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suite", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six results, one of them of a machine without a meter, and a damaged file. Read only."""
    folder = tmp_path_factory.mktemp("kept") / "results"
    synthetic.write(folder, 6)
    (folder / "damaged.json").write_text("{")
    return folder


def test_import_writes_one_file_of_its_own_name_and_prints_where(
    tmp_path: Path, write: Write, ml_energy: dict[str, Any]
) -> None:
    done = call("import", write("Task__A.json", ml_energy), "--from", "ml-energy", *SAID, cwd=tmp_path)
    assert done.returncode == exits.OK, done.stderr
    (path,) = (tmp_path / "results" / "foreign").iterdir()
    assert done.stdout == f"{path.relative_to(tmp_path)}\n"
    assert "3 figures; 0 records without energy or power left out" in done.stderr
    checked = call("check", "results", cwd=tmp_path)
    assert (checked.returncode, checked.stdout.split()[0]) == (exits.OK, "ok")


def test_importing_it_again_on_another_day_adds_nothing(
    tmp_path: Path, write: Write, ml_energy: dict[str, Any]
) -> None:
    source = write("a.json", ml_energy)
    call("import", source, "--from", "ml-energy", *SAID, cwd=tmp_path)
    (kept,) = (tmp_path / "results" / "foreign").iterdir()
    before = kept.read_bytes()
    done = call("import", source, "--from", "ml-energy", *SAID[:-1], "2026-11-21", cwd=tmp_path)
    assert "It was here already" in done.stderr
    assert [path.read_bytes() for path in (tmp_path / "results" / "foreign").iterdir()] == [before]


def test_of_several_files_none_is_written_where_one_is_refused(
    tmp_path: Path, write: Write, mlperf: list[dict[str, Any]]
) -> None:
    good, bad = write("good.json", mlperf), write("bad.json", "[{]")
    done = call("import", good, bad, "--from", "mlperf-power", *SAID, cwd=tmp_path)
    assert done.returncode == exits.CHECK_FAILED
    assert done.stderr.count("\n") == 1
    assert "bad.json: json: not JSON" in done.stderr
    assert not (tmp_path / "results").exists()


def test_import_says_one_line_where_it_cannot_write(tmp_path: Path, write: Write, mlperf: list[dict[str, Any]]) -> None:
    (tmp_path / "results").write_text("no folder")
    done = call("import", write("a.json", mlperf), "--from", "mlperf-power", *SAID, cwd=tmp_path)
    assert done.returncode == exits.CANNOT_WRITE
    assert done.stderr.startswith("Cannot write results/foreign/mlperf-power-")
    assert done.stderr.count("\n") == 1


def test_a_foreign_reference_cannot_be_submitted(tmp_path: Path, write: Write, mlperf: list[dict[str, Any]]) -> None:
    done = call("import", write("a.json", mlperf), "--from", "mlperf-power", *SAID, cwd=tmp_path)
    refused = call("submit", done.stdout.strip(), cwd=tmp_path)
    assert refused.returncode == exits.USAGE
    assert "is a foreign reference, no result" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_codecarbon_gets_what_hardware_counted_and_is_told_what_is_left_out(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "emissions.csv"
    done = call("export", results, "--to", "codecarbon", "--out", out, "--grid-g-per-kwh", "481", cwd=tmp_path)
    assert done.returncode == exits.CHECK_FAILED, "a file was refused"
    assert f"skipped {results / 'damaged.json'}: json:" in done.stderr
    with out.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert {line["tracking_mode"] for line in found} <= {"device:measured", "device:rails"}
    assert all(float(line["emissions"]) > 0 for line in found)
    assert f"Wrote {len(found)} lines of 6 results to {out}. Left out by class: " in done.stderr
    assert "estimated" in done.stderr
    assert "choose by --class" in done.stderr


def test_the_classes_that_are_asked_for_are_exported_and_no_other(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    done = call("export", results, "--to", "json", "--out", out, "--class", "estimated", "--keep-going", cwd=tmp_path)
    assert done.returncode == exits.OK, done.stderr
    rows = json.loads(out.read_bytes())["rows"]
    assert {row["meter_class"] for row in rows} == {"estimated"}
    known = [row for row in rows if row["joules_per_unit"] is not None]
    assert known
    assert all(row["joules_low"] < row["joules_per_unit"] < row["joules_high"] for row in known)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("missing", "--to", "csv", "--out", "a"), exits.USAGE, "No folder missing"),
        (("kept", "--to", "codecarbon", "--out", "a", "--grid-g-per-kwh", "-1"), exits.USAGE, "No grid emits -1"),
        (("kept", "--to", "codecarbon", "--out", "a", "--grid-g-per-kwh", "nan"), exits.USAGE, "No grid emits nan"),
        (("kept", "--to", "csv", "--out", "kept/one.json"), exits.USAGE, "kept/one.json lies among the results"),
        (("kept", "--to", "csv", "--out", "kept/new/rows.csv"), exits.USAGE, "lies among the results"),
        (("odd", "--to", "csv", "--out", "a"), exits.CHECK_FAILED, "log of decisions cannot be read"),
    ],
)
def test_what_cannot_be_exported_is_one_line(tmp_path: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    for name in ("kept/one.json", "odd/decisions.jsonl"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("{}\n")
    before = sorted(tmp_path.rglob("*"))
    done = call("export", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_an_export_to_where_nothing_can_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "file").write_text("")
    done = call("export", "--to", "csv", "--out", "file/rows.csv", cwd=tmp_path)
    assert done.returncode == exits.CANNOT_WRITE
    assert done.stderr.count("\n") == 1


def test_without_pyarrow_the_line_that_installs_it_is_printed(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in PACKAGES.iterdir():
        if not entry.name.startswith("pyarrow") and entry.suffix != ".pth":
            (packages / entry.name).symlink_to(entry)
    checkout = Path(suite.__file__).parents[1]
    paths = [packages] if checkout == PACKAGES else [packages, checkout]
    (tmp_path / "results").mkdir()
    done = subprocess.run(
        [sys.executable, "-S", "-m", "suite", "export", "--to", "parquet", "--out", "rows.parquet"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exits.USAGE, done.stderr
    assert 'python -m pip install -c constraints.txt -e ".[parquet]"' in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "rows.parquet").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("url", "http://example.org/"), ("licence", ""), ("retrieved", "yesterday")]
)
def test_an_option_that_cannot_stand_is_the_option_s_fault_and_not_the_file_s(
    tmp_path: Path, write: Write, mlperf: list[dict[str, Any]], option: str, value: str
) -> None:
    said = ("--from", "mlperf-power", *SAID, f"--{option}", value)
    done = call("import", write("a.json", mlperf), *said, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.USAGE, "", 1)
    assert done.stderr.startswith(f"--{option}: ")
