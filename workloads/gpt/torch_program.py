"""`gpt` in torch: the three modes as programs. Axes in comments as in the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workloads.base import Arrays, Program, Spec
from workloads.golden import distance
from workloads.gpt import BETAS, EPSILON, WEIGHT_DECAY, Config, data, decays, learning_rate
from workloads.gpt.torch_model import Weights, cast, causal, head, hidden

AUDIT_SEQUENCES = 2
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class _Gpt:
    """What the three modes share: weights on the device, and inputs made ahead, one tensor per step."""

    def __init__(self, spec: Spec, size: str, device: torch.device, precision: str) -> None:
        self._spec, self._size, self._device = spec, size, device
        self._config: Config = spec.sizes[size]
        self._dtype = DTYPES[precision]
        self._inputs: deque[Tensor] = deque()
        self._prepared_steps = 0
        weights = self._config.initial_weights(spec.seed)
        padding = self._config.padded_vocabulary - self._config.vocabulary
        weights["token_embedding"] = np.pad(weights["token_embedding"], ((0, padding), (0, 0)))
        self._weights = {name: torch.from_numpy(value).to(device) for name, value in weights.items()}
        self._positions = torch.arange(self._config.context, device=device)

    def _text(self, stream: int, length: int, *, first: int = 0, steps: int = 1) -> Tensor:
        """Tokens (steps, B, length) of these steps of a stream."""
        config = self._config
        tokens = data.text(
            config.vocabulary, self._spec.seed,
            stream=stream, first=first, steps=steps, batch=config.batch, length=length,
        )  # fmt: skip
        return torch.from_numpy(tokens).to(self._device, torch.int64)

    def _prepare(self, stream: int, length: int, steps: int) -> None:
        """Queue `steps` tensors (B, length). Their shape does not depend on `steps`, so nothing recompiles."""
        self._inputs.extend(self._text(stream, length, first=self._prepared_steps, steps=steps))
        self._prepared_steps += steps

    def weights(self) -> Arrays:
        arrays = {name: value.detach().float().cpu().numpy().copy() for name, value in self._weights.items()}
        arrays["token_embedding"] = arrays["token_embedding"][: self._config.vocabulary]
        return arrays


class _Train(_Gpt):
    """One AdamW step per step; loss and gradients are compiled together, the optimiser is torch's fused one."""

    def __init__(self, spec: Spec, size: str, device: torch.device, precision: str, compiled: bool) -> None:
        super().__init__(spec, size, device, precision)
        for value in self._weights.values():
            value.requires_grad_()
        self._loss_of = _compile(self._mean_loss, compiled)
        self._optimizer = self._adamw()
        self._steps = 0
        self._losses: deque[Tensor] = deque(maxlen=max(1, self._config.quality_steps // 4))

    def _adamw(self) -> torch.optim.AdamW:
        groups = [
            {"params": [value for name, value in self._weights.items() if decays(name)], "weight_decay": WEIGHT_DECAY},
            {"params": [value for name, value in self._weights.items() if not decays(name)], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON, fused=True)

    def _logits(self, weights: Weights, tokens: Tensor) -> Tensor:
        weights = cast(weights, self._dtype)
        x = hidden(weights, tokens, self._positions, self._config, causal)
        return head(weights, x, self._config)

    def _mean_loss(self, weights: Weights, tokens: Tensor) -> Tensor:
        logits = self._logits(weights, tokens[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    def prepare(self, steps: int) -> None:
        self._prepare(data.TRAIN, self._config.context + 1, steps)

    def step(self) -> None:
        self._steps += 1
        loss = self._loss_of(self._weights, self._inputs.popleft())
        loss.backward()
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self._config, self._steps)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._losses.append(loss.detach())

    def loss(self) -> float:
        return float(self._losses[-1])

    def quality(self) -> float:
        return float(torch.stack(tuple(self._losses)).mean()) - self._config.floor_nats(self._spec.seed)

    def outputs(self) -> Arrays:
        tokens = self._text(data.AUDIT, self._config.context + 1)[0]
        loss = self._loss_of(self._weights, tokens)
        gradients = torch.autograd.grad(loss, list(self._weights.values()))
        named = {f"gradient/{name}": value for name, value in zip(self._weights, gradients, strict=True)}
        named["gradient/token_embedding"] = named["gradient/token_embedding"][: self._config.vocabulary]
        with torch.no_grad():
            named |= {"logits": self._logits(self._weights, tokens[:AUDIT_SEQUENCES, :-1]), "loss": loss.detach()}
        return {name: value.cpu().numpy() for name, value in named.items()}


class _Infer(_Gpt, ABC):
    """Weights cast once, and a cache of keys and values of fixed size: per layer one (B, H, C, D/H) of each."""

    def __init__(self, spec: Spec, size: str, device: torch.device, precision: str, places: int) -> None:
        super().__init__(spec, size, device, precision)
        self._weights = cast(self._weights, self._dtype)
        config = self._config
        shape = (config.batch, config.heads, places, config.width // config.heads)
        self._keys, self._values = (
            [torch.zeros(shape, dtype=self._dtype, device=device) for _ in range(config.layers)] for _ in range(2)
        )

    def _fill(self, weights: Weights, keys: list[Tensor], values: list[Tensor], tokens: Tensor) -> Tensor:
        """Read tokens (B, T) into the first T places; logits of the last position (B, V)."""
        length = tokens.shape[1]

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys[layer][:, :, :length].copy_(k)
            values[layer][:, :, :length].copy_(v)
            return causal(layer, q, k, v)

        x = hidden(weights, tokens, self._positions[:length], self._config, attend)
        return head(weights, x[:, -1], self._config)

    def loss(self) -> float:
        return float("nan")

    @abstractmethod
    def _audit_logits(self) -> Tensor: ...

    def outputs(self) -> Arrays:
        with torch.no_grad():
            return {"logits": self._audit_logits().cpu().numpy()}

    def quality(self) -> float:
        return distance(self._spec.workload, self._spec.mode, self._size, self.outputs()["logits"])


class _Prefill(_Infer):
    """Each step reads B sequences into the cache and gives the last position's logits, as serving does."""

    def __init__(self, spec: Spec, size: str, device: torch.device, precision: str, compiled: bool) -> None:
        super().__init__(spec, size, device, precision, spec.sizes[size].context)
        self._read = _compile(self._fill, compiled)
        self._last_logits: Tensor | None = None

    def prepare(self, steps: int) -> None:
        self._prepare(data.PREFILL, self._config.context, steps)

    @torch.no_grad()
    def step(self) -> None:
        self._last_logits = self._read(self._weights, self._keys, self._values, self._inputs.popleft())

    def _audit_logits(self) -> Tensor:
        """(B, V)"""
        tokens = self._text(data.AUDIT, self._config.context)[0]
        return self._read(self._weights, self._keys, self._values, tokens)


class _Decode(_Infer):
    """Each step writes `generated` tokens greedily behind the prompt in the cache, each fed back in turn."""

    def __init__(self, spec: Spec, size: str, device: torch.device, precision: str, compiled: bool) -> None:
        config: Config = spec.sizes[size]
        super().__init__(spec, size, device, precision, config.prompt + config.generated)
        self._audit_text = self._text(data.AUDIT, config.prompt + config.generated)[0]
        self._places = self._positions[config.prompt : config.prompt + config.generated].split(1)
        self._token_of = _compile(self._next_token, compiled)
        with torch.no_grad():
            self._fill(self._weights, self._keys, self._values, self._audit_text[:, : config.prompt])
            self._step = _captured(self._write, self._audit_text[:, 0]) if device.type == "cuda" else self._write

    def prepare(self, steps: int) -> None:
        # One axis only: along an axis of length one the stride is whatever it was, and another stride would recompile.
        text = self._text(data.DECODE, 1, first=self._prepared_steps, steps=steps)
        self._inputs.extend(text[:, :, 0])
        self._prepared_steps += steps

    def _next_token(
        self, weights: Weights, keys: list[Tensor], values: list[Tensor], token: Tensor, place: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Feed token (B,) at place (1,); its logits (B, V) and the likeliest next token (B,)."""
        seen = torch.arange(keys[0].shape[2], device=place.device) <= place

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys[layer].index_copy_(2, place, k)
            values[layer].index_copy_(2, place, v)
            return F.scaled_dot_product_attention(q, keys[layer], values[layer], attn_mask=seen[None])

        x = hidden(weights, token[:, None], place, self._config, attend)
        logits = head(weights, x[:, -1], self._config)
        return logits, logits.argmax(-1)

    def _write(self, token: Tensor) -> Tensor:
        """Write behind the prompt, beginning with token (B,); the last token written."""
        for place in self._places:
            _, token = self._token_of(self._weights, self._keys, self._values, token, place)
        return token

    @torch.no_grad()
    def step(self) -> None:
        self._last_token = self._step(self._inputs.popleft())

    def _audit_logits(self) -> Tensor:
        """(2, generated, V) of the audit text, its own tokens fed whatever the model would have written."""
        fed = self._audit_text[:, self._config.prompt :].T.contiguous()
        each = [
            self._token_of(self._weights, self._keys, self._values, token, place)[0][:AUDIT_SEQUENCES]
            for token, place in zip(fed, self._places, strict=True)
        ]
        return torch.stack(each, dim=1)


def _captured(write: Callable[[Tensor], Tensor], example: Tensor) -> Callable[[Tensor], Tensor]:
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

    def replay(first: Tensor) -> Tensor:
        token.copy_(first)
        graph.replay()
        return written

    return replay


def _compile(function: Callable[..., Any], compiled: bool) -> Callable[..., Any]:
    return torch.compile(function, fullgraph=True, dynamic=False) if compiled else function


_MODES: dict[str, Callable[..., Program]] = {"train": _Train, "prefill": _Prefill, "decode": _Decode}


def build(spec: Spec, size: str, *, device: torch.device, precision: str, compiled: bool) -> Program:
    """The program of this spec, as workloads.build promises.

    Sets torch's float32 matrix precision for the whole process: there is no narrower switch that keeps
    TensorFloat-32 out of "fp32".
    """
    torch.set_float32_matmul_precision("highest")
    return _MODES[spec.mode](spec, size, device, precision, compiled)
