"""What quality training reaches after its fixed number of steps: the figures behind the bands of `workloads`.

    python bench/quality.py --size m [--workload gpt ...] [--frameworks torch jax] [--precisions bf16 fp32] [--frozen]

Eager, on the CPU. A band must hold every honest framework and precision, and refuse a program that does not learn:
--frozen trains at a learning rate of zero too, and says where that ends.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import workloads
from backends import cpu
from workloads.base import Spec


def frozen(spec: Spec, size: str) -> Spec:
    return replace(spec, sizes={**spec.sizes, size: replace(spec.sizes[size], learning_rate=0.0)})


def quality(spec: Spec, size: str, framework: str, precision: str) -> float:
    runtime = cpu.attach(framework)
    program = workloads.build(
        spec, size, framework=framework, device=runtime.device, precision=precision, compiled=framework == "jax"
    )
    steps = spec.quality_steps(spec.sizes[size])
    for _ in range(steps):
        program.prepare(1)  # one at a time: inputs of many steps at the largest sizes would not fit beside the model
        program.step()
    return program.quality()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="s", choices=workloads.SIZES)
    parser.add_argument(
        "--workload", nargs="*", default=[n for n in workloads.names() if "train" in workloads.specs(n)]
    )
    parser.add_argument("--frameworks", nargs="*", default=list(workloads.FRAMEWORKS))
    parser.add_argument("--precisions", nargs="*", default=["bf16", "fp32"])
    parser.add_argument("--frozen", action="store_true")
    asked = parser.parse_args()
    for name in asked.workload:
        spec = workloads.specs(name)["train"]
        kinds = {"": spec} | ({" frozen": frozen(spec, asked.size)} if asked.frozen else {})
        for kind, trained in kinds.items():
            for framework in asked.frameworks:
                for precision in asked.precisions:
                    begun_s = time.monotonic()
                    value = quality(trained, asked.size, framework, precision)
                    band = spec.band(asked.size, precision)
                    print(
                        f"{name} {asked.size} {framework} {precision}{kind}: {value:.4f}, band {band.low:.4g} to "
                        f"{band.high:.4g}, {time.monotonic() - begun_s:.0f} s",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
