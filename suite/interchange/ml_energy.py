"""The ML.ENERGY Leaderboard's result files to foreign references. Pure.

Source of the format: github.com/ml-energy/leaderboard at 0cd52da (February 2026), `public/data/tasks/<task>.json` with
the configurations of all models, and `public/data/models/<model>__<task>.json` with those of one. Energies are in
joules, of the GPUs alone, as Zeus reads them from NVML (Chung et al., "The ML.ENERGY Benchmark", NeurIPS 2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.foreign import ForeignRow, Unit
from suite.interchange.fields import Fields, Parsed, objects, odd, told

BOUNDARY = "the GPUs alone, by their own energy counters"

QUANTITIES: dict[str, tuple[str, Unit]] = {
    "energy_per_token_joules": ("energy per output token", "J/token"),
    "energy_per_request_joules": ("energy per request", "J/request"),
    "energy_per_image_joules": ("energy per image", "J/image"),
    "energy_per_video_joules": ("energy per video", "J/video"),
}
"""Field -> what it is, and its unit. Power and speed are left in the source: they are no figures of energy."""

_SETTINGS = (
    ("weight_precision", "weights"),
    ("max_num_seqs", "at most so many sequences at once:"),
    ("batch_size", "batch"),
    ("tensor_parallel", "tensor parallel"),
    ("expert_parallel", "expert parallel"),
    ("data_parallel", "data parallel"),
    ("ulysses_degree", "Ulysses degree"),
    ("ring_degree", "ring degree"),
    ("inference_steps", "steps"),
    ("image_height", "image height"),
    ("image_width", "image width"),
    ("num_frames", "frames"),
    ("video_height", "video height"),
    ("video_width", "video width"),
)
"""What tells two configurations of one model apart, and the words for it."""


def parse(document: Any) -> Parsed:
    """A row for each energy of each configuration. Refused with the place of the first that is not as it should be."""
    if not isinstance(document, dict):
        raise odd("", "no object with a task and its configurations")
    top = Fields(document, "")
    rows: list[ForeignRow] = []
    left_out = 0
    for fields in objects(document.get("configurations"), "/configurations"):
        found = list(_rows(top, fields))
        rows += found
        left_out += not found
    return Parsed(rows=tuple(rows), left_out=left_out)


def _rows(top: Fields, fields: Fields) -> Iterator[ForeignRow]:
    for key, (quantity, unit) in QUANTITIES.items():
        if key in fields:
            yield ForeignRow(
                work=top.name("task"),
                model=(fields if "model_id" in fields else top).name("model_id"),
                accelerator=fields.name("gpu_model"),
                count=fields.count("num_gpus"),
                quantity=quantity,
                unit=unit,
                value=fields.positive(key),
                boundary=BOUNDARY,
                meter_class="foreign",
                notes=_notes(top, fields),
            )


def _notes(top: Fields, fields: Fields) -> tuple[str, ...]:
    """The settings, wherever the source has put them: beside the figures, in an object of their own, or above."""
    parallel = fields.values.get("parallelization")
    inner = parallel if isinstance(parallel, dict) else {}
    return told(Fields({**top.values, **inner, **fields.values}, fields.pointer), _SETTINGS)
