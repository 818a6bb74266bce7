"""Checksums that a step computes of its own outputs, so that none of its work can be left out. numpy only.

An output's elements are multiplied by fixed random signs and added up in PARTS stretches of equal length.
"""

from __future__ import annotations

import numpy as np

from workloads.common.streams import generator

PARTS = 16
SEED = 20261


def signs(elements: int) -> np.ndarray:
    """+1 or -1 for each element, then zeros up to a multiple of PARTS. float32."""
    drawn = generator(SEED, "signs").integers(0, 2, elements).astype(np.float32) * 2 - 1
    return np.pad(drawn, (0, -elements % PARTS))
