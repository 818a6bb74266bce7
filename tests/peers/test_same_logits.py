"""Published models with our weights answer as our torch programs do: relative L2 1e-5, strict float32, eager.

Where ours departs from the published model, what is compared is said at the peer's answer, below, or where bench builds
it (peer_text.py, peer_images.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import peer_images
import peer_text
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import workloads
from workloads.base import Arrays, Spec
from workloads.common.torch_images import images
from workloads.dit.torch_model import patches
from workloads.golden import relative_l2

LIMIT = 1e-5
CPU = torch.device("cpu")
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Peer:
    """How a published model is built at a size of ours, given our weights, and asked what our audit asks."""

    model: Callable[[Any], nn.Module]
    weights: Callable[[Any, Arrays, nn.Module], Tensors]
    answer: Callable[[nn.Module, Tensors, Any], Tensor]


def _gpt_train(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    return model(input_ids=inputs["tokens"][:, :-1]).logits


def _prefill(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    return model(input_ids=inputs["tokens"]).logits[:, -1]


def _decode(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    """Theirs reads the whole text at once, ours token by token out of its cache; the first four sequences."""
    return model(input_ids=inputs["text"][:4]).logits[:, config.prompt :]


def _bert(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    return peer_text.bert_masked_logits(model, inputs["tokens"], inputs["types"], inputs["positions"])


def _hugging_image(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    return model(images(inputs["pool"], inputs["view"], torch.float32)).logits


def _image(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    return model(images(inputs["pool"], inputs["view"], torch.float32))


def _denoise(model: nn.Module, latent: Tensor, time: Tensor, label: Tensor) -> Tensor:
    """(B, 8, side, side): the noise, then where published DiT has its variance, in our training the clean latent."""
    return model(latent, timestep=time, class_labels=label).sample


def _dit_train(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    time = inputs["time"]
    signal, level = (inputs[name][time][:, None, None, None] for name in ("signal", "noise_level"))
    noised = signal * inputs["latent"] + level * inputs["noise"]
    noise, latent = _denoise(model, noised, time, inputs["label"]).chunk(2, dim=1)
    return torch.cat((patches(noise), patches(latent)), dim=-1)


def _dit_sample(model: nn.Module, inputs: Tensors, config: Any) -> Tensor:
    """Our sampler around their model, at times 950, 900, ... 0: published samplers divide by the signal instead."""
    x = inputs["noise"]
    for call, (signal, level) in enumerate(zip(inputs["signal"], inputs["noise_level"], strict=True)):
        time = torch.full((x.shape[0],), 950 - 50 * call)
        noise, latent = _denoise(model, x, time, inputs["label"]).chunk(2, dim=1)
        x = signal * latent + level * noise
    return x


def _gpt(answer: Callable[..., Tensor]) -> Peer:
    return Peer(peer_text.gpt_model, lambda config, ours, _: peer_text.gpt_weights(config, ours), answer)


def _llm(answer: Callable[..., Tensor]) -> Peer:
    return Peer(peer_text.llm_model, lambda config, ours, _: peer_text.llm_weights(config, ours), answer)


def _dit(answer: Callable[..., Tensor]) -> Peer:
    return Peer(peer_images.dit_model, lambda config, ours, _: peer_images.dit_weights(config, ours), answer)


BERT = Peer(peer_text.bert_model, lambda config, ours, _: peer_text.bert_weights(config, ours), _bert)
RESNET = Peer(
    peer_images.resnet_model, lambda config, ours, _: peer_images.resnet_weights(config, ours), _hugging_image
)
MOBILE = Peer(peer_images.mobilenetv3_model, peer_images.mobilenetv3_weights, _image)
PEERS = {
    ("gpt", "train"): _gpt(_gpt_train),
    ("gpt", "prefill"): _gpt(_prefill),
    ("gpt", "decode"): _gpt(_decode),
    ("llm", "prefill"): _llm(_prefill),
    ("llm", "decode"): _llm(_decode),
    ("bert", "train"): BERT,
    ("bert", "infer"): BERT,
    ("resnet", "train"): RESNET,
    ("resnet", "infer"): RESNET,
    ("mobilenetv3", "infer"): MOBILE,
    ("dit", "train"): _dit(_dit_train),
    ("dit", "sample"): _dit(_dit_sample),
}
AT_PUBLISHED_SHAPE = [
    ("gpt", "prefill"),
    ("bert", "infer"),
    ("resnet", "infer"),
    ("mobilenetv3", "infer"),
    ("dit", "train"),
]
"""`m`, with one item a step. Llama's 1.1 billion weights would take 13 GB here: its parameters are counted instead."""


def _tensors(arrays: Arrays) -> Tensors:
    found = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return {name: value.long() if value.dtype == torch.int32 else value for name, value in found.items()}


def _peer(peer: Peer, spec: Spec, size: str, ours: Arrays) -> nn.Module:
    """Loaded strictly: no weight of theirs keeps its own value, none of ours is left over. Counters of batches and
    running statistics aside, which theirs starts with as we do."""
    config = spec.sizes[size]
    model = peer.model(config)
    missing, unexpected = model.load_state_dict(peer.weights(config, ours, model), strict=False)
    assert not unexpected
    assert not [name for name in missing if not name.endswith(("num_batches_tracked", "running_mean", "running_var"))]
    return model.train(spec.mode == "train" and spec.workload == "resnet")  # normalises by its batch, as ours


def _theirs(peer: Peer, spec: Spec, size: str, ours: Arrays) -> np.ndarray:
    source = spec.source_at(size)
    with torch.no_grad():
        model = _peer(peer, spec, size, ours)
        return peer.answer(model, _tensors(source.constants() | source.audit()), spec.sizes[size]).numpy()


def _logits(spec: Spec, size: str) -> tuple[np.ndarray, Arrays]:
    """Ours, and the weights they came from."""
    program = workloads.build(spec, size, framework="torch", device=CPU, precision="fp32", compiled=False)
    return program.outputs()["logits"], program.weights()


def _distance(workload: str, mode: str, spec: Spec, size: str) -> float:
    ours, weights = _logits(spec, size)
    theirs = _theirs(PEERS[workload, mode], spec, size, weights)
    assert theirs.shape == ours.shape
    return relative_l2(ours, theirs)


@pytest.mark.parametrize("size", ["xs", "s"])
@pytest.mark.parametrize(("workload", "mode"), PEERS)
def test_our_program_and_the_published_model_give_the_same_logits(workload: str, mode: str, size: str) -> None:
    assert _distance(workload, mode, workloads.specs(workload)[mode], size) < LIMIT


@pytest.mark.parametrize(("workload", "mode"), AT_PUBLISHED_SHAPE)
def test_they_do_at_the_published_shape(workload: str, mode: str) -> None:
    assert _distance(workload, mode, workloads.specs(workload)[mode].with_batch("m", 1), "m") < LIMIT


@pytest.mark.parametrize(("workload", "mode"), PEERS)
def test_a_change_in_any_one_weight_is_seen(workload: str, mode: str) -> None:
    spec, size = workloads.specs(workload)[mode], "xs"
    ours, weights = _logits(spec, size)
    random = np.random.default_rng(0)
    for name, value in weights.items():
        moved = value + np.float32(0.01) * random.standard_normal(value.shape, dtype=np.float32)
        theirs = _theirs(PEERS[workload, mode], spec, size, weights | {name: moved})
        assert relative_l2(ours, theirs) > LIMIT, name


@pytest.mark.parametrize("workload", ["gpt", "bert", "resnet"])
def test_they_give_the_same_loss_and_gradients(workload: str) -> None:
    """All gradients as one vector: some, as of a key's bias, are 0 but for rounding. `dit` aside, whose embeddings'
    gradients are spread over the copies that diffusers keeps."""
    spec, size = workloads.specs(workload)["train"], "xs"
    program = workloads.build(spec, size, framework="torch", device=CPU, precision="fp32", compiled=False)
    peer, ours, config = PEERS[workload, "train"], program.outputs(), spec.sizes[size]
    model, source = _peer(peer, spec, size, program.weights()), spec.source_at(size)
    inputs = _tensors(source.constants() | source.audit())
    told = inputs["tokens"][:, 1:] if workload == "gpt" else inputs["labels"]
    loss = functional.cross_entropy(peer.answer(model, inputs, config).flatten(0, -2), told.flatten())
    loss.backward()
    gradients = {name.removeprefix("gradient/"): value for name, value in ours.items() if name.startswith("gradient/")}
    expected = peer.weights(config, gradients, model)
    named = list(model.named_parameters())
    found = np.concatenate([parameter.grad.numpy().ravel() for _, parameter in named])
    assert relative_l2(np.concatenate([expected[name].numpy().ravel() for name, _ in named]), found) < LIMIT
    assert float(loss.detach()) == pytest.approx(float(ours["loss"]), rel=LIMIT)
