"""Files that must be refused, each with the rule that must say so: what people who mean harm, or programs, may submit.

A case makes its bytes from those of a true file. tests/unit/check and bench/check.py run them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sealing import packed, resealed

Make = Callable[[bytes], bytes]
Case = tuple[Make, str]
Change = Callable[[dict[str, Any]], object]

MOST = 4 * 2**20


def is_(data: bytes) -> Make:
    return lambda _: data


def edited(change: Change) -> Make:
    """The true document changed, and named anew: no rule but the right one needs to see it."""

    def make(good: bytes) -> bytes:
        document = json.loads(good)
        true_id = document["id"]
        change(document)
        return packed(resealed(document, true_id))

    return make


def put(field: str, literal: str) -> Make:
    """The first scalar of this name replaced, by what no JSON library would write: of the work, where it is there."""
    pattern = re.compile(rb'("%s":)(?:"[^"]*"|[^\[{",}\]]+)' % field.encode())

    def make(good: bytes) -> bytes:
        start = good.index(b'"windows":') if field in ("units", "end_ns") else 0
        return good[:start] + pattern.sub(lambda found: found[1] + literal.encode(), good[start:], count=1)

    return make


def cell(document: dict[str, Any]) -> Any:
    return next(one for one in document["cells"] if one["attempts"][0]["outcome"] == "ok")


def attempt(document: dict[str, Any]) -> Any:
    return cell(document)["attempts"][0]


def _archive(kind: str, name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=stream, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


ENCODING: dict[str, Case] = {
    "empty": (is_(b""), "json"),
    "blank": (is_(b"  \n\t "), "json"),
    "a form feed": (is_(b"\f{}"), "json"),
    "a byte order mark": (lambda good: b"\xef\xbb\xbf" + good, "encoding"),
    "utf-16": (lambda good: good.decode().encode("utf-16"), "encoding"),
    "utf-16 without a mark": (lambda good: good.decode().encode("utf-16-le"), "encoding"),
    "utf-32": (lambda good: good.decode().encode("utf-32-be"), "encoding"),
    "utf-7": (is_(b"+AHs-+AH0-"), "json"),
    "latin-1": (lambda good: good.replace(b"Example", b"Ex\xe4mple", 1), "encoding"),
    "an overlong slash": (lambda good: good.replace(b"Example", b"Ex\xc0\xafmple", 1), "encoding"),
    "an overlong NUL": (lambda good: good.replace(b"Example", b"\xc0\x80", 1), "encoding"),
    "a surrogate in bytes": (lambda good: good.replace(b"Example", b"\xed\xa0\x80", 1), "encoding"),
    "beyond Unicode": (lambda good: good.replace(b"Example", b"\xf5\x80\x80\x80", 1), "encoding"),
    "a lone surrogate": (lambda good: good.replace(b"Example", b"\\ud800", 1), "text"),
    "a NUL": (lambda good: good.replace(b"Example", b"\0", 1), "encoding"),
    "a NUL after the end": (lambda good: good + b"\0", "encoding"),
    "an escaped NUL": (lambda good: good.replace(b"Example", b"\\u0000", 1), "text"),
    "two documents": (lambda good: good + good, "json"),
    "a line of rubbish after it": (lambda good: good + b"// ok\n", "json"),
    "a comma too many": (lambda good: good.rstrip()[:-1] + b",}", "json"),
    "single quotes": (is_(b"{'schema_version': 3}"), "json"),
    "a comment": (is_(b'{"schema_version": 3 /* three */}'), "json"),
    "a bare word": (is_(b"{schema_version: 3}"), "json"),
    "a tab in a string": (lambda good: good.replace(b"Example", b"Ex\tample", 1), "json"),
    "a bad escape": (lambda good: good.replace(b"Example", b"\\x41", 1), "json"),
    **{
        f"cut off at {eighth} eighths": ((lambda good, eighth=eighth: good[: len(good) * eighth // 8]), "json")
        for eighth in range(1, 8)
    },
    "cut off before its last brace": (lambda good: good.rstrip()[:-1], "json"),
}  # fmt: skip

LOADERS: dict[str, Case] = {
    "gzip": (gzip.compress, "encoding"),
    "bzip2": (bz2.compress, "encoding"),
    "xz": (lzma.compress, "encoding"),
    "a zip that slips": (lambda good: _archive("zip", "../../a.json", good), "encoding"),
    "a zip bomb": (is_(_archive("zip", "a.json", bytes(3 * MOST))), "encoding"),
    "a tar of absolute paths": (lambda good: _archive("tar", "/etc/passwd", good), "encoding"),
    "a pickle": (lambda good: pickle.dumps(json.loads(good)), "encoding"),
    "a pickle that runs": (is_(b"cos\nsystem\n(S'true'\ntR."), "json"),
    "a checkpoint": (is_(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."), "encoding"),
    "yaml that runs": (is_(b"!!python/object/apply:os.system ['true']"), "json"),
    "yaml": (is_(b"schema_version: 3\n"), "json"),
    "parquet": (is_(b"PAR1\x15\x00\x15\xff"), "encoding"),
    "an array of numpy": (is_(b"\x93NUMPY\x01\x00"), "encoding"),
    "a pointer to large storage": (is_(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "json"),
    "a page": (is_(b"<!doctype html><script>alert(1)</script>"), "json"),
    "a script": (is_(b"#!/bin/sh\nexit 0\n"), "json"),
    "xml with an entity": (is_(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'), "json"),
    "a picture": (is_(b"\x89PNG\r\n\x1a\n"), "encoding"),
    "a program": (is_(b"\x7fELF\x02\x01\x01" + bytes(9)), "encoding"),
}

SIZE: dict[str, Case] = {
    "a byte too large": (is_(b" " * (MOST + 1)), "file-size"),
    "twice too large": (lambda good: good + b" " * (2 * MOST), "file-size"),
    "100000 arrays deep": (is_(b"[" * 100_000), "depth"),
    "100000 objects deep": (is_(b'{"a":' * 100_000), "depth"),
    "both, 50000 deep": (is_(b'[{"a":' * 50_000), "depth"),
    "one too deep": (is_(b"[" * 17 + b"]" * 17), "depth"),
    "a million arrays": (is_(b"[" + b"[]," * 1_000_000 + b"[]]"), "values"),
    "a million objects": (is_(b"[" + b"{}," * 1_000_000 + b"{}]"), "values"),
    "two million numbers": (is_(b"[" + b"0," * 2_000_000 + b"0]"), "values"),
    "half a million keys": (is_(("{" + ",".join(f'"{n}":0' for n in range(350_000)) + "}").encode()), "values"),
    "201 keys": (is_(json.dumps(dict.fromkeys(map(str, range(201)), 0)).encode()), "values"),
    "a string of a megabyte": (put("cpu", '"' + "x" * 2**20 + '"'), "text"),
    "a key of a megabyte": (edited(lambda d: d.update({"x" * 2**20: 1})), "text"),
    "a string that never ends": (is_(b'{"a": "' + b'\\"' * (MOST // 2 - 10)), "values"),
    "a string that never ends soon": (is_(b'{"a": "' + b'\\"' * 390_000), "json"),
    "a string of escapes": (is_(b'{"a": "' + b"\\u0061" * 600_000 + b'"}'), "text"),
    "backslashes without end": (is_(b'"' + b"\\" * (MOST - 2)), "json"),
    "quotes without end": (is_(b'"' * (MOST - 1)), "values"),
    "a trace of 300000 fractions": (
        edited(lambda d: attempt(d)["ticks"][0].update(at_ns=[0.5] * 300_000)), "schema"
    ),
    "a window of a year": (
        edited(lambda d: attempt(d)["windows"][-1].update(end_ns=365 * 86_400 * 10**9)), "window"
    ),
    "an idle machine of a year": (edited(lambda d: d["idle"][1]["window"].update(end_ns=10**17)), "window"),
    "an idle machine that worked": (edited(lambda d: d["idle"][0]["window"].update(units=1)), "units"),
    "300000 notes that are none": (edited(lambda d: attempt(d).update(notes=[0] * 300_000)), "values"),
    "300000 nothings": (edited(lambda d: attempt(d).update(notes=[None] * 300_000)), "values"),
    "40000 series of nothing": (edited(lambda d: attempt(d).update(ticks=[{}] * 40_000)), "values"),
    "4000 series of nothing": (edited(lambda d: attempt(d).update(ticks=[{}] * 4_000)), "schema"),
    "a condition of letters": (
        edited(lambda d: attempt(d)["conditions"][0]["values"].update(temperature_c=["hot"])), "schema"
    ),
    "a thousand windows": (edited(lambda d: attempt(d).update(windows=attempt(d)["windows"] * 400)), "values"),
    "101 attempts": (edited(lambda d: cell(d).update(attempts=cell(d)["attempts"] * 101)), "values"),
    "101 meters": (edited(lambda d: d.update(meters=d["meters"] * 101)), "values"),
}  # fmt: skip

NUMBERS: dict[str, Case] = {
    f"{field} is {literal[:12]}": (put(field, literal), rule)
    for field, cases in {
        "budget_s": {
            "NaN": "number", "Infinity": "number", "-Infinity": "number", "1e400": "number", "-1e400": "number",
            "1e31": "number", "1e-320": "number", "1e-0000320": "number", "9" * 5000: "number", "1" * 19: "number",
            "-" + "1" * 19: "number", "0": "schema", "-0.0": "schema", "-1": "schema", "true": "schema",
            "false": "schema", '"600"': "schema", "null": "schema", "[600]": "schema", '{"s":600}': "schema",
            "0x258": "json", "+600": "json", "0600": "json", ".5": "json", "600.": "json", "6_00": "json", "6e": "json",
            "600s": "json", "--6": "json", "nan": "json", "inf": "json", "None": "json", "undefined": "json",
        },
        "memory_bytes": {
            str(2**53 + 1): "schema", "-1": "schema", "1.5": "schema", "1e9": "schema", "true": "schema",
            '"1"': "schema", "null": "schema",
        },
        "units": {
            "0": "units-none", "-65536": "units-none", "1": "units", "1.5": "schema", '"1"': "schema", "null": "schema",
        },
        "end_ns": {"0": "window", "-1": "window", "1.0": "schema", "999999999999999999": "window"},
        "value": {"1e30": "quality", "-1e30": "quality", "null": "schema", "NaN": "number"},
        "joules": {"0": "energy", "-0.0": "energy", "-1.0": "energy", "1e12": "energy", "5e-99": "energy"},
        "update_period_s": {"-1": "meter-range", "1e9": "meter-range"},
        "calibration": {"-0.05": "meter-range", "1e9": "meter-range"},
    }.items()
    for literal, rule in cases.items()
}  # fmt: skip


KEYS = (
    "schema_version", "id", "date", "complete", "system", "software", "backend", "plan", "meters", "missing_meters",
    "idle", "cells", "overhead", "journal_sha256",
)  # fmt: skip


def without(key: str) -> Change:
    return lambda document: document.pop(key)


def with_(key: str, value: Any) -> Change:
    return lambda document: document.update({key: value})


STRUCTURE: dict[str, Case] = {
    **{f"no {key}": (edited(without(key)), "schema") for key in KEYS},
    **{f"{key} is of another kind": (edited(with_(key, [["odd"]])), "schema") for key in KEYS},
    "null": (is_(b"null"), "schema"),
    "true": (is_(b"true"), "schema"),
    "a number": (is_(b"3"), "schema"),
    "a string": (is_(b'"3"'), "schema"),
    "a list": (is_(b"[]"), "schema"),
    "an empty object": (is_(b"{}"), "schema"),
    "the result in a list": (lambda good: b"[" + good + b"]", "schema"),
    "another program's": (is_(b'{"name": "left-pad", "version": "1.0.0"}'), "schema"),
    "a key twice": (lambda good: good.replace(b'"id":', b'"id":"000000000000","id":', 1), "duplicate-key"),
    "a key twice within": (lambda good: good.replace(b'"cpu":', b'"cpu":"x","cpu":', 1), "duplicate-key"),
    "a key twice by another spelling": (
        lambda good: good.replace(b'"id":', b'"\\u0069d":"000000000000","id":', 1), "duplicate-key"
    ),
    **{
        f"the key {key}": (edited(with_(key, {})), "schema")
        for key in ("extra", "__proto__", "constructor", "__class__", "error", "$ref", "")
        if key != "$ref"
    },
    "the key $ref": (edited(with_("$ref", {})), "text"),
    "an unknown field of the system": (edited(lambda d: d["system"].update(host="a")), "schema"),
    "an unknown field of a window": (edited(lambda d: attempt(d)["windows"][0].update(joules=1)), "schema"),
    "an unknown field of a meter": (edited(lambda d: d["meters"][0].update(host="a")), "schema"),
    "a name in a series": (edited(lambda d: attempt(d)["ticks"][0]["at_ns"].append("x")), "schema"),
    "a flag in a series": (edited(lambda d: attempt(d)["ticks"][0]["at_ns"].append(True)), "schema"),
    "nothing in a series": (edited(lambda d: attempt(d)["ticks"][0]["energy_uj"].append(None)), "schema"),
    "no tick in a series": (edited(lambda d: attempt(d)["ticks"][0].update(at_ns=[])), "ticks-length"),
    **{
        f"version {version!r}": (edited(with_("schema_version", version)), "schema")
        for version in (0, 5, 99, -3, 3.5, "4", None, True)
    },
    "today's said to be of version 1": (edited(with_("schema_version", 1)), "schema"),
    "today's said to be of version 2": (edited(with_("schema_version", 2)), "schema"),
    "a name that nobody made": (edited(with_("id", "0" * 12)), "id-not-content"),
    "a letter changed under its name": (lambda good: good.replace(b"Example", b"Exemple", 1), "id-not-content"),
    "another day under its name": (put("date", '"2026-10-10"'), "id-not-content"),
    "a number that parsers read differently": (
        edited(lambda d: attempt(d)["ticks"][0]["energy_uj"].append(2**53)), "id-not-content"
    ),
    "nothing of version 1": (is_(b'{"schema_version":1,"meters":[]}'), "schema"),
    "version 1 of numbers": (is_(b'{"schema_version":1,"meters":3,"overhead":null}'), "schema"),
    "version 1 of odd meters": (
        is_(b'{"schema_version":1,"meters":[{"a":1}],"overhead":null,"idle":[],"cells":[{"attempts":[{}]}]}'), "schema"
    ),
}  # fmt: skip

TEXTS: dict[str, str] = {
    "a script": "<script>alert(1)</script>", "a script's end": "</script>",
    "an attribute": '"><img src=x onerror=a>',
    "a picture": "<svg/onload=alert(1)>", "a comment": "<!-- x", "a template": "{{7*7}}",
    "a template's statement": "{% include 'x' %}", "a literal": "${7*7}", "a shell": "`id`", "a dollar": "$(id)",
    "a scheme": "javascript:alert(1)", "a scheme in mixed case": "jAvAsCrIpT:alert(1)",
    "a tab in a scheme": "java\tscript:alert(1)", "a document": "data:text/html,x", "another scheme": "vbscript:x",
    "a host": "//evil.example/x", "a link": "https://evil.example/x", "an entity": "&#106;avascript",
    "a named entity": "&lt;b&gt;", "an override": "a\u202eb", "an isolate": "a\u2066b", "a mark": "a\u200fb",
    "no width": "a\u200bb", "a joiner": "a\u200db", "a soft hyphen": "a\u00adb", "a tag": "a\U000e0041b",
    "a private letter": "a\ue000b", "no letter": "a\ufffeb", "a line's end": "a\u2028b",
    "another alphabet": "Int\u0435l Xeon", "a Greek letter": "\u0391MD EPYC",
    "a tower": "Z" + "\u0335\u0336\u0337\u0338",
    "not composed": "e\u0301", "a formula": "=1+1", "a sum": "+1", "a difference": "-1", "a mention": "@SUM(A1)",
    "a program": "=cmd|'/c calc'!A1", "a table": "a | b", "a newline": "a\nb", "a carriage return": "a\rb",
    "a colour": "\x1b[31mred", "a title": "\x1b]0;x\x07", "a bell": "a\x07", "a delete": "a\x7fb",
    "a control of the second kind": "a\x9bb", "a command": "::error::x", "an old command": "::set-output name=a::b",
    "a path": "../../etc/passwd", "a backslash": "..\\..\\x", "a heading": "# x", "an order": "!x",
    "a space before": " x", "a space after": "x ", "10000 letters": "x" * 10_000, "301 letters": "x" * 301,
    "a repetition": "a!" * 50_000,
}  # fmt: skip

PLACES: dict[str, Callable[[str], Change]] = {
    "a machine's name": lambda text: lambda d: d["system"].update(name=text),
    "a driver's name": lambda text: lambda d: d["software"]["drivers"].update({text: "1"}),
    "a meter's source": lambda text: lambda d: d["meters"][0].update(source=text),
    "a meter's domain": lambda text: lambda d: d["meters"][0].update(domain=text),
}
REPEATED = ("a script", "an override", "a colour", "a formula", "a command", "10000 letters")

TEXT: dict[str, Case] = {
    **{f"{name} in a processor's name": (edited(lambda d, t=text: d["system"].update(cpu=t)), "text")
       for name, text in TEXTS.items()},
    **{f"{name} in {place}": (edited(at(TEXTS[name])), "text") for name in REPEATED for place, at in PLACES.items()},
    **{
        f"{what} in a note": (edited(lambda d, t=text: attempt(d)["notes"].append(t)), "text")
        for what, text in {"an override": "a\u202eb", "a colour": "\x1b[31m", "301 letters": "x" * 301}.items()
    },
    **{
        f"a repetition in {field}": (put(field, '"' + text + '"'), rule)
        for field, text, rule in (
            ("slug", "a-" * 40, "schema"), ("slug", "a-" * 200_000, "text"), ("id", "a!" * 6, "schema"),
            ("date", "0-" * 100, "schema"), ("journal_sha256", "a" * 63 + "g", "schema"),
            ("workload", "a--b", "schema"),
            ("framework", "torch;rm", "schema"), ("mode", "Train", "schema"),
        )
    },
    "a folder in the slug": (put("slug", '"../up"'), "text"),
    "an empty name": (edited(lambda d: d["system"].update(name="")), "schema"),
    "121 letters of a name": (edited(lambda d: d["system"].update(name="x" * 121)), "schema"),
}  # fmt: skip

FAMILIES: dict[str, dict[str, Case]] = {
    "encoding": ENCODING, "loaders": LOADERS, "size": SIZE, "numbers": NUMBERS, "structure": STRUCTURE, "text": TEXT,
}  # fmt: skip
CASES: dict[str, Case] = {
    f"{family}: {name}": case for family, cases in FAMILIES.items() for name, case in cases.items()
}

Place = Callable[[Path, bytes], Path]


def named(name: str) -> Place:
    def place(folder: Path, good: bytes) -> Path:
        (folder / name).write_bytes(good)
        return folder / name

    return place


def _link(target: str, name: str = "link.json") -> Place:
    def place(folder: Path, good: bytes) -> Path:
        (folder / "there.json").write_bytes(good)
        (folder / name).symlink_to(target)
        return folder / name

    return place


def _fifo(folder: Path, _: bytes) -> Path:
    os.mkfifo(folder / "fifo.json")
    return folder / "fifo.json"


def _folder(folder: Path, _: bytes) -> Path:
    (folder / "folder.json").mkdir()
    return folder / "folder.json"


ON_DISK: dict[str, tuple[Place, str]] = {
    "a link": (_link("there.json"), "file-kind"),
    "a link elsewhere": (_link("/etc/passwd"), "file-kind"),
    "a link to nothing": (_link("nowhere"), "file-kind"),
    "a link to itself": (_link("link.json"), "file-kind"),
    "a pipe": (_fifo, "file-kind"),
    "a folder": (_folder, "file-kind"),
    "a device": (lambda *_: Path("/dev/zero"), "file-kind"),
    "nothing": (lambda folder, _: folder / "missing.json", "file-unreadable"),
    "below a file": (lambda folder, good: named("a.json")(folder, good) / "b.json", "file-unreadable"),
    **{
        f"the name {name!r}"[:60]: (named(name), "file-name")
        for name in (
            "A.json", "a.JSON", "con.json", "nul.json", "com1.x.json", "-rf.json", "_a.json", "a b.json", "a\nb.json",
            "a\x1b[2J.json", "\u202ea.json", "\u00e9.json", "e\u0301.json", "a;b.json", "$(id).json", "`id`.json",
            "a'b.json", "a%2e%2e.json", "a\\b.json", "a:b.json", "a*b.json", "::error::a.json", "x" * 250 + ".json",
            "\udcff.json",
        )
    },
    "the name of another result": (named("2026-01-05-000000000000.json"), "file-other"),
}  # fmt: skip
"""What is wrong about a file before its bytes are: how to make it in a folder, and the rule."""
