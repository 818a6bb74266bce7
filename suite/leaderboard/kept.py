"""What a build needs of one file, as the cache keeps it: what the check found, its rows, who signed it, its own files.

Every value's type is asked as it is read, and nothing that is read can be code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from pydantic import BaseModel

from suite.check.commits import code_at
from suite.check.findings import Finding
from suite.check.population import Cost
from suite.leaderboard.content import Entry
from suite.leaderboard.ranking.frame import Row
from suite.leaderboard.ranking.trust import Voucher
from suite.leaderboard.trust_files import UNSIGNED
from suite.signatures import Signature

Digest = str
"""The SHA-256 of a file's bytes, and of the signature beside it where there is one."""


class Own(NamedTuple):
    """A file that is a result's own on the site: its path below the site's root, and what was written when.

    A tuple, for its equality and its hash: a build asks for each of some ten thousand whether it still stands there.
    """

    path: str
    size: int
    written_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A file's share of the site. `entry` is None where it is refused; `day` is set where that holds for a day only.

    `origin` is the commit that the file says it ran, and the hash of that commit's code as far as it was known here.
    `files` are the file's own: its pages, its badges, itself and its signature, in the order in which they are kept.
    """

    sha256: Digest
    day: str | None
    findings: tuple[Finding, ...]
    entry: Entry | None
    rows: tuple[Row, ...]
    files: tuple[Own, ...]
    costs: tuple[Cost, ...] = ()
    signature: Signature = UNSIGNED
    journal: str | None = None
    origin: tuple[str, str | None] | None = None

    @property
    def voucher(self) -> Voucher:
        return Voucher(warned=bool(self.findings), signature=self.signature)

    def holds(self, today: date) -> bool:
        """Whether reading the file again today would say the same."""
        origin = self.origin is None or code_at(self.origin[0]) == self.origin[1]
        return self.day in (None, today.isoformat()) and origin


def packed(records: tuple[Record, ...]) -> bytes:
    return _ENCODER.encode(records)


def unpacked(data: bytes) -> tuple[Record, ...]:
    """ValueError where these are no records."""
    try:
        return _DECODER.decode(data)
    except msgspec.DecodeError as problem:
        raise ValueError("no records") from problem


def _stored(value: object) -> str:
    """Models as the JSON that they read themselves from."""
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    raise NotImplementedError(type(value))


@lru_cache(maxsize=4096)
def _model(kind: type[BaseModel], text: str) -> BaseModel:
    """Most results are of few machines and versions of software: each of them is made once."""
    return kind.model_validate_json(text)


def _read(kind: type[Any], value: object) -> object:
    if isinstance(value, str) and issubclass(kind, BaseModel):
        return _model(kind, value)
    raise NotImplementedError(kind)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_stored)
_DECODER = msgspec.msgpack.Decoder(tuple[Record, ...], dec_hook=_read)
