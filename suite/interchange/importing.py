"""A source's file to a foreign reference: the same suspicion as towards results, then the source's own format."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from suite.check import foreign as rules
from suite.check import strict
from suite.check.files import Refused, plain_bytes
from suite.check.findings import Finding
from suite.folders import foreign_files
from suite.foreign import Foreign, Source, dumps
from suite.interchange import ml_energy, mlperf
from suite.interchange.fields import Parsed, odd


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What whoever imports a file says of it. `retrieved` is a day, like 2026-11-22."""

    source: Source
    url: str
    retrieved: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A reference, its file's bytes, and how many of the source's records hold no figure of energy or power."""

    foreign: Foreign
    data: bytes
    left_out: int


def read(path: Path, origin: Origin) -> Imported:
    """The figures in a source's file: JSON, or for MLPerf also CSV by its name. Refused with every reason found."""
    data = plain_bytes(path)
    try:
        parsed = _parsed(data, origin, is_table=path.suffix.lower() == ".csv")
        if not parsed.rows:
            raise odd("", f"no figure of energy or power among {parsed.left_out} records")
        foreign = _foreign(data, parsed, origin)
    except ValidationError as problem:
        raise Refused(*_findings(problem)) from problem
    if found := tuple(rules.examined(Path(foreign.file_name), foreign, date.today())):
        raise Refused(*found)
    return Imported(foreign=rules.parsed(dumps(foreign)), data=dumps(foreign), left_out=parsed.left_out)


def standing(foreign: Foreign, results: Path) -> Path | None:
    """Where the same file of the source is kept already below the folder of results; None where it is not."""
    for path in foreign_files(results):
        one = rules.check_foreign(path).foreign
        if one is not None and (one.source, one.sha256) == (foreign.source, foreign.sha256):
            return path
    return None


def _parsed(data: bytes, origin: Origin, *, is_table: bool) -> Parsed:
    if origin.source == "ml-energy":
        return ml_energy.parse(strict.load(data))
    return mlperf.parse_csv(strict.text_of(data)) if is_table else mlperf.parse(strict.load(data))


def _foreign(data: bytes, parsed: Parsed, origin: Origin) -> Foreign:
    return Foreign(
        format="joulemark-foreign",
        version=1,
        source=origin.source,
        url=origin.url,
        retrieved=origin.retrieved,
        licence=origin.licence,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=parsed.rows,
    )


def _findings(problem: ValidationError) -> Iterator[Finding]:
    """By the field's name: a name too long or with characters that hide something, a unit, an address, a day."""
    for detail in problem.errors(include_url=False, include_context=False, include_input=False)[:10]:
        yield odd("".join(f"/{part}" for part in detail["loc"]), detail["msg"]).findings[0]
