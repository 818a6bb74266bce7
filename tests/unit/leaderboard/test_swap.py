"""The old site or the new one, never a part of either."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from suite.leaderboard.swap import MARKER, exchange, replacing


def put(out: Path, name: str) -> None:
    with replacing(out) as fresh:
        (fresh / name).write_text(name)


def test_two_folders_change_names_at_once(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    swapped = exchange(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "one" / ("other" if swapped else "one")).exists()
    assert not exchange(tmp_path / "one", tmp_path / "absent")


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_new_site_takes_the_place_of_the_old_one(tmp_path: Path, can_exchange: bool) -> None:
    out = tmp_path / "deep" / "site"
    put(out, "old")
    with replacing(out, exchange=exchange if can_exchange else lambda one, other: False) as fresh:
        (fresh / "new").touch()
    assert sorted(path.name for path in out.iterdir()) == [MARKER, "new"]
    assert [path.name for path in out.parent.iterdir()] == ["site"]


def test_a_build_that_fails_leaves_the_old_site(tmp_path: Path) -> None:
    out = tmp_path / "site"
    put(out, "old")
    with pytest.raises(ZeroDivisionError), replacing(out) as fresh:
        (fresh / "new").write_text(str(1 // 0))
    assert (out / "old").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_killed_build_leaves_the_old_site(tmp_path: Path) -> None:
    out = tmp_path / "site"
    put(out, "old")
    code = (
        "import os, signal, sys; from pathlib import Path; from suite.leaderboard.swap import replacing\n"
        "with replacing(Path(sys.argv[1])) as fresh: (fresh / 'new').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(out)], check=False, cwd=Path(__file__).parents[3])
    assert ended.returncode == -9
    assert (out / "old").is_file()
    assert not (out / "new").exists()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_not_a_site_is_never_replaced(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "thesis"
    if kind == "folder":
        out.mkdir()
        (out / "chapter").write_text("years of work")
    else:
        out.write_text("years of work")
    with pytest.raises(FileExistsError, match="thesis"), replacing(out):
        pytest.fail("the block must not be entered")
    assert out.exists()


def test_an_empty_folder_may_be_replaced(tmp_path: Path) -> None:
    out = tmp_path / "site"
    out.mkdir()
    put(out, "new")
    assert (out / "new").is_file()
