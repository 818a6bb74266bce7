"""Who may import whom: the law of the rooms, and what the command line may load."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"torch", "jax", "pandas", "jinja2"}


@pytest.mark.parametrize(
    "statement",
    [
        "import suite.cli",
        "import suite.worker",
        "import suite.sampler",
        "import suite.controller",
        "import suite.check",
        "import backends; [backends.load(name) for name in backends.names()]",
        "import workloads; [workloads.specs(name) for name in workloads.names()]",
    ],
)
def test_importing_loads_no_framework_and_no_table_library(statement: str) -> None:
    assert not HEAVY & loaded_by(statement)


def test_the_command_line_loads_not_even_numpy() -> None:
    assert not {"numpy", "pydantic", "rich.console", "workloads", "backends"} & loaded_by("import suite.cli")


def test_who_gathers_what_checks_found_loads_no_schema() -> None:
    assert not {"numpy", "pydantic", "suite.record"} & loaded_by("import suite.check.batch, suite.check.report")


def test_a_site_is_built_without_a_table_library() -> None:
    assert "pandas" not in loaded_by("import suite.leaderboard.build, suite.contribution.shares")


def test_the_command_line_hashes_no_code() -> None:
    assert "suite.code" not in loaded_by("import suite.cli")


PLANTED = [
    ("backends/base.py", "import suite.units"),
    ("workloads/base.py", "import backends"),
    ("backends/base.py", "import workloads"),
    ("suite/plan.py", "import torch"),
    ("backends/meters/base.py", "import jax"),
    ("workloads/gpt/jax_program.py", "import torch"),
    ("suite/report.py", "import pandas"),
    ("suite/energy.py", "import time"),
    ("suite/statistics.py", "import os"),
    ("suite/check/rules.py", "import backends"),
    ("suite/leaderboard/ranking/frame.py", "import suite.controller"),
    ("suite/worker.py", "import backends.meters.rapl"),
    ("suite/sampler.py", "import workloads"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    for room in ("suite", "backends", "workloads"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_law_of_imports_is_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("file", "statement"), PLANTED)
def test_a_planted_import_breaks_the_law(copy: Path, file: str, statement: str) -> None:
    path = copy / file
    path.write_text(path.read_text().replace("from __future__ import annotations\n", f"{statement}\n", 1))
    done = lint(copy)
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


def test_no_python_lies_where_it_would_shadow_the_standard_library() -> None:
    assert not [*(ROOT / "site").rglob("*.py"), *(ROOT / "results").rglob("*.py")]
