"""Decoding in JAX: the course of steps that write text one token after the other, behind a prompt read before.

Axes in comments: B sequences, P tokens of the prompt, G tokens written, T tokens of any text, V vocabulary.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from workloads.base import Arrays, Spec
from workloads.common.checksums import signs
from workloads.common.jax_engine import Engine, Tree, checksums, to_numpy
from workloads.common.jax_inference import Cast, cast_all
from workloads.golden import distance, is_stored, relative_l2

Cache = Any
"""The workload's own: a tree of arrays, stacked over layers, with room for P + G tokens."""
Read = Callable[[Tree, Array, Engine], Cache]
"""(weights as cast, prompt (B, P), engine) -> a cache whose first P places are filled."""
NextLogits = Callable[[Tree, Cache, Array, Array, Engine], tuple[Array, Cache]]
"""(weights as cast, cache, token (B,), place (), engine) -> logits (B, V), the cache with `place` filled."""
Full = Callable[[Tree, Array, Engine], Array]
"""(weights as cast, text (B, T), engine) -> logits (B, T, V) without any cache."""

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
    ) -> None:
        config = spec.sizes[size]
        self._spec, self._size, self._engine = spec, size, engine
        self._source = spec.source_at(size)
        self._next_logits, self._full = next_logits, full
        self._prompt, self._generated = int(config.prompt), int(config.generated)
        self._vocabulary = int(config.vocabulary)
        self._cast = cast
        self._weights = cast(engine.place(self._source.weights()), engine)
        self._read = engine.jit(read)
        self._run = engine.jit(self._write, 1)
        self._cache: Cache = self._read(self._weights, engine.place(self._source.constants())["prompt"])
        self._inputs: deque[tuple[int, Array]] = deque()
        self._prepared = 0
        self._newest: tuple[Array, Array] | None = None
        self._witness: tuple[int, Array, Array] | None = None

    def prepare(self, steps: int, *, constant: bool = False) -> None:
        made = self._source.inputs(self._prepared, 1 if constant else steps)
        placed = self._engine.place([inputs["token"] for inputs in made]) * (steps if constant else 1)
        self._inputs.extend((self._prepared + index, token) for index, token in enumerate(placed))
        self._prepared += steps

    def step(self, *, witnessed: bool = False) -> None:
        number, token = self._inputs.popleft()
        self._cache, written, said = self._run(self._weights, self._cache, token)
        self._newest = written, said
        if witnessed:
            self._witness = number, written, said

    def _places(self) -> Array:
        return self._prompt + jnp.arange(self._generated, dtype=jnp.int32)

    def _write(self, weights: Tree, cache: Cache, token: Array, engine: Engine) -> tuple[Cache, Array, Array]:
        """The cache, the tokens written behind `token` (B,), as (B, G), and the checksums (B, G, PARTS) of their
        logits."""
        signed = jnp.asarray(signs(self._vocabulary))

        def one(carry: tuple[Cache, Array], place: Array) -> tuple[tuple[Cache, Array], tuple[Array, Array]]:
            logits, cache = self._next_logits(weights, *carry, place, engine)
            token = logits.argmax(-1).astype(jnp.int32)
            return (cache, token), (token, checksums(logits, signed))

        (cache, _), (written, said) = jax.lax.scan(one, (cache, token), self._places())
        return cache, written.T, said.swapaxes(0, 1)

    def _teach(self, weights: Tree, cache: Cache, tokens: Array, engine: Engine) -> Array:
        """Logits (B, G, V), of AUDITED sequences at most, when tokens (B, G) are fed whatever would be written."""

        def one(cache: Cache, fed: tuple[Array, Array]) -> tuple[Cache, Array]:
            logits, cache = self._next_logits(weights, cache, *fed, engine)
            return cache, logits[:AUDITED]

        logits: Array = jax.lax.scan(one, cache, (tokens.T, self._places()))[1]
        return logits.swapaxes(0, 1)

    def proof(self) -> float:
        """Infinite where not every token was written. A token that was not the likeliest counts by how much less
        likely it was: its logit's relative distance from the largest one's."""
        if self._witness is None:
            return math.nan
        number, written, said = self._witness
        fed = self._engine.place(self._source.constants() | self._source.inputs(number, 1)[0])
        if written.shape != (fed["token"].shape[0], self._generated):
            return math.inf
        text = jnp.concatenate([fed["prompt"], fed["token"][:, None], written[:, :-1]], axis=1)
        expected, taken, largest = self._engine.reference().jit(self._again)(self._exact_weights(), text, written)
        distances = (
            relative_l2(np.asarray(said), np.asarray(expected)),
            relative_l2(np.asarray(taken), np.asarray(largest)),
        )
        return float(np.max(distances))

    def _again(self, weights: Tree, text: Array, written: Array, engine: Engine) -> tuple[Array, Array, Array]:
        """By the full model, one sequence after the other: checksums (B, G, PARTS), and the logits (B, G) of the
        tokens written and of the likeliest."""
        signed = jnp.asarray(signs(self._vocabulary))

        def one(sequence: tuple[Array, Array]) -> tuple[Array, Array, Array]:
            logits = self._behind_prompt(weights, sequence[0][None], engine)[0]
            taken = jnp.take_along_axis(logits, sequence[1][:, None], axis=-1)[:, 0]
            return checksums(logits, signed), taken, logits.max(-1)

        again: tuple[Array, Array, Array] = jax.lax.map(one, (text, written))
        return again

    def _behind_prompt(self, weights: Tree, text: Array, engine: Engine) -> Array:
        """Logits (B, G, V) of text (B, P + G), without a cache."""
        return self._full(weights, text, engine)[:, self._prompt :]

    def _exact_weights(self) -> Tree:
        """The spec's own weights, made anew and rounded as the program's, in float32."""
        cast = self._cast(self._engine.place(self._source.weights()), self._engine)
        return {name: value.astype(jnp.float32) for name, value in cast.items()}

    def quality(self) -> float:
        """Distance from the golden outputs; where none were ever computed, from strict float32 on this device."""
        found = self.outputs()["logits"]
        if is_stored(self._spec.workload, self._spec.mode, self._size):
            return distance(self._spec.workload, self._spec.mode, self._size, found)
        text = self._engine.place(self._source.audit())["text"][:1]
        exact = self._engine.reference().jit(self._behind_prompt)(self._exact_weights(), text)
        return relative_l2(found[:1], np.asarray(exact))

    def loss(self) -> float:
        return math.nan

    def outputs(self) -> Arrays:
        """The audit's "logits" (B, G, V), AUDITED sequences at most: its own tokens are fed, by the same function as in
        step(), whatever the model would have written."""
        text = self._engine.place(self._source.audit())["text"]
        cache = self._read(self._weights, text[:, : self._prompt])
        return to_numpy({"logits": self._engine.jit(self._teach)(self._weights, cache, text[:, self._prompt :])})

    def weights(self) -> Arrays:
        return to_numpy(self._weights)
