"""`calib`: what a machine's own arithmetic and memory can do at best. Everything else is compared with it.

`matmul` multiplies matrices, `copy` moves memory, `idle` holds a framework and does nothing, `launch` starts the
smallest kernels there are. Their rates and powers are the coefficients of the energy roofline (Choi, Bedard, Fowler,
Vuduc, "A roofline model of energy", IPDPS 2013). No model was published for this: sizes are chosen so that each machine
has one at which nothing but the hardware sets the rate.
"""

from __future__ import annotations

from dataclasses import replace

from workloads.base import FP32_DISTANCE, Band, Source, Spec
from workloads.calib.data import Chain, Memory, Multiples, Nothing, Pause, Products

VERSION = 1
SEED = 700
ELEMENT_BYTES = {"fp32": 4, "bf16": 2}
FLOAT32_BYTES = 4
PRODUCTS = 8
"""Matrices in a chain: what begins and ends it, a pass over one matrix each, is then under 1 % of the time."""
COLUMNS = 2**16

CHAINS = {
    "xs": Chain(width=64, products=PRODUCTS, batch=64),
    "s": Chain(width=2048, products=PRODUCTS, batch=2048),
    "m": Chain(width=4096, products=PRODUCTS, batch=4096),
    "l": Chain(width=8192, products=PRODUCTS, batch=8192),
}
BUFFERS = {
    size: Memory(rows=mebibytes * 2**20 // (FLOAT32_BYTES * COLUMNS), columns=COLUMNS, launches=1)
    for size, mebibytes in {"xs": 1, "s": 1024, "m": 4096, "l": 16384}.items()
}
"""From `s` on at least twice the largest caches on the market."""
LAUNCHES = {
    size: Memory(rows=1, columns=16, launches=launches)
    for size, launches in {"xs": 100, "s": 1000, "m": 1000, "l": 1000}.items()
}
PAUSES = {
    size: Pause(milliseconds=milliseconds) for size, milliseconds in {"xs": 50, "s": 1000, "m": 1000, "l": 1000}.items()
}


def matmul_flops(config: Chain) -> float:
    return 2.0 * config.products * config.batch * config.width**2


def matmul_bytes(config: Chain, precision: str) -> float:
    """Least traffic: each product reads both matrices and writes one."""
    matrices = config.width**2 + 2 * config.batch * config.width
    return float(ELEMENT_BYTES[precision] * config.products * matrices)


def matmul_memory(config: Chain, precision: str) -> float:
    """The matrices in float32 as they come and, in bfloat16, as they are cast; in float32 what the chain starts from,
    and two of its products."""
    cast = 0 if precision == "fp32" else ELEMENT_BYTES[precision]
    matrices = config.products * config.width**2 * (FLOAT32_BYTES + cast)
    return float(matrices + 3 * FLOAT32_BYTES * config.batch * config.width)


def touched_bytes(config: Memory) -> int:
    """Read and written in one step."""
    return 2 * FLOAT32_BYTES * config.elements * config.launches


def held_bytes(config: Memory, precision: str) -> float:
    """The numbers in place; they are float32 in either precision, and no copy is ever made."""
    return float(FLOAT32_BYTES * config.elements)


def matmul_band(size: str, precision: str) -> Band:
    """How far the audit's products may lie from the golden ones. bfloat16 has a lower end: nearer is not bfloat16.

    In both frameworks at `xs` and `s` float32 was within 1.3e-6, and bfloat16 0.0050 away.
    """
    return FP32_DISTANCE if precision == "fp32" else Band(low=1e-3, high=2e-2)


def exact_band(size: str, precision: str) -> Band:
    """Powers of two round nothing: 0 was measured everywhere, and one launch left out is 0.5 at least."""
    return Band(low=0.0, high=1e-6)


def idle_band(size: str, precision: str) -> Band:
    """A machine that wakes a sleeper a tenth too late has other things to do."""
    return Band(low=0.0, high=0.1)


def _products(config: Chain, seed: int) -> Source:
    return Products(config=config, seed=seed)


def _multiples(config: Memory, seed: int) -> Source:
    return Multiples(config=config, seed=seed)


def _nothing(config: Pause, seed: int) -> Source:
    return Nothing(config=config, seed=seed)


MATMUL = Spec(
    workload="calib",
    mode="matmul",
    version=VERSION,
    unit="flop",
    seed=SEED,
    sizes=CHAINS,
    source=_products,
    units_per_step=lambda config: int(matmul_flops(config)),
    parameters=lambda config: int(config.products * config.width**2),
    flops_per_step=matmul_flops,
    bytes_per_step=matmul_bytes,
    memory_bytes=matmul_memory,
    quality_name="relative L2 distance of the audit's products from the golden ones",
    band=matmul_band,
    quality_steps=lambda config: 0,
)
COPY = replace(
    MATMUL,
    mode="copy",
    unit="byte",
    sizes=BUFFERS,
    source=_multiples,
    units_per_step=touched_bytes,
    parameters=lambda config: 0,
    flops_per_step=lambda config: 0.0,
    bytes_per_step=lambda config, precision: float(touched_bytes(config)),
    memory_bytes=held_bytes,
    quality_name="relative L2 distance of numbers all over the memory from what they must be",
    band=exact_band,
    proof_limits={"fp32": 1e-6, "bf16": 1e-6},
)
LAUNCH = replace(
    COPY,
    mode="launch",
    unit="launch",
    sizes=LAUNCHES,
    units_per_step=lambda config: int(config.launches),
)
IDLE = replace(
    MATMUL,
    mode="idle",
    unit="ms",
    sizes=PAUSES,
    source=_nothing,
    units_per_step=lambda config: int(config.milliseconds),
    parameters=lambda config: 0,
    flops_per_step=lambda config: 0.0,
    bytes_per_step=lambda config, precision: 0.0,
    memory_bytes=lambda config, precision: float(FLOAT32_BYTES),
    quality_name="how much longer than wanted the machine slept, over what was wanted",
    band=idle_band,
    proof_limits={"fp32": 0.1, "bf16": 0.1},
)
SPECS = {"matmul": MATMUL, "copy": COPY, "idle": IDLE, "launch": LAUNCH}
