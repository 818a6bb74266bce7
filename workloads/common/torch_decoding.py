"""Decoding in torch: the course of steps that write text one token after the other, behind a prompt read before.

Axes in comments: B sequences, P tokens of the prompt, G tokens written, T tokens of any text, V vocabulary.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workloads.base import Arrays, Spec
from workloads.common.checksums import signs
from workloads.common.layout import UNCHANGED, Layout
from workloads.common.torch_engine import Engine, Tensors, checksums, to_numpy
from workloads.common.torch_inference import Cast, cast_all
from workloads.golden import distance, is_stored, relative_l2

Cache = Any
"""The workload's own: tensors with room for P + G tokens, the same ones at every step."""
Read = Callable[[Tensors, Tensor, Engine], Cache]
"""(weights as cast, prompt (B, P), engine) -> a new cache whose first P places are filled."""
NextLogits = Callable[[Tensors, Cache, Tensor, Tensor, Engine], Tensor]
"""(weights as cast, cache, token (B,), place (1,), engine) -> logits (B, V); changes the cache at `place` only."""
Full = Callable[[Tensors, Tensor, Engine], Tensor]
"""(weights as cast, text (B, T), engine) -> logits (B, T, V) without any cache."""
Write = Callable[[Tensor], tuple[Tensor, Tensor]]

AUDITED = 4
"""Sequences whose audit logits are given: those of a large batch would fill the memory."""


class Decoding:
    """Each step writes G tokens greedily behind the prompt, each fed back in turn; inputs wait on the device.

    The configuration says `prompt`, `generated` and `vocabulary`. The source gives "prompt" (B, P) as a constant,
    "token" (B,), the first one behind the prompt, as input and "text" (B, P + G) for the audit.
    """

    def __init__(
        self,
        spec: Spec,
        size: str,
        *,
        read: Read,
        next_logits: NextLogits,
        full: Full,
        engine: Engine,
        cast: Cast = cast_all,
        layout: Layout = UNCHANGED,
    ) -> None:
        config = spec.sizes[size]
        self._spec, self._size, self._source = spec, size, spec.source_at(size)
        self._read, self._next_logits, self._full = read, next_logits, full
        self._engine, self._cast, self._layout = engine, cast, layout
        self._prompt, self._generated = int(config.prompt), int(config.generated)
        self._signs = torch.from_numpy(signs(config.vocabulary)).to(engine.device)
        self._places = torch.arange(self._prompt, self._prompt + self._generated, device=engine.device).split(1)
        self._inputs: deque[tuple[int, Tensor]] = deque()
        self._prepared = 0
        self._newest: tuple[Tensor, Tensor] | None = None
        self._witness: tuple[int, Tensor, Tensor] | None = None
        with torch.inference_mode():
            placed = engine.place(self._source.weights())
            self._weights = cast({name: layout.into(name, value) for name, value in placed.items()}, engine)
            prompt = engine.place(self._source.constants())["prompt"]
            self._cache = read(self._weights, prompt, engine)
            self._step: Write = (
                _captured(self._write, prompt.new_zeros(prompt.shape[0]))
                if engine.device.type == "cuda"
                else self._write
            )

    @torch.inference_mode()
    def prepare(self, steps: int, *, constant: bool = False) -> None:
        made = self._source.inputs(self._prepared, 1 if constant else steps)
        placed = [self._engine.place(inputs)["token"] for inputs in made] * (steps if constant else 1)
        self._inputs.extend((self._prepared + index, token) for index, token in enumerate(placed))
        self._prepared += steps

    @torch.inference_mode()
    def step(self, *, witnessed: bool = False) -> None:
        number, token = self._inputs.popleft()
        self._newest = self._step(token)
        if witnessed:
            self._witness = number, self._newest[0].clone(), self._newest[1].clone()

    def _write(self, token: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens written behind `token` (B,), as (B, G), and the checksums (B, G, PARTS) of their logits."""
        tokens, sums = [], []
        for place in self._places:
            logits = self._next_logits(self._weights, self._cache, token, place, self._engine)
            token, said = self._engine.fuse(_chosen)(logits, self._signs)
            tokens.append(token)
            sums.append(said)
        return torch.stack(tokens, 1), torch.stack(sums, 1)

    @torch.inference_mode()
    def proof(self) -> float:
        """Infinite where not every token was written. A token that was not the likeliest counts by how much less
        likely it was: its logit's relative distance from the largest one's."""
        if self._witness is None:
            return math.nan
        number, written, said = self._witness
        fed = self._engine.place(self._source.constants() | self._source.inputs(number, 1)[0])
        if written.shape != (fed["token"].shape[0], self._generated):
            return math.inf
        text = torch.cat([fed["prompt"], fed["token"][:, None], written[:, :-1]], 1)
        weights = self._exact_weights()
        again = [self._again(weights, *one) for one in zip(text.split(1), written.split(1), strict=True)]
        expected, taken, largest = (torch.stack(each) for each in zip(*again, strict=True))
        distances = (relative_l2(to_numpy(said), to_numpy(expected)), relative_l2(to_numpy(taken), to_numpy(largest)))
        return float(np.max(distances))

    def _again(self, weights: Tensors, text: Tensor, written: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """By the full model, one sequence at a time, for its logits are large: checksums (G, PARTS), and the logits
        (G,) of the tokens written and of the likeliest."""
        logits = self._exact_logits(weights, text)[0]
        return checksums(logits, self._signs), logits.gather(-1, written[0, :, None])[:, 0], logits.amax(-1)

    def _exact_weights(self) -> Tensors:
        """The spec's own weights, made anew and rounded as the program's, in float32."""
        placed = self._engine.place(self._source.weights())
        cast = self._cast({name: self._layout.into(name, value) for name, value in placed.items()}, self._engine)
        return {name: value.float() for name, value in cast.items()}

    def _exact_logits(self, weights: Tensors, text: Tensor) -> Tensor:
        """Logits (B, G, V) behind the prompt of text (B, P + G), in strict float32 and without a cache."""
        return self._full(weights, text, self._engine.reference())[:, self._prompt :]

    def quality(self) -> float:
        """Distance from the golden outputs; where none were ever computed, from strict float32 on this device."""
        found = self.outputs()["logits"]
        if is_stored(self._spec.workload, self._spec.mode, self._size):
            return distance(self._spec.workload, self._spec.mode, self._size, found)
        with torch.inference_mode():
            text = self._engine.place(self._source.audit())["text"]
            return relative_l2(found[:1], to_numpy(self._exact_logits(self._exact_weights(), text[:1])))

    def loss(self) -> float:
        return math.nan

    @torch.inference_mode()
    def outputs(self) -> Arrays:
        """The audit's "logits" (B, G, V), AUDITED sequences at most, by the very functions that step() runs: its own
        tokens are fed, whatever the model would have written."""
        text = self._engine.place(self._source.audit())["text"]
        cache = self._read(self._weights, text[:, : self._prompt].contiguous(), self._engine)
        each = [
            self._next_logits(self._weights, cache, token, place, self._engine)[:AUDITED].clone()
            for token, place in zip(text[:, self._prompt :].T.contiguous(), self._places, strict=True)
        ]
        return {"logits": to_numpy(torch.stack(each, dim=1))}

    def weights(self) -> Arrays:
        return {name: to_numpy(self._layout.back(name, value)) for name, value in self._weights.items()}


def _chosen(logits: Tensor, signs: Tensor) -> tuple[Tensor, Tensor]:
    """The likeliest tokens (B,) and the checksums (B, PARTS) of logits (B, V)."""
    return logits.argmax(-1), checksums(logits, signs)


def _captured(write: Write, example: Tensor) -> Write:
    """`write` recorded as one CUDA graph: its thousands of small kernels are then launched at once, not one by one."""
    token = example.clone()
    graph = torch.cuda.CUDAGraph()
    aside = torch.cuda.Stream(token.device)
    with torch.cuda.device(token.device):
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            write(token)  # compiles, and lets the libraries take the memory they keep
        torch.cuda.current_stream().wait_stream(aside)
        with torch.cuda.graph(graph):
            written = write(token)

    def replay(first: Tensor) -> tuple[Tensor, Tensor]:
        token.copy_(first)
        graph.replay()
        return written

    return replay
