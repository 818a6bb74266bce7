"""Scores as files for other programs: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from suite.leaderboard.downloads import defused
from suite.leaderboard.pages.scores import Scoring
from suite.leaderboard.ranking.score import Part, Scored, Standing

COLUMNS = (
    "basket",
    "reference_sha256",
    "boundary",
    "meter_class",
    "backend",
    "system",
    "system_name",
    "rank_best",
    "rank_worst",
    "score",
    "score_low",
    "score_high",
    "covered",
    "items",
    "missing",
)


def write_files(found: Sequence[Scoring], date: str | None, data: Path) -> None:
    """`scores.csv` and `scores.json` into the folder of data."""
    data.mkdir(exist_ok=True)
    (data / "scores.csv").write_text(to_csv(found), encoding="utf-8", newline="")
    (data / "scores.json").write_text(to_json(found, date), encoding="utf-8", newline="\n")


def to_csv(found: Sequence[Scoring]) -> str:
    """One line per system, backend, boundary, class and basket. Unknown is empty; text cannot start a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for named, _ in _lines(found):
        cells = {**named, "missing": " ".join(named["missing"])}
        writer.writerow([_cell(cells[name]) for name in COLUMNS])
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return defused(value) if isinstance(value, str) else value


def to_json(found: Sequence[Scoring], date: str | None) -> str:
    """The same by name, each with its parts and the rows they came from. Unknown is null."""
    document = {
        "format": "joulemark-scores",
        "version": 1,
        "date": date,
        "baskets": [_basket(scoring) for scoring in found],
        "scores": [{**named, "parts": [_part(part) for part in one.parts]} for named, one in _lines(found)],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _basket(scoring: Scoring) -> dict[str, Any]:
    fixed = scoring.reference
    return {
        "basket": scoring.basket.slug,
        "reference": fixed.name,
        "convention": fixed.convention,
        "reference_sha256": fixed.sha256,
        "joules_per_unit": {item.path: joules for item, joules in fixed.joules_per_unit.items()},
    }


def _lines(found: Sequence[Scoring]) -> Iterable[tuple[dict[str, Any], Scored]]:
    for scoring in found:
        for standing in scoring.standings:
            for place, one in enumerate((*standing.complete, *standing.partial)):
                yield {**_named(scoring, one), **_rank(standing, place)}, one


def _named(scoring: Scoring, one: Scored) -> dict[str, Any]:
    return {
        "basket": scoring.basket.slug,
        "reference_sha256": scoring.reference.sha256,
        "boundary": one.boundary,
        "meter_class": one.meter_class,
        "backend": one.backend,
        "system": one.system,
        "system_name": one.system_name,
        "score": one.score.median if one.score else None,
        "score_low": one.score.low if one.score else None,
        "score_high": one.score.high if one.score else None,
        "covered": len(one.parts),
        "items": len(scoring.basket.items),
        "missing": [item.path for item in one.missing],
    }


def _rank(standing: Standing, place: int) -> dict[str, int | None]:
    best, worst = standing.bands[place] if place < len(standing.bands) else (None, None)
    return {"rank_best": best, "rank_worst": worst}


def _part(part: Part) -> dict[str, Any]:
    row = part.row
    return {
        "item": part.item.path,
        "result": row.result,
        "cell": row.cell,
        "framework": row.framework,
        "precision": row.precision,
        "batch": row.batch,
        "joules_per_unit": part.energy.median,
        "joules_low": part.energy.low,
        "joules_high": part.energy.high,
        "reference_joules_per_unit": part.reference_joules_per_unit,
        "ratio": part.ratio,
    }
