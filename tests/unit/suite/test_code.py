"""The hash of the code names what runs: any other code has another, and where it lies makes no difference."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from suite.code import ROOMS, ROOT, code_here, code_sha256, is_code
from suite.machine import describe_software

FILES = [("suite/a.py", b"one"), ("suite/b/c.toml", b"two"), ("workloads/gpt/golden.json", b"{}")]


def test_the_hash_is_the_one_that_is_defined() -> None:
    defined = b"suite/a.py\x003\x00one" + b"suite/b/c.toml\x003\x00two" + b"workloads/gpt/golden.json\x002\x00{}"
    assert code_sha256(FILES) == hashlib.sha256(defined).hexdigest()


def test_the_order_in_which_files_are_found_makes_no_difference() -> None:
    assert code_sha256(reversed(FILES)) == code_sha256(FILES)


@pytest.mark.parametrize(
    "other",
    [
        [("suite/a.py", b"One"), *FILES[1:]],
        [("suite/A.py", b"one"), *FILES[1:]],
        FILES[1:],
        [*FILES, ("backends/new.py", b"")],
        [("suite/a.py", b"onesuite/b/c.toml\x003\x00two"), *FILES[2:]],
    ],
    ids=["bytes", "path", "one less", "an empty one more", "two run into one"],
)
def test_other_code_has_another_hash(other: list[tuple[str, bytes]]) -> None:
    assert code_sha256(other) != code_sha256(FILES)


@pytest.mark.parametrize(
    "path",
    ["suite/note.md", "suite/__pycache__/a.py", "suite/.a.py", "suite/.old/a.py", "tests/a.py", "a.py", "suitex/a.py"],
)
def test_what_is_no_part_of_the_program_does_not_count(path: str) -> None:
    assert not is_code(path)
    assert code_sha256([*FILES, (path, b"any")]) == code_sha256(FILES)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The rooms, copied to another place as an installation does."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_checkout_and_a_copy_that_was_installed_from_it_agree(installed: Path) -> None:
    (installed / "suite" / "__pycache__").mkdir()
    (installed / "suite" / "__pycache__" / "cli.py").write_bytes(b"no code")
    (installed / "suite" / "another.py").symlink_to(installed / "suite" / "cli.py")
    assert code_here(installed) == code_here()


@pytest.mark.parametrize("room", ROOMS)
def test_a_file_that_python_would_import_counts_in_every_room(installed: Path, room: str) -> None:
    (installed / room / "more.py").write_bytes(b"")
    assert code_here(installed) != code_here()


def test_a_name_that_is_no_text_is_hashed_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "\udcff.py").write_bytes(b"")
    assert code_here(tmp_path) != code_sha256([])


def test_a_result_names_the_code_that_runs() -> None:
    assert describe_software({}).code_sha256 == code_here()
