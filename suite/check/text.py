"""Text that may be published: nothing that hides, reorders, imitates or gives orders to whatever prints it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from suite.check.files import REMAKE, Refused
from suite.check.findings import error

MAX_TEXT = 300
MAX_MARKS = 2
"""Letters of no living script carry more marks than this, one on another."""

SENTENCES = frozenset({"detail", "note", "notes", "reason", "cure"})
"""Fields that hold whole sentences, commands and messages of programs. The site escapes them, as it escapes all."""

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
_MARKUP = re.compile(r"[<>{}`$\\|]|^[=+\-@:#!]|^\s|\s$|::|//|(?i:(?:javascript|vbscript|data)\s*:)|&[#\w]+;|\.\./")
_WORD = re.compile(r"[^\W\d_]+")
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK")

Texts = Iterator[tuple[str, str, str]]


def look(document: Any) -> None:
    """Refused for the first text, keys included, that is no plain name or sentence."""
    for pointer, field, text in _texts(document, "", ""):
        told = _told(text, is_name=field not in SENTENCES)
        if told is not None:
            raise Refused(error("text", pointer, told, REMAKE))


def is_plain(text: str, *, is_name: bool) -> bool:
    """Whether `look` accepts this text, be it the name of something or a sentence."""
    return _told(text, is_name=is_name) is None


def printable(text: str) -> str:
    """Escape what would move the cursor or speak to a build log: the text comes from a stranger's file."""
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def _told(text: str, *, is_name: bool) -> str | None:
    if len(text) > MAX_TEXT:
        return f"longer than {MAX_TEXT} characters"
    if not (text.isascii() and text.isprintable()):
        if any(unicodedata.category(letter) in _UNSEEN for letter in text):
            return "holds a control, invisible or bidirectional character"
        if unicodedata.normalize("NFC", text) != text:
            return "is not in the composed form of Unicode (NFC)"
        if _towers(text):
            return f"piles more than {MAX_MARKS} marks on a letter"
        if any(len(_alphabets(word)) > 1 for word in _WORD.findall(text)):
            return "mixes alphabets within a word"
    if is_name and (found := _MARKUP.search(text)):
        return f"holds {found.group()!r}, which is markup or a command to some reader"
    return None


def _towers(text: str) -> bool:
    marks = "".join("m" if unicodedata.category(letter).startswith("M") else " " for letter in text)
    return "m" * (MAX_MARKS + 1) in marks


def _alphabets(word: str) -> set[str]:
    named = (unicodedata.name(letter, "") for letter in word)
    return {name.split()[0] for name in named if name.startswith(_ALPHABETS)}


def _texts(node: Any, pointer: str, field: str) -> Texts:
    """(pointer, the nearest field that holds it, text) of each string and each key below `node`."""
    if isinstance(node, str):
        yield pointer, field, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield pointer, "", key
            yield from _texts(value, f"{pointer}/{escaped(key)}", key)
    elif isinstance(node, list) and not (node and isinstance(node[0], (int, float))):
        for index, value in enumerate(node):
            yield from _texts(value, f"{pointer}/{index}", field)


def escaped(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
