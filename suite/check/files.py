"""A file's name and kind, and its bytes: nothing is opened that could be anything but a plain file."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

from suite.check.findings import Finding, error

MAX_BYTES = 4 * 2**20

REMAKE = "Submit the file as the suite wrote it."

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}\.json")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)\.")
"""Names that open a device on Windows, whatever follows them."""

_LINK = error("file-kind", "", "not a regular file", "Submit a plain file, not a link or a folder.")


class Refused(Exception):
    """The file cannot be read further; `findings` say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(findings[0].message)
        self.findings = findings


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file of bearable size whose name every system can hold, or Refused."""
    if path.suffix.lower() == ".json" and (not _NAME.fullmatch(path.name) or _DEVICES.match(path.name)):
        told = "lower-case letters, digits, dots, hyphens and underscores make a file's name, 86 at most"
        raise Refused(error("file-name", "", told, "Name it as the suite does: <date>-<id>.json."))
    return plain_bytes(path)


def plain_bytes(path: Path) -> bytes:
    """`read_bytes` of a file whose name is nobody's but its owner's."""
    try:
        return _read(path)
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            raise Refused(_LINK) from problem
        raise Refused(
            error("file-unreadable", "", str(problem.strerror), "Check the path and its rights.")
        ) from problem
    except ValueError as problem:  # a NUL in its name
        raise Refused(error("file-unreadable", "", str(problem), "Check the path.")) from problem


def _read(path: Path) -> bytes:
    """What the descriptor holds is what was looked at: a file may be exchanged for a link at any time."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise Refused(_LINK)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(_LINK)
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        size = max(status.st_size, len(data))
        raise Refused(error("file-size", "", f"{size} bytes; at most {MAX_BYTES} are read", REMAKE))
    return data
