"""What somebody who submits a result, and the workflow that receives it, see of `python -m suite check`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from suite import exits


def check(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "suite", "check", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def mixed(tmp_path: Path, synthetic: ModuleType) -> Path:
    """A folder of two results, and of what else may be submitted there."""
    good, other = synthetic.write(tmp_path / "results", 2, 3)
    document = json.loads(other.read_bytes())
    document["cells"][-1]["attempts"][-1]["energies"][0][0]["joules"] = 1.0
    other.write_text(json.dumps(document))
    (good.parent / "deep.json").write_text("[" * 100_000)
    (good.parent / "link.json").symlink_to(good)
    os.mkfifo(good.parent / "pipe.json")
    (good.parent / "colour.json").write_text('{"\\u001b[31m::error::": 1}')
    return tmp_path


def test_good_files_end_with_code_0(tmp_path: Path, synthetic: ModuleType) -> None:
    (path,) = synthetic.write(tmp_path / "results", 1, 3)
    done = check("results", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (exits.OK, "")
    assert done.stdout.startswith(f"ok      results/{path.parent.name}/{path.name}\n")


def test_a_folder_with_bad_files_is_told_line_by_line_with_code_5(mixed: Path) -> None:
    done = check("results", cwd=mixed)
    assert (done.returncode, done.stderr) == (exits.CHECK_FAILED, "")
    heads = [line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert sorted(heads) == ["REFUSED"] * 5 + ["ok"]
    for name, rule in {
        "deep.json": "depth", "link.json": "file-kind", "pipe.json": "file-kind", "colour.json": "text",
    }.items():  # fmt: skip
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("  ") and name in line]
        assert f"error {rule}" in line
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stdout


def test_a_workflow_reads_annotations_and_nothing_that_a_file_made_up(mixed: Path) -> None:
    done = check("results", "--format", "github", cwd=mixed)
    assert done.returncode == exits.CHECK_FAILED
    lines = done.stdout.splitlines()
    assert all(line.startswith(("::error file=results/", "::warning file=results/")) for line in lines)
    assert {line.partition("title=")[2].partition("::")[0] for line in lines} >= {
        "depth",
        "file-kind",
        "text",
        "energy",
    }


def test_a_program_reads_json(mixed: Path) -> None:
    done = check("results", "--json", cwd=mixed)
    assert done.returncode == exits.CHECK_FAILED
    rows = json.loads(done.stdout)
    assert [row["ok"] for row in rows].count(True) == 1
    found = [finding for row in rows for finding in row["findings"]]
    assert {frozenset(finding) for finding in found} == {
        frozenset({"rule", "severity", "pointer", "message", "cure"})
    }  # fmt: skip


def test_what_no_folder_of_results_holds_is_told_in_one_line(tmp_path: Path) -> None:
    done = check("nowhere.json", cwd=tmp_path)
    assert done.returncode == exits.CHECK_FAILED
    assert "error file-unreadable" in done.stdout
    (tmp_path / "empty").mkdir()
    done = check("empty", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.USAGE, "", 1)
