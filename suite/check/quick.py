"""Whether a document is well, by one quick look. It says no more: what is wrong is for careful looks to name."""

from __future__ import annotations

from typing import Any

from suite.check.sizes import MAX_ITEMS, MAX_KEYS, MAX_OTHERS, SERIES, VALUES
from suite.check.text import SENTENCES, is_plain

_OPENED = frozenset({dict, list, str})


def is_sound(document: dict[str, Any], *, keys: int) -> bool:
    """Whether no key is twice in an object, no text is unfit, nothing is too much: where in doubt, False.

    `keys` are those of the bytes. A parser keeps one of two that are alike, so that the document then has fewer.
    """
    look = _Look()
    return look.fits(document, "", "") and look.keys == keys and look.texts_are_plain()


class _Look:
    """What occurs in a document: how many keys, and each text once."""

    def __init__(self) -> None:
        self.keys = 0
        self._names: set[str] = set()
        self._sentences: set[str] = set()

    def fits(self, node: Any, field: str, key: str) -> bool:
        """False where anything is too much. `field` is as in `sizes`, `key` is the nearest one."""
        kind = type(node)
        if kind is str:
            (self._sentences if key in SENTENCES else self._names).add(node)
            return True
        if kind is dict:
            return self._object_fits(node, field)
        if field in SERIES:
            return set(map(type, node)) <= SERIES[field]
        if len(node) > MAX_ITEMS.get(field, MAX_OTHERS):
            return False
        opened = (value for value in node if type(value) in _OPENED)
        return all(self.fits(value, field, key) for value in opened)

    def _object_fits(self, node: dict[str, Any], field: str) -> bool:
        self.keys += len(node)
        self._names.update(node)
        for key, value in node.items():
            if type(value) in _OPENED and not self.fits(value, VALUES if field == VALUES else key, key):
                return False
        return len(node) <= MAX_KEYS

    def texts_are_plain(self) -> bool:
        return all(is_plain(one, is_name=True) for one in self._names) and all(
            is_plain(one, is_name=False) for one in self._sentences
        )
