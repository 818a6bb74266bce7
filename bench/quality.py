"""What quality a mode reaches: the figures behind the bands of `workloads`.

    python bench/quality.py --size m [--workload gpt ...] [--modes train ...] [--frameworks torch jax]
                            [--precisions bf16 fp32] [--frozen]

Eager where there is a choice, on the CPU; modes that do not train on one item at once. A band must hold every honest
framework and precision, and refuse a program that does not learn: --frozen also trains at a learning rate of zero.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace

import workloads
from backends import cpu
from workloads.base import Spec


def frozen(spec: Spec, size: str) -> Spec:
    return replace(spec, sizes={**spec.sizes, size: replace(spec.sizes[size], learning_rate=0.0)})


def quality(spec: Spec, size: str, framework: str, precision: str) -> float:
    device = cpu.attach(framework).device
    program = workloads.build(
        spec, size, framework=framework, device=device, precision=precision, compiled=framework == "jax"
    )
    for _ in range(spec.quality_steps(spec.sizes[size])):
        program.prepare(1)  # one at a time: inputs of many steps at the largest sizes would not fit beside the model
        program.step()
    return program.quality()


def asked_for(arguments: argparse.Namespace) -> Iterator[tuple[str, Spec]]:
    for name in arguments.workload:
        for mode, spec in workloads.specs(name).items():
            if arguments.modes and mode not in arguments.modes:
                continue
            yield f"{name} {mode}", spec if mode == "train" else spec.with_batch(arguments.size, 1)
            if mode == "train" and arguments.frozen:
                yield f"{name} frozen", frozen(spec, arguments.size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="s", choices=workloads.SIZES)
    parser.add_argument("--workload", nargs="*", default=list(workloads.names()))
    parser.add_argument("--modes", nargs="*")
    parser.add_argument("--frameworks", nargs="*", default=list(workloads.FRAMEWORKS))
    parser.add_argument("--precisions", nargs="*", default=["bf16", "fp32"])
    parser.add_argument("--frozen", action="store_true")
    asked = parser.parse_args()
    for name, spec in asked_for(asked):
        for framework in asked.frameworks:
            for precision in asked.precisions:
                begun_s = time.monotonic()
                value = quality(spec, asked.size, framework, precision)
                band = spec.band(asked.size, precision)
                print(
                    f"{name} {asked.size} {framework} {precision}: {value:.5g}, band {band.low:.4g} to "
                    f"{band.high:.4g}, {time.monotonic() - begun_s:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
