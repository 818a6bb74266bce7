"""A processor without a "model name" is still told from others: by its board, by its cores, by what macOS says."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from backends import host

CORE = "processor\t: {number}\nFeatures\t: fp asimd\nCPU implementer\t: {maker}\nCPU part\t: {part}\n\n"


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where programs are looked for: none is there, whatever machine runs the test."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """A machine that shows nothing yet: "cpuinfo" and, for the devicetree, "model" are to be written."""
    return tmp_path


def name(shown: Path) -> str:
    return host.processor(shown / "cpuinfo", [shown / "absent", shown / "model"]).name


def cores(shown: Path, *kinds: tuple[str, str]) -> None:
    listed = (CORE.format(number=number, maker=maker, part=part) for number, (maker, part) in enumerate(kinds))
    (shown / "cpuinfo").write_text("".join(listed))


@pytest.mark.parametrize(
    ("maker", "part", "expected"),
    [
        ("0x41", "0xd0c", "Arm Neoverse-N1"),
        ("0x41", "0xd4f", "Arm Neoverse-V2"),
        ("0xc0", "0xac3", "Ampere-1"),
        ("0x61", "0x023", "Apple M1 Firestorm"),
        ("0x41", "0xfff", "Arm part 0xfff"),
        ("0x99", "0x1", "implementer 0x99 part 0x001"),
    ],
)
def test_cores_are_named_by_their_numbers(shown: Path, maker: str, part: str, expected: str) -> None:
    cores(shown, (maker, part), (maker, part))
    assert name(shown) == expected


def test_the_board_stands_before_its_cores_and_each_kind_stands_once(shown: Path) -> None:
    cores(shown, ("0x41", "0xd05"), ("0x41", "0xd05"), ("0x41", "0xd0b"))
    (shown / "model").write_bytes(b"Radxa ROCK 5B\0\0")
    assert name(shown) == "Radxa ROCK 5B, Arm Cortex-A55 + Arm Cortex-A76"


def test_a_long_name_leaves_room_for_the_number_of_threads(shown: Path) -> None:
    cores(shown, *(("0x99", f"{part:#x}") for part in range(9)))
    (shown / "model").write_bytes(b"x" * 200)
    assert name(shown).startswith("x" * 50 + ", implementer 0x99")
    assert len(name(shown)) == 90


def test_the_board_alone_is_a_name(shown: Path) -> None:
    (shown / "cpuinfo").write_text("processor\t: 0\nisa\t: rv64imafdc\n")
    (shown / "model").write_bytes(b"StarFive VisionFive 2\x07 v1.3B\0")
    assert name(shown) == "StarFive VisionFive 2 v1.3B"


def test_a_model_name_comes_first(shown: Path) -> None:
    (shown / "cpuinfo").write_text("model name : Xeon 8480\nflags : fpu\n")
    (shown / "model").write_bytes(b"some board\0")
    assert name(shown) == "Xeon 8480"


def test_an_architecture_in_the_place_of_a_model_is_none(shown: Path) -> None:
    (shown / "cpuinfo").write_text(
        "model name : ARMv7 Processor rev 3 (v7l)\nCPU implementer : 0x41\nCPU part : 0xd08\n"
    )
    assert name(shown) == "Arm Cortex-A72"


def test_macos_is_asked_where_no_file_says(shown: Path, programs: Path) -> None:
    sysctl = programs / "sysctl"
    sysctl.write_text('#!/bin/sh\n[ "$*" = "-n machdep.cpu.brand_string" ] && echo "Apple M2 Pro"\n')
    sysctl.chmod(0o755)
    assert name(shown) == "Apple M2 Pro"


def test_the_architecture_comes_last(shown: Path) -> None:
    assert name(shown) == (platform.processor() or platform.machine())
    (shown / "model").mkdir()  # no file: as unreadable as one that a container hides
    cores(shown, ("", ""))
    assert name(shown) == (platform.processor() or platform.machine())
