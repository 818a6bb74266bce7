"""Write `workloads/<name>/golden.json`: sampled strict-float32 outputs on which torch and JAX agree.

    python bench/golden.py gpt s m

Run it only when a workload's version is raised: results made before are no longer comparable.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import workloads
from workloads.golden import relative_l2, sample

AGREEMENT = 1e-5
WITHOUT = {("calib", "copy"), ("calib", "launch"), ("calib", "idle")}
"""What these must give follows from their inputs exactly."""


def _device(framework: str) -> Any:
    if framework == "torch":
        import torch

        return torch.device("cpu")
    import jax

    return jax.devices("cpu")[0]


def _logits(name: str, mode: str, size: str, framework: str) -> np.ndarray:
    spec = workloads.specs(name)[mode].with_batch(size, 1)  # only the first item is kept, and none depends on others
    program = workloads.build(
        spec, size, framework=framework, device=_device(framework), precision="fp32", compiled=False
    )
    return sample(program.outputs()["logits"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=workloads.names())
    parser.add_argument("sizes", nargs="+", choices=workloads.SIZES)
    arguments = parser.parse_args()
    path = Path("workloads") / arguments.workload / "golden.json"
    golden = json.loads(path.read_text()) if path.exists() else {}
    asked = product(sorted(workloads.specs(arguments.workload)), arguments.sizes)
    # Each program in a process of its own: the largest leave no room for another.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as alone:
        for mode, size in asked:
            if mode == "train" or (arguments.workload, mode) in WITHOUT:
                continue
            torch_logits, jax_logits = (
                alone.submit(_logits, arguments.workload, mode, size, framework).result()
                for framework in workloads.FRAMEWORKS
            )
            difference = relative_l2(jax_logits, torch_logits)
            print(f"{arguments.workload} {mode} {size}: torch and JAX differ by {difference:.1e}", flush=True)
            if difference > AGREEMENT:
                raise SystemExit(f"refused: more than {AGREEMENT:.0e}")
            golden.setdefault(mode, {})[size] = [float(f"{value:.9g}") for value in torch_logits]
            path.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
