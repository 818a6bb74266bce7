"""Submitted text is text, whatever it looks like, even where the rules of the check would have let it through."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from suite.check.findings import Checked
from suite.leaderboard import build, reading
from suite.record import loads

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'><svg onload='alert(1)'>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    " onclick=alert(1) x=",
    "javascript:alert(1)",
    "</title><script>alert(1)</script>",
    "</bdi></th></tr></table><h1>mine</h1>",
    "<!-- <script>alert(1)</script>",
    "--><iframe src=//example.org></iframe>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<style>*{display:none}</style>",
    '<a href="javascript:alert(1)">press</a>',
    "<base href=//example.org/>",
    '<meta http-equiv="refresh" content="0;url=//example.org">',
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<math><mtext></p><mglyph><svg><style>",
    "\\u003cscript\\u003e",
    "${alert(1)}`",
)


def document(synthetic: ModuleType, text: str) -> dict[str, Any]:
    """A result that says `text` wherever the format lets a submitter choose words."""
    index = next(number for number, machine in enumerate(synthetic.MACHINES) if "L4" in machine.name)
    result: dict[str, Any] = json.loads(synthetic.dumps(synthetic.result(index, 1)))
    result["system"] |= {"name": text, "cpu": text, "governor": text}
    result["system"]["accelerators"] = [{"name": text, "memory_bytes": 24 * 2**30}]
    result["software"] |= {"joulemark": text, "commit": text, "python": text, "system": text}
    result["software"] |= {"packages": {"torch": text, text: text}, "drivers": {text: text}}
    result["missing_meters"] = [{"code": text, "reason": text, "cure": text}]
    for meter in result["meters"]:
        meter |= {"domain": text, "source": text, "note": text}
    for attempt in (attempt for cell in result["cells"] for attempt in cell["attempts"]):
        attempt |= {"detail": text, "notes": [text]}
        if attempt["quality"]:
            attempt["quality"]["name"] = text
        for energy in (energy for window in attempt["energies"] for energy in window):
            energy["domains"] = [text for _ in energy["domains"]]
            energy["reasons"] = [reason for reason in energy["reasons"] if reason != "dram_missing"]
        for event in attempt["events"]:
            event |= {"domain": text if event["domain"] == "gpu0" else event["domain"], "detail": text}
        for one in attempt["conditions"]:
            one |= {"domain": text, "values": {text: one["values"]["temperature_c"], **one["values"]}}
    return result


def unchecked(path: Path, data: bytes) -> Checked:
    """Any result that keeps the form, whatever its words."""
    return Checked(path, loads(data), ())


def structure(synthetic: ModuleType, site: Path, folder: Path, text: str, parse: Callable[[Path], Any]) -> Any:
    """Every element and attribute name of every page, in order; and all attributes that hold an address."""
    source = folder / "results"
    source.mkdir(parents=True)
    (source / "a.json").write_text(json.dumps(document(synthetic, text)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "check_bytes", unchecked)
        made = build(source, site, folder / "out")
    assert (made.files, made.cached, made.skipped) == (1, 0, ())
    found = {}
    for page in sorted((folder / "out").rglob("*.html")):
        elements = parse(page).found
        name = page.relative_to(folder / "out").as_posix()
        found[name] = [(tag, tuple(names), names.get("href"), names.get("src")) for tag, names in elements]
    return found


@pytest.fixture(scope="module")
def harmless(
    synthetic: ModuleType, site: Path, tmp_path_factory: pytest.TempPathFactory, parse: Callable[[Path], Any]
) -> Any:
    return structure(synthetic, site, tmp_path_factory.mktemp("harmless"), "zz plain words", parse)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_submitted_text_becomes_an_element_or_an_address(
    synthetic: ModuleType, site: Path, tmp_path: Path, parse: Callable[[Path], Any], harmless: Any, payload: str
) -> None:
    assert structure(synthetic, site, tmp_path, payload, parse) == harmless
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8").count("<h1>") == 1


def test_a_refused_files_name_is_text_too(site: Path, tmp_path: Path, parse: Callable[[Path], Any]) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "<img src=x onerror=alert(1)>.json").write_text("{")
    build(tmp_path / "results", site, tmp_path / "out")
    for page in (tmp_path / "out").rglob("*.html"):
        assert "img" not in [tag for tag, _ in parse(page).found]
    assert "<img src=x onerror=alert(1)>.json" in " ".join(parse(tmp_path / "out" / "index.html").text)
