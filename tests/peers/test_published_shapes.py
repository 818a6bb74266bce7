"""Our sizes have as many parameters as the published models that they are named after. No weight is made for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import peer_images
import peer_text
import pytest
import torch
from torch import nn

import workloads

MODELS: dict[str, Callable[[Any], nn.Module]] = {
    "gpt": peer_text.gpt_model,
    "bert": peer_text.bert_model,
    "llm": peer_text.llm_model,
    "resnet": peer_images.resnet_model,
    "mobilenetv3": peer_images.mobilenetv3_model,
    "dit": peer_images.dit_model,
}
PUBLISHED = {
    ("gpt", "m"): 124_439_808,  # GPT-2's smallest
    ("bert", "m"): 109_514_298,  # BERT base, uncased, with the head that fills masks and no pooler
    ("llm", "m"): 1_100_048_384,  # TinyLlama 1.1B
    ("llm", "l"): 8_030_261_248,  # Llama 3.1 8B
    ("resnet", "m"): 25_557_032,  # ResNet-50
    ("mobilenetv3", "m"): 5_483_032,  # MobileNetV3-Large 1.0
    ("dit", "l"): 675_129_632 - 256 * 1152,  # DiT-XL/2, less its fixed positions, which it counts
}


def _parameters(workload: str, size: str) -> int:
    spec = next(iter(workloads.specs(workload).values()))
    return spec.parameters(spec.sizes[size])


def _theirs(workload: str, size: str) -> int:
    """Each once, however many names it has; without the copies that diffusers keeps of DiT's embeddings."""
    spec = next(iter(workloads.specs(workload).values()))
    with torch.device("meta"):
        model = MODELS[workload](spec.sizes[size])
    whole = sum(parameter.numel() for parameter in model.parameters())
    return whole - peer_images.dit_shared_parameters(model) if workload == "dit" else whole


@pytest.mark.parametrize(("workload", "size"), PUBLISHED)
def test_a_size_has_the_parameters_of_its_published_model(workload: str, size: str) -> None:
    assert _parameters(workload, size) == PUBLISHED[workload, size]


@pytest.mark.parametrize("size", ["xs", "s", "m", "l"])
@pytest.mark.parametrize("workload", MODELS)
def test_ours_and_the_published_code_count_alike(workload: str, size: str) -> None:
    assert _parameters(workload, size) == _theirs(workload, size)
