"""What a person types, and the one line and the code they get back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

import suite
import workloads
from suite import exits
from suite.machine import describe_system
from suite.reasons import REASONS

PACKAGES = Path(sysconfig.get_paths()["purelib"])

SITE_FOLDER = ("--site", str(Path(__file__).parents[3] / "site"))
"""The templates of the checkout: the installed package has none."""

SITE = ("site", *SITE_FOLDER, "--results")


def call(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "suite", *arguments],
        cwd=cwd,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("-h",), ("check", "--help")])
def test_help_is_there(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == exits.OK
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--workload", "llama"), "gpt, resnet"),
        (("--backend", "abacus"), "cuda, tpu, cpu, simulated"),
        (("--framework", "tensorflow"), "torch, jax"),
        (("--size", "xl"), "xs, s, m"),
        (("--mode", "guess"), "train, infer"),
        (("--precision", "int1"), "fp32, bf16"),
        (("--budget", "soon"), "90s, 10m or 1h"),
        (("--budget", "1s"), "90s, 10m or 1h"),
        (("--budget", "-5m"), "90s, 10m or 1h"),
    ],
)
@pytest.mark.parametrize("command", [(), ("run",), ("plan",)])
def test_an_unknown_word_is_one_line_that_names_the_choices(
    tmp_path: Path, command: tuple[str, ...], arguments: tuple[str, ...], words: str
) -> None:
    done = call(*command, *arguments, cwd=tmp_path)
    assert done.returncode == exits.USAGE
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_misspelt_option_is_a_usage_error(tmp_path: Path) -> None:
    done = call("run", "--bugdet", "10m", cwd=tmp_path)
    assert done.returncode == exits.USAGE
    assert "Traceback" not in done.stderr


def test_an_option_before_a_command_is_refused_and_not_ignored(tmp_path: Path) -> None:
    done = call("--budget", "2m", "plan", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.USAGE, "", 1)
    assert "plan --budget" in done.stderr


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_terminal_of_a_small_alphabet_is_told_all_the_same(
    tmp_path: Path, encoding: str, synthetic: ModuleType
) -> None:
    (file,) = synthetic.write(tmp_path, 1)
    for command in (("list",), ("--help",), ("explain",), ("show", str(file)), ("compare", str(file), str(file))):
        done = call(*command, cwd=tmp_path, PYTHONIOENCODING=f"{encoding}:strict")
        assert (done.returncode, done.stderr) == (exits.OK, ""), command


def test_after_a_run_that_could_not_begin_no_site_is_built(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = call(*SITE[1:], "file/results", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (exits.CANNOT_WRITE, 1)


@pytest.mark.parametrize("wrong", [("--site", "nowhere"), (*SITE_FOLDER, "--out", "results/site")])
def test_where_the_site_cannot_go_is_told_before_the_run(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    done = call(*wrong, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (exits.USAGE, 1), done.stderr
    assert not list(tmp_path.iterdir())


def test_a_machine_s_folder_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    own = describe_system([]).slug
    (tmp_path / "results" / own).mkdir(parents=True, mode=0o500)
    done = without_rights("run", "--workload", "lstm", "--size", "xs", "--budget", "10s", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (exits.CANNOT_WRITE, 1), done.stderr
    assert f"results/{own}" in done.stderr


@pytest.fixture
def without_frameworks(tmp_path: Path) -> dict[str, str]:
    """An environment with everything installed here but torch and JAX, and Python's own site switched off."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in PACKAGES.iterdir():
        if not entry.name.startswith(("torch", "jax")) and entry.suffix != ".pth":
            (packages / entry.name).symlink_to(entry)
    checkout = Path(suite.__file__).parents[1]
    paths = [packages] if checkout == PACKAGES else [packages, checkout]
    return {"PYTHONPATH": os.pathsep.join(map(str, paths))}


@pytest.mark.parametrize("arguments", [("run",), (), ("plan",), ("run", "--backend", "cpu")])
def test_without_a_framework_the_line_that_installs_one_is_printed(
    tmp_path: Path, without_frameworks: dict[str, str], arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "suite", *arguments],
        cwd=tmp_path,
        env=os.environ | without_frameworks,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exits.NOTHING_TO_RUN, done.stderr
    assert 'python -m pip install -c constraints.txt -e ".[torch,jax]"' in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_framework_asked_for_on_hardware_that_is_not_here(tmp_path: Path) -> None:
    done = call("run", "--backend", "tpu", cwd=tmp_path)
    assert done.returncode == exits.NOTHING_TO_RUN
    assert done.stderr.startswith("tpu: ")
    assert done.stderr.count("\n") == 1


def test_the_doctor_has_a_line_for_every_backend(tmp_path: Path) -> None:
    done = call("doctor", cwd=tmp_path)
    for name in ("cuda", "tpu", "cpu", "simulated"):
        assert any(line.startswith(name) for line in done.stdout.splitlines())
    found = json.loads(call("doctor", "--json", cwd=tmp_path).stdout)
    assert {one["name"] for one in found["backends"]} == {"cuda", "tpu", "cpu", "simulated"}


def test_the_plan_says_minutes_and_json(tmp_path: Path) -> None:
    assert "10 min" in call("plan", "--backend", "simulated", cwd=tmp_path).stdout
    made = json.loads(call("plan", "--backend", "simulated", "--json", cwd=tmp_path).stdout)
    assert made["budget_s"] == 600.0


def test_the_list_names_parameters(tmp_path: Path) -> None:
    assert "124,439,808" in call("list", cwd=tmp_path).stdout
    listed = json.loads(call("list", "--json", cwd=tmp_path).stdout)
    assert {row["workload"] for row in listed["workloads"]} == set(workloads.names())


def test_every_reason_is_explained(tmp_path: Path) -> None:
    everything = call("explain", cwd=tmp_path).stdout
    assert all(code in everything for code in REASONS)
    assert "cure" in call("explain", "window_short", cwd=tmp_path).stdout
    assert call("explain", "nonsense", cwd=tmp_path).returncode == exits.USAGE


def test_a_damaged_file_is_named_with_code_5_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "broken.json").write_text('{"a": ')
    (tmp_path / "results" / "package.json").write_text('{"name": "left-pad"}')
    done = call("check", "results", cwd=tmp_path)
    assert done.returncode == exits.CHECK_FAILED
    assert "REFUSED results/broken.json" in done.stdout
    assert "REFUSED results/package.json" in done.stdout
    assert done.stderr == ""
    shown = call("show", "results/broken.json", cwd=tmp_path)
    assert shown.returncode == exits.CHECK_FAILED
    assert shown.stderr.count("\n") == 1


def test_what_a_file_says_cannot_drive_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "evil.json").write_text('{"\\u001b[2J": 1}')
    done = call("check", "evil.json", cwd=tmp_path)
    assert "\x1b" not in done.stdout + done.stderr


def without_rights(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command of somebody who may not enter every folder, as root may."""
    prefix = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
    if prefix and shutil.which("setpriv") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("root enters every folder, and there is no setpriv")
    command = [*prefix, sys.executable, "-m", "suite", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [("check",), ("show",), ("submit",), SITE])
def test_a_folder_that_nobody_may_enter_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    done = without_rights(*command, str(closed / "in"), cwd=tmp_path)
    closed.chmod(0o700)
    assert (done.returncode, done.stderr.count("\n")) == (exits.USAGE, 1), done.stderr
    assert "No right to" in done.stderr


@pytest.mark.parametrize("command", [("check", "results"), SITE[:-1]])
def test_a_folder_of_results_that_nobody_may_read_is_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    closed = tmp_path / "results" / "closed"
    closed.mkdir(parents=True, mode=0)
    done = without_rights(*command, cwd=tmp_path)
    closed.chmod(0o700)
    assert (done.returncode, done.stderr.count("\n")) == (exits.USAGE, 1), done.stderr
    assert "results/closed" in done.stderr


def test_a_site_is_not_built_among_the_results(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    done = call(*SITE[:-1], "--out", "results/site", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (exits.USAGE, 1), done.stderr


def test_nothing_to_check_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert call("check", "empty", cwd=tmp_path).returncode == exits.USAGE


def test_the_site_without_results_or_templates_is_one_line(tmp_path: Path) -> None:
    done = call("site", "--site", str(tmp_path / "none"), cwd=tmp_path)
    assert done.returncode == exits.USAGE
    assert done.stderr.count("\n") == 1
