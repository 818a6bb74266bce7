"""What a cheat does who has read the rules: a changed document under the id of its changed content."""

from __future__ import annotations

import json
from typing import Any

from suite.identity import content_id

Document = dict[str, Any]


def resealed(document: Document, true_id: Any) -> Document:
    """The document under its content's id; as it stands where its id is what was changed, or where it can have none."""
    if document.get("id") != true_id:
        return document
    try:
        return document | {"id": content_id(document)}
    except ValueError:
        return document


def packed(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
