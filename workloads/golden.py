"""Golden outputs: what the seeded weights must answer to the audit batch, on every machine.

`<workload>/golden.json` holds, for each mode and size, a fixed sample of the strict-float32 outputs. `bench/golden.py`
writes it and refuses to when torch and JAX disagree.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np

SAMPLES = 256
SEED = 20260


def sample(values: np.ndarray) -> np.ndarray:
    """The same SAMPLES positions of the first item every time, as float64: it does not depend on the batch."""
    flat = np.asarray(values[0], dtype=np.float64).ravel()
    positions = np.random.Generator(np.random.Philox(SEED)).integers(0, flat.size, SAMPLES)
    return flat[positions]


def relative_l2(values: np.ndarray, reference: np.ndarray) -> float:
    """|values - reference| / |reference|, in float64."""
    reference = np.asarray(reference, dtype=np.float64)
    difference = np.asarray(values, dtype=np.float64) - reference
    return float(np.linalg.norm(difference) / np.linalg.norm(reference))


@cache
def _stored(workload: str) -> dict[str, dict[str, list[float]]]:
    file = files(f"workloads.{workload}").joinpath("golden.json")
    stored: dict[str, dict[str, list[float]]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return stored


def is_stored(workload: str, mode: str, size: str) -> bool:
    """Whether golden outputs were ever computed: the largest sizes ask for a machine that nobody had yet."""
    return size in _stored(workload).get(mode, {})


def distance(workload: str, mode: str, size: str, logits: np.ndarray) -> float:
    """Relative L2 distance of `logits` from the golden ones, over the stored sample."""
    return relative_l2(sample(logits), np.array(_stored(workload)[mode][size]))
