"""`gpt` in JAX: the three modes as programs. Axes in comments as in the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from workloads.base import Arrays, Program, Spec
from workloads.golden import distance
from workloads.gpt import Config, data
from workloads.gpt.jax_model import (
    AUDIT_SEQUENCES,
    Cache,
    Model,
    Weights,
    all_logits,
    cast,
    mean_loss,
    prefill,
    teach,
    train_step,
    write,
)

DTYPES = {"fp32": jnp.float32, "bf16": jnp.bfloat16}


class _Gpt:
    """What the three modes share: weights on the device, and inputs made ahead, one array per step."""

    def __init__(self, spec: Spec, size: str, device: Any, precision: str) -> None:
        self._spec, self._size, self._device = spec, size, device
        self._config: Config = spec.sizes[size]
        self._model = Model(config=self._config, dtype=DTYPES[precision], attention=_attention(device, precision))
        # Without "highest" a TPU multiplies float32 in bfloat16 and a GPU in TensorFloat-32.
        self._precision = "highest" if precision == "fp32" else "default"
        self._inputs: deque[jax.Array] = deque()
        self._prepared_steps = 0
        weights = self._config.initial_weights(spec.seed)
        padding = self._config.padded_vocabulary - self._config.vocabulary
        weights["token_embedding"] = np.pad(weights["token_embedding"], ((0, padding), (0, 0)))
        self._weights: Weights = jax.device_put(weights, device)

    def _jit(self, function: Callable[..., Any], *donated: int) -> Callable[..., Any]:
        """Compiled with the model as the last argument bound and this program's precision."""

        def traced(*arguments: Any) -> Any:
            with jax.default_matmul_precision(self._precision):
                return function(*arguments, self._model)

        return jax.jit(traced, donate_argnums=donated)

    def _text(self, stream: int, length: int, *, first: int = 0, steps: int = 1) -> list[jax.Array]:
        """Tokens (B, length), one array for each of these steps of a stream."""
        config = self._config
        tokens = data.text(
            config.vocabulary, self._spec.seed,
            stream=stream, first=first, steps=steps, batch=config.batch, length=length,
        )  # fmt: skip
        on_device: list[jax.Array] = jax.device_put(list(tokens), self._device)
        return on_device

    def _prepare(self, stream: int, length: int, steps: int) -> None:
        self._inputs.extend(self._text(stream, length, first=self._prepared_steps, steps=steps))
        self._prepared_steps += steps

    def weights(self) -> Arrays:
        arrays = {name: np.array(value, dtype=np.float32) for name, value in self._weights.items()}
        arrays["token_embedding"] = arrays["token_embedding"][: self._config.vocabulary]
        return arrays


class _Train(_Gpt):
    """One AdamW step per step, all in one compiled function that gives its own memory back."""

    def __init__(self, spec: Spec, size: str, device: Any, precision: str) -> None:
        super().__init__(spec, size, device, precision)
        first, second = ({name: jnp.zeros_like(value) for name, value in self._weights.items()} for _ in range(2))
        self._rest = (first, second, jax.device_put(jnp.float32(0), device))
        self._step = self._jit(train_step, 0)
        self._losses: deque[jax.Array] = deque(maxlen=max(1, self._config.quality_steps // 4))

    def prepare(self, steps: int) -> None:
        self._prepare(data.TRAIN, self._config.context + 1, steps)

    def step(self) -> None:
        (self._weights, *self._rest), loss = self._step((self._weights, *self._rest), self._inputs.popleft())
        self._losses.append(loss)

    def loss(self) -> float:
        return float(self._losses[-1])

    def quality(self) -> float:
        return float(jnp.stack(tuple(self._losses)).mean()) - self._config.floor_nats(self._spec.seed)

    def outputs(self) -> Arrays:
        (tokens,) = self._text(data.AUDIT, self._config.context + 1)
        loss, gradients = self._jit(jax.value_and_grad(mean_loss))(self._weights, tokens)
        named = {f"gradient/{name}": value for name, value in gradients.items()}
        named["gradient/token_embedding"] = named["gradient/token_embedding"][: self._config.vocabulary]
        logits = self._jit(all_logits)(self._weights, tokens[:AUDIT_SEQUENCES, :-1])
        return {name: np.array(value) for name, value in {**named, "loss": loss, "logits": logits}.items()}


class _Infer(_Gpt, ABC):
    """Weights cast once."""

    def __init__(self, spec: Spec, size: str, device: Any, precision: str) -> None:
        super().__init__(spec, size, device, precision)
        self._weights = cast(self._weights, self._model.dtype)
        self._read = self._jit(prefill)

    def loss(self) -> float:
        return float("nan")

    @abstractmethod
    def outputs(self) -> Arrays: ...

    def quality(self) -> float:
        return distance(self._spec.workload, self._spec.mode, self._size, self.outputs()["logits"])


class _Prefill(_Infer):
    """Each step reads B sequences into a cache and gives the last position's logits, as serving does."""

    def prepare(self, steps: int) -> None:
        self._prepare(data.PREFILL, self._config.context, steps)

    def step(self) -> None:
        self._last = self._read(self._weights, self._inputs.popleft())

    def outputs(self) -> Arrays:
        """The last position's "logits", (B, V)."""
        (tokens,) = self._text(data.AUDIT, self._config.context)
        return {"logits": np.array(self._read(self._weights, tokens)[0])}


class _Decode(_Infer):
    """Each step writes `generated` tokens greedily behind the prompt in the cache, each fed back in turn."""

    def __init__(self, spec: Spec, size: str, device: Any, precision: str) -> None:
        super().__init__(spec, size, device, precision)
        config = self._config
        (self._audit_text,) = self._text(data.AUDIT, config.prompt + config.generated)
        cache = self._read(self._weights, self._audit_text[:, : config.prompt])[1]
        room = ((0, 0), (0, 0), (0, config.generated), (0, 0), (0, 0))
        self._cache: Cache = jax.tree.map(lambda filled: jnp.pad(filled, room), cache)
        self._write = self._jit(write, 1)

    def prepare(self, steps: int) -> None:
        self._prepare(data.DECODE, 1, steps)

    def step(self) -> None:
        self._cache, self._last = self._write(self._weights, self._cache, self._inputs.popleft()[:, 0])

    def outputs(self) -> Arrays:
        """The audit text's "logits", (2, generated, V)."""
        logits = self._jit(teach)(self._weights, self._cache, self._audit_text[:, self._config.prompt :])
        return {"logits": np.array(logits.swapaxes(0, 1))}


def _attention(device: Any, precision: str) -> str:
    """cuDNN's flash attention where there is one: on NVIDIA, which multiplies bfloat16 in it only."""
    return "cudnn" if device.platform == "gpu" and precision == "bf16" else "xla"


_MODES: dict[str, Callable[..., Program]] = {"train": _Train, "prefill": _Prefill, "decode": _Decode}


def build(spec: Spec, size: str, *, device: Any, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises; always compiled."""
    return _MODES[spec.mode](spec, size, device, precision)
