"""What a careful user of a published implementation writes for the work of one of our cells, on a CPU.

Equal shape, batch and precision and our own inputs, which are on the device before the clock starts, images already
shifted and normalised. bfloat16 by autocast in training and by bfloat16 weights in inference, SDPA, torch's fused
optimisers, channels last for images, `inference_mode`; eager or compiled as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import peer_images
import peer_text
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DynamicCache, StaticCache

from workloads.base import Arrays, Spec
from workloads.common.torch_images import images

Run = Callable[[int], object]
"""Do so many steps and return when they are done."""
Tensors = dict[str, Tensor]
Asked = Callable[[nn.Module, Tensors], Tensor]
"""(model, a step's inputs) -> its loss, or its answer."""

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
STEPS_KEPT = 8
SGD = {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
ADAMW = {"lr": 1e-4, "betas": (0.9, 0.95), "weight_decay": 0.1}


def _tensors(arrays: Arrays) -> Tensors:
    found = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return {name: value.long() if value.dtype == torch.int32 else value for name, value in found.items()}


def _inputs(spec: Spec, size: str) -> Iterator[Tensors]:
    """The first steps' inputs, over and over."""
    source = spec.source_at(size)
    constants = _tensors(source.constants())
    made = [constants | _tensors(step) for step in source.inputs(0, STEPS_KEPT)]
    return cycle([_imaged(step) if "pool" in step else step for step in made])


def _imaged(inputs: Tensors) -> Tensors:
    pixels = images(inputs["pool"], inputs["view"], torch.float32).contiguous(memory_format=torch.channels_last)
    return {"pixels": pixels} | {name: value for name, value in inputs.items() if name == "labels"}


def _fused(function: Any, compiled: bool) -> Any:
    return torch.compile(function, dynamic=False) if compiled else function


def _training(
    model: nn.Module, inputs: Iterator[Tensors], loss: Asked, optimiser: torch.optim.Optimizer, precision: str,
    compiled: bool,
) -> Run:  # fmt: skip
    model.train()
    loss = _fused(loss, compiled)

    def run(steps: int) -> float:
        for _ in range(steps):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                value = loss(model, next(inputs))
            value.backward()
            optimiser.step()
            optimiser.zero_grad()
        return value.item()

    return run


def _answering(model: nn.Module, inputs: Iterator[Tensors], answer: Asked, precision: str, compiled: bool) -> Run:
    """Floating-point inputs come in the model's type, cast beforehand."""
    dtype = TYPES[precision]
    model = model.eval().to(dtype)
    made = [
        {name: value.to(dtype) if value.is_floating_point() else value for name, value in next(inputs).items()}
        for _ in range(STEPS_KEPT)
    ]
    ready, answer = cycle(made), _fused(answer, compiled)

    @torch.inference_mode()
    def run(steps: int) -> None:
        for _ in range(steps):
            answer(model, next(ready))

    return run


def _adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), **ADAMW, fused=True)


def gpt_train(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    model = peer_text.gpt_model(spec.sizes[size])

    def loss(model: nn.Module, inputs: Tensors) -> Tensor:
        tokens = inputs["tokens"][:, :-1]
        return model(input_ids=tokens, labels=tokens, use_cache=False).loss

    return _training(model, _inputs(spec, size), loss, _adamw(model), precision, compiled)


def _masked(model: nn.Module, inputs: Tensors) -> Tensor:
    return peer_text.bert_masked_logits(model, inputs["tokens"], inputs["types"], inputs["positions"])


def bert_train(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    model = peer_text.bert_model(spec.sizes[size])

    def loss(model: nn.Module, inputs: Tensors) -> Tensor:
        return functional.cross_entropy(_masked(model, inputs).float().flatten(0, 1), inputs["labels"].flatten())

    return _training(model, _inputs(spec, size), loss, _adamw(model), precision, compiled)


def bert_infer(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    return _answering(peer_text.bert_model(spec.sizes[size]), _inputs(spec, size), _masked, precision, compiled)


def llm_prefill(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    def answer(model: nn.Module, inputs: Tensors) -> Tensor:
        return model(input_ids=inputs["tokens"], use_cache=False, logits_to_keep=1).logits

    return _answering(peer_text.llm_model(spec.sizes[size]), _inputs(spec, size), answer, precision, compiled)


def llm_decode(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    """The prompt is read once; each step begins behind it. transformers' growing cache in eager mode, its static one
    where the model is compiled."""
    config = spec.sizes[size]
    model = peer_text.llm_model(config).eval().to(TYPES[precision])
    inputs = _inputs(spec, size)
    room = {"max_cache_len": config.prompt + config.generated}
    cache = StaticCache(config=model.config, **room) if compiled else DynamicCache(config=model.config)
    with torch.inference_mode():
        model(input_ids=next(inputs)["prompt"], past_key_values=cache, use_cache=True)
    forward = _fused(model, compiled)

    def rewind() -> None:
        if not compiled:
            cache.crop(-config.generated)
        for layer in cache.layers if compiled else ():
            layer.cumulative_length.fill_(config.prompt)

    @torch.inference_mode()
    def run(steps: int) -> None:
        for _ in range(steps):
            token = next(inputs)["token"][:, None]
            for _ in range(config.generated):
                token = forward(input_ids=token, past_key_values=cache, use_cache=True).logits.argmax(-1)
            rewind()

    return run


def resnet_train(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    model = peer_images.resnet_model(spec.sizes[size]).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), **SGD, fused=True)

    def loss(model: nn.Module, inputs: Tensors) -> Tensor:
        return functional.cross_entropy(model(inputs["pixels"]).logits.float(), inputs["labels"])

    return _training(model, _inputs(spec, size), loss, optimiser, precision, compiled)


def resnet_infer(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    model = peer_images.resnet_model(spec.sizes[size]).to(memory_format=torch.channels_last)
    return _answering(
        model, _inputs(spec, size), lambda model, inputs: model(inputs["pixels"]).logits, precision, compiled
    )


def mobilenetv3_infer(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    model = peer_images.mobilenetv3_model(spec.sizes[size]).to(memory_format=torch.channels_last)
    return _answering(model, _inputs(spec, size), lambda model, inputs: model(inputs["pixels"]), precision, compiled)


def dit_train(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    model = peer_images.dit_model(spec.sizes[size])

    def loss(model: nn.Module, inputs: Tensors) -> Tensor:
        time = inputs["time"]
        signal, level = (inputs[name][time][:, None, None, None] for name in ("signal", "noise_level"))
        noised = signal * inputs["latent"] + level * inputs["noise"]
        noise, latent = model(noised, timestep=time, class_labels=inputs["label"]).sample.float().chunk(2, dim=1)
        return functional.mse_loss(noise, inputs["noise"]) + functional.mse_loss(latent, inputs["latent"])

    return _training(model, _inputs(spec, size), loss, _adamw(model), precision, compiled)


def dit_sample(spec: Spec, size: str, precision: str, compiled: bool) -> Run:
    """The model is compiled, the loop around it is not: it would be copied once for each of its calls."""
    model = peer_images.dit_model(spec.sizes[size])

    def called(model: nn.Module, x: Tensor, time: Tensor, label: Tensor, signal: Tensor, level: Tensor) -> Tensor:
        noise, latent = model(x, timestep=time, class_labels=label).sample.chunk(2, dim=1)
        return signal * latent + level * noise

    call = _fused(called, compiled)
    times = [torch.full((spec.sizes[size].batch,), time) for time in range(950, -1, -50)]

    def answer(model: nn.Module, inputs: Tensors) -> Tensor:
        x = inputs["noise"]
        for time, signal, level in zip(times, inputs["signal"], inputs["noise_level"], strict=True):
            x = call(model, x, time, inputs["label"], signal, level)
        return x

    return _answering(model, _inputs(spec, size), answer, precision, compiled=False)


Peer = Callable[[Spec, str, str, bool], Run]
"""(spec, size, precision, compiled) -> what runs it."""
PEERS: dict[tuple[str, str], Peer] = {
    ("gpt", "train"): gpt_train,
    ("bert", "train"): bert_train,
    ("bert", "infer"): bert_infer,
    ("llm", "prefill"): llm_prefill,
    ("llm", "decode-1"): llm_decode,
    ("llm", "decode-8"): llm_decode,
    ("resnet", "infer"): resnet_infer,
    ("resnet", "train"): resnet_train,
    ("mobilenetv3", "infer"): mobilenetv3_infer,
    ("dit", "train"): dit_train,
    ("dit", "sample"): dit_sample,
}
"""By workload and mode."""
