"""The published GPT-2, BERT and Llama of `transformers` in a size of ours, and our weights under their names.

A mapping takes the spec's arrays, or gradients of the same shapes, and gives a state dict; it computes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from workloads import bert
from workloads.base import Arrays
from workloads.bert.sizes import Config as BertSize
from workloads.gpt.config import NORM_EPSILON as GPT_EPSILON
from workloads.gpt.config import Config as GptSize
from workloads.llm import NORM_EPSILON as LLM_EPSILON
from workloads.llm import Config as LlmSize

State = dict[str, Tensor]


def _tensors(arrays: dict[str, np.ndarray]) -> State:
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


def gpt_model(config: GptSize) -> nn.Module:
    """Without dropout, as the workload; attention by SDPA."""
    return GPT2LMHeadModel(
        GPT2Config(
            n_layer=config.layers, n_embd=config.width, n_head=config.heads, vocab_size=config.vocabulary,
            n_positions=config.context, layer_norm_epsilon=GPT_EPSILON,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=None, eos_token_id=None,
        )
    )  # fmt: skip


_GPT_LAYER = {
    "attention_norm": "ln_1", "qkv": "attn.c_attn", "projection": "attn.c_proj", "mlp_norm": "ln_2",
    "up": "mlp.c_fc", "down": "mlp.c_proj",
}  # fmt: skip


def gpt_weights(config: GptSize, ours: Arrays) -> State:
    """GPT-2 keeps its matrices (in, out), as we do."""
    state = {
        "transformer.wte.weight": ours["token_embedding"],
        "lm_head.weight": ours["token_embedding"],
        "transformer.wpe.weight": ours["position_embedding"],
        "transformer.ln_f.weight": ours["final_norm_gain"],
        "transformer.ln_f.bias": ours["final_norm_bias"],
    }
    for name, theirs in _GPT_LAYER.items():
        weight = f"{name}_gain" if name.endswith("norm") else f"{name}_weight"
        for layer in range(config.layers):
            state[f"transformer.h.{layer}.{theirs}.weight"] = ours[weight][layer]
            state[f"transformer.h.{layer}.{theirs}.bias"] = ours[f"{name}_bias"][layer]
    return _tensors(state)


def bert_model(config: BertSize) -> nn.Module:
    """Without pooler, dropout and padding, whose token would learn nothing, as the workload; attention by SDPA."""
    return BertForMaskedLM(
        BertConfig(
            num_hidden_layers=config.layers, hidden_size=config.width, num_attention_heads=config.heads,
            intermediate_size=4 * config.width, vocab_size=config.vocabulary,
            max_position_embeddings=config.positions, type_vocab_size=bert.data.TOKEN_TYPES,
            layer_norm_eps=bert.NORM_EPSILON, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
            pad_token_id=None,
        )
    )  # fmt: skip


def bert_masked_logits(model: Any, tokens: Tensor, types: Tensor, positions: Tensor) -> Tensor:
    """Logits (B, M, V) at the masks only: the published head on the published hidden states, gathered before it."""
    hidden = model.bert(input_ids=tokens, token_type_ids=types.expand_as(tokens)).last_hidden_state
    return model.cls(hidden.gather(1, positions[..., None].expand(-1, -1, hidden.shape[-1])))


_BERT_TOP = {
    "bert.embeddings.word_embeddings.weight": "token_embedding",
    "bert.embeddings.position_embeddings.weight": "position_embedding",
    "bert.embeddings.token_type_embeddings.weight": "type_embedding",
    "bert.embeddings.LayerNorm.weight": "embedding_norm_gain",
    "bert.embeddings.LayerNorm.bias": "embedding_norm_bias",
    "cls.predictions.transform.dense.bias": "head_bias",
    "cls.predictions.transform.LayerNorm.weight": "head_norm_gain",
    "cls.predictions.transform.LayerNorm.bias": "head_norm_bias",
    "cls.predictions.decoder.weight": "token_embedding",
    "cls.predictions.decoder.bias": "vocabulary_bias",
    "cls.predictions.bias": "vocabulary_bias",
}
_BERT_DENSE = {"projection": "attention.output.dense", "up": "intermediate.dense", "down": "output.dense"}
_BERT_NORM = {"attention_norm": "attention.output.LayerNorm", "mlp_norm": "output.LayerNorm"}


def bert_weights(config: BertSize, ours: Arrays) -> State:
    """BERT keeps its matrices (out, in), and queries, keys and values apart."""
    state = {theirs: ours[name] for theirs, name in _BERT_TOP.items()}
    state["cls.predictions.transform.dense.weight"] = ours["head_weight"].T
    for layer in range(config.layers):
        at = f"bert.encoder.layer.{layer}"
        for index, part in enumerate(("query", "key", "value")):
            columns = slice(index * config.width, (index + 1) * config.width)
            state[f"{at}.attention.self.{part}.weight"] = ours["qkv_weight"][layer][:, columns].T
            state[f"{at}.attention.self.{part}.bias"] = ours["qkv_bias"][layer][columns]
        for name, theirs in _BERT_DENSE.items():
            state[f"{at}.{theirs}.weight"] = ours[f"{name}_weight"][layer].T
            state[f"{at}.{theirs}.bias"] = ours[f"{name}_bias"][layer]
        for name, theirs in _BERT_NORM.items():
            state[f"{at}.{theirs}.weight"] = ours[f"{name}_gain"][layer]
            state[f"{at}.{theirs}.bias"] = ours[f"{name}_bias"][layer]
    return _tensors(state)


def llm_model(config: LlmSize) -> nn.Module:
    """The rotary frequencies are not scaled for long contexts, as in the workload; attention by SDPA."""
    return LlamaForCausalLM(
        LlamaConfig(
            num_hidden_layers=config.layers, hidden_size=config.width, num_attention_heads=config.heads,
            num_key_value_heads=config.kv_heads, intermediate_size=config.feed_forward,
            vocab_size=config.vocabulary, max_position_embeddings=config.prompt + config.generated,
            rms_norm_eps=LLM_EPSILON, rope_parameters={"rope_type": "default", "rope_theta": config.theta},
            tie_word_embeddings=False, bos_token_id=None, eos_token_id=None,
        )
    )  # fmt: skip


def llm_weights(config: LlmSize, ours: Arrays) -> State:
    """Llama keeps its matrices (out, in), as we do, but apart what we keep together."""
    state = {
        "model.embed_tokens.weight": ours["token_embedding"],
        "model.norm.weight": ours["final_norm_gain"],
        "lm_head.weight": ours["head_weight"],
    }
    ends = (config.width, config.width + config.kv_width)
    for layer in range(config.layers):
        at = f"model.layers.{layer}"
        q, k, v = np.split(ours["qkv_weight"][layer], ends)
        gate, up = np.split(ours["gate_up_weight"][layer], 2)
        state |= {
            f"{at}.input_layernorm.weight": ours["attention_norm_gain"][layer],
            f"{at}.self_attn.q_proj.weight": q,
            f"{at}.self_attn.k_proj.weight": k,
            f"{at}.self_attn.v_proj.weight": v,
            f"{at}.self_attn.o_proj.weight": ours["projection_weight"][layer],
            f"{at}.post_attention_layernorm.weight": ours["mlp_norm_gain"][layer],
            f"{at}.mlp.gate_proj.weight": gate,
            f"{at}.mlp.up_proj.weight": up,
            f"{at}.mlp.down_proj.weight": ours["down_weight"][layer],
        }
    return _tensors(state)
