"""The file format is closed, strict and published."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from suite.history import upgrade
from suite.record import schema, write_atomically

ROOT = Path(__file__).resolve().parents[3]


def test_the_published_schema_is_current() -> None:
    published = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))
    assert published == schema(), "run: python -m suite schema > docs/result.schema.json"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_every_committed_result_follows_the_published_schema() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    for path in (ROOT / "results").glob("*/*.json"):
        validator.validate(json.loads(upgrade(path.read_bytes())))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["result.json"]


def test_a_write_makes_its_folders_and_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "result.json"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
