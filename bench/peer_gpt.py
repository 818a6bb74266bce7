"""Training speed of `gpt` beside a plain Hugging Face GPT-2 of the same shape, batch and precision, on the CPU.

    python bench/peer_gpt.py [--size s] [--rounds 5] [--steps 4] [--programs torch-bf16 peer-compiled ...]

Needs `transformers`. All programs are built first; then each round runs every one of them for a few steps, so a
busy moment of the machine hits all alike. Tokens per second are the best round's; ratios are taken within each
round and their median is shown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import jax
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import workloads
from workloads.base import Program
from workloads.gpt.config import BETAS, SIZES, WEIGHT_DECAY, Config

SPEC = workloads.specs("gpt")["train"]
Run = Callable[[int], None]
"""Do so many steps and return when they are done."""


def _ours(framework: str, precision: str, size: str) -> Run:
    device = torch.device("cpu") if framework == "torch" else jax.devices("cpu")[0]
    program: Program = workloads.build(SPEC, size, framework=framework, device=device, precision=precision)

    def run(steps: int) -> None:
        program.prepare(steps)
        for _ in range(steps):
            program.step()
        program.loss()

    return run


def _peer(compiled: bool, size: str) -> Run:
    """As a careful user writes it: bfloat16 autocast, SDPA, no dropout, torch's AdamW as it comes."""
    config: Config = SIZES[size]
    shape = GPT2Config(
        n_layer=config.layers, n_embd=config.width, n_head=config.heads, vocab_size=config.vocabulary,
        n_positions=config.context, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False,
        bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    model = GPT2LMHeadModel(shape).train()
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY)

    def run(steps: int) -> None:
        for _ in range(steps):
            tokens = torch.randint(config.vocabulary, (config.batch, config.context))
            with torch.autocast("cpu", torch.bfloat16):
                loss = forward(input_ids=tokens, labels=tokens).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        loss.item()

    return run


PROGRAMS: dict[str, Callable[[str], Run]] = {
    "peer-eager": lambda size: _peer(False, size),
    "peer-compiled": lambda size: _peer(True, size),
    "torch-bf16": lambda size: _ours("torch", "bf16", size),
    "torch-fp32": lambda size: _ours("torch", "fp32", size),
    "jax-bf16": lambda size: _ours("jax", "bf16", size),
    "jax-fp32": lambda size: _ours("jax", "fp32", size),
}


def _seconds(run: Run, steps: int) -> float:
    start = time.perf_counter()
    run(steps)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="s", choices=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=PROGRAMS)
    arguments = parser.parse_args()
    runs = {name: PROGRAMS[name](arguments.size) for name in arguments.programs}
    for name, run in runs.items():
        print(f"{name}: first step, compiling included, {_seconds(run, 1):.1f} s")
        run(1)
    rounds = [{name: _seconds(run, arguments.steps) for name, run in runs.items()} for _ in range(arguments.rounds)]
    tokens = SPEC.units_per_step(SIZES[arguments.size]) * arguments.steps
    for name in runs:
        line = f"{name:14} {tokens / min(r[name] for r in rounds):10,.0f} tokens/s"
        for peer in (peer for peer in runs if peer.startswith("peer")):
            line += f"   {median(r[peer] / r[name] for r in rounds):5.2f} x {peer}"
        print(line)


if __name__ == "__main__":
    main()
