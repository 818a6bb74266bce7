"""Our programs beside published ones: equal shape, batch and precision, on the same CPU.

    python bench/peer_speed.py [--rows gpt/train llm/decode-8 ...] [--size s] [--precision bf16] [--rounds 7] [--share]

One process per row, which keeps the memory it frees as a worker does, the peers' too. All its programs are built and
compiled first; then each round runs every one of them for about as long, in turning order, so that a busy moment of the
machine hits all alike. A ratio is taken within each round; its median is shown, with the least and the largest. A
Markdown table goes to standard output, progress on standard error.

On a machine that others use too: `taskset -c 0 python bench/peer_speed.py --clock cpu` takes one core for everything
and counts this process's own seconds on it, not those in which somebody else had the core.

`--share`: instead of the peers, torch's matrix product of the same precision, at the size where it is fastest; shown is
the share of its FLOP/s that our program reaches, by the FLOP formula of its spec.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch

import workloads
from backends import cpu
from workloads.base import Spec

ROWS = (
    "gpt/train", "bert/train", "bert/infer", "llm/prefill", "llm/decode-1", "llm/decode-8", "resnet/infer",
    "resnet/train", "mobilenetv3/infer", "dit/train", "dit/sample",
)  # fmt: skip
SHARED = ("gpt/train", "bert/train")
PROGRAMS = ("peer-eager", "peer-compiled", "torch", "torch-fp32", "jax-fp32")
"""JAX takes float32 on a CPU, as the planner does, and is held against our torch program in float32."""
SIDES = (512, 1024, 2048, 4096)

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}

Clock = Callable[[], float]
Rounds = list[dict[str, float]]
"""For each round, every contender's steps per second."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`run` does so many steps and returns when they are done; `prepare` makes their inputs, off the clock."""

    run: Callable[[int], object]
    prepare: Callable[[int], None] = lambda steps: None
    flops_per_step: float


def _ours(spec: Spec, size: str, framework: str, precision: str) -> Contender:
    runtime = cpu.attach(framework)
    compiled = framework not in spec.eager_on_host
    program = workloads.build(
        spec, size, framework=framework, device=runtime.device, precision=precision, compiled=compiled
    )

    def run(steps: int) -> None:
        for _ in range(steps):
            program.step()
        runtime.synchronize()

    return Contender(prepare=program.prepare, run=run, flops_per_step=spec.flops_per_step(spec.sizes[size]))


def _contender(name: str, spec: Spec, size: str, precision: str) -> Contender:
    kind, _, form = name.partition("-")
    if kind == "peer":
        import peer_rows

        run = peer_rows.PEERS[spec.workload, spec.mode](spec, size, precision, form == "compiled")
        return Contender(run=run, flops_per_step=spec.flops_per_step(spec.sizes[size]))
    return _ours(spec, size, kind, form or precision)


def _product(side: int, precision: str) -> Contender:
    """Square matrix products in torch."""
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    left, right, out = (torch.randn(side, side, dtype=dtype) for _ in range(3))

    def run(steps: int) -> None:
        for _ in range(steps):
            torch.mm(left, right, out=out)

    return Contender(run=run, flops_per_step=2.0 * side**3)


def _fastest_product(precision: str, clock: Clock) -> Contender:
    products = [_product(side, precision) for side in SIDES]
    return max(products, key=lambda each: _steps_per_s(each, _steps(each, 0.5, clock), clock) * each.flops_per_step)


def _steps_per_s(contender: Contender, steps: int, clock: Clock) -> float:
    contender.prepare(steps)
    start = clock()
    contender.run(steps)
    return steps / (clock() - start)


def _steps(contender: Contender, seconds: float, clock: Clock) -> int:
    """How many take about so long, after two to warm up."""
    for _ in range(2):
        _steps_per_s(contender, 1, clock)
    return max(1, round(seconds * _steps_per_s(contender, 1, clock)))


def measured(contenders: dict[str, Contender], rounds: int, seconds: float, clock: Clock) -> Rounds:
    """Every contender for about `seconds` in each round, the order turned by one each time."""
    steps = {}
    for name, contender in contenders.items():
        start = time.perf_counter()
        steps[name] = _steps(contender, seconds, clock)
        print(f"  {name}: {time.perf_counter() - start:.0f} s to compile and warm up", file=sys.stderr, flush=True)
    names = list(contenders)
    turned = [names[index % len(names) :] + names[: index % len(names)] for index in range(rounds)]
    return [{name: _steps_per_s(contenders[name], steps[name], clock) for name in order} for order in turned]


def ratio(rounds: Rounds, name: str, other: str, scale: float = 1.0) -> str:
    """Median, and in brackets least and largest, of how much faster `name` is; "-" where one did not run."""
    if not rounds or name not in rounds[0] or other not in rounds[0]:
        return "-"
    each = [scale * found[name] / found[other] for found in rounds]
    return f"{median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


def compared(spec: Spec, size: str, arguments: argparse.Namespace) -> str:
    """One row: the better peer is the one whose median rate is higher."""
    same = {"torch-fp32"} if arguments.precision == "fp32" else set()
    names = [name for name in arguments.programs if name not in same]
    contenders = {name: _contender(name, spec, size, arguments.precision) for name in names}
    rounds = measured(contenders, arguments.rounds, arguments.seconds, CLOCKS[arguments.clock])
    rate = {name: median(found[name] for found in rounds) for name in names}
    better = max((name for name in names if name.startswith("peer")), key=rate.__getitem__, default="none")
    units = spec.units_per_step(spec.sizes[size])
    torch_fp32 = "torch" if same else "torch-fp32"
    cells = [
        f"{spec.workload} {spec.mode}",
        f"{units * rate['torch']:,.0f} {spec.unit}s/s" if "torch" in rate else "-",
        f"{ratio(rounds, 'torch', better)}, {better.removeprefix('peer-')}",
        ratio(rounds, "torch", "peer-eager"),
        ratio(rounds, "torch", "peer-compiled"),
        ratio(rounds, "jax-fp32", torch_fp32),
    ]
    return f"| {' | '.join(cells)} |"


def shared(spec: Spec, size: str, arguments: argparse.Namespace) -> str:
    """One row: our FLOP/s over those of the fastest product, round by round."""
    product = _fastest_product(arguments.precision, CLOCKS[arguments.clock])
    contenders = {"torch": _ours(spec, size, "torch", arguments.precision), "product": product}
    rounds = measured(contenders, arguments.rounds, arguments.seconds, CLOCKS[arguments.clock])
    scale = contenders["torch"].flops_per_step / product.flops_per_step
    gflops = median(found["product"] for found in rounds) * product.flops_per_step / 1e9
    share = ratio(rounds, "torch", "product", scale)
    return f"| {spec.workload} {spec.mode} {size} | {gflops:,.0f} GFLOP/s | {share} |"


TITLES = {
    False: "| cell | ours, torch | x better peer | x eager | x compiled | ours in JAX over torch, fp32 |",
    True: "| cell | torch.mm | share reached |",
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS)
    parser.add_argument("--size", default="s", choices=workloads.SIZES)
    parser.add_argument("--precision", default="bf16", choices=workloads.PRECISIONS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each program in each round")
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=PROGRAMS)
    parser.add_argument("--share", action="store_true")
    arguments = parser.parse_args()
    arguments.rows = arguments.rows or (SHARED if arguments.share else ROWS)
    return arguments


def main() -> None:
    arguments = _arguments()
    if len(arguments.rows) > 1:
        title = TITLES[arguments.share]
        print(title, "|" + "---|" * (title.count("|") - 1), sep="\n", flush=True)
        kept = ("size", "precision", "rounds", "seconds", "clock")
        options = [word for name in kept for word in (f"--{name}", str(getattr(arguments, name)))]
        options += ["--programs", *arguments.programs, *(["--share"] if arguments.share else [])]
        for row in arguments.rows:
            print(row, file=sys.stderr, flush=True)
            subprocess.run([sys.executable, __file__, *options, "--rows", row], check=True)
        return
    workload, mode = arguments.rows[0].split("/")
    row = shared if arguments.share else compared
    print(row(workloads.specs(workload)[mode], arguments.size, arguments), flush=True)


if __name__ == "__main__":
    main()
