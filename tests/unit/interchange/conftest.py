"""Files as the sources write them, made here: nothing of theirs is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.interchange.importing import Origin

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of a source: a document as JSON, or text or bytes as they are."""

    def written(name: str, content: Any) -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return written


@pytest.fixture
def ml_energy() -> dict[str, Any]:
    """The leaderboard's file of one task, with two configurations of invented models."""
    shared = {
        "data_parallel": 1,
        "gpu_model": "B200",
        "max_num_seqs": 8,
        "tensor_parallel": 2,
        "weight_precision": "bfloat16",
    }
    first = {
        "avg_power_watts": 760.0,
        "energy_per_request_joules": 430.0,
        "energy_per_token_joules": 0.7,
        "model_id": "Example/Model-8B",
        "num_gpus": 2,
    }
    second = {"avg_power_watts": 900.0, "energy_per_token_joules": 0.4, "model_id": "Example/Model-1B", "num_gpus": 1}
    return {
        "configurations": [{**shared, **first}, {**shared, **second}],
        "task": "lm-arena-chat",
        "task_display_name": "LLM Chat",
    }


@pytest.fixture
def mlperf() -> list[dict[str, Any]]:
    """Three records of summary_results.json: power, energy of a query, and one without either."""
    shared = {
        "Accelerator": "Example B200",
        "Category": "closed",
        "Model": "llama2-70b-99",
        "Nodes": 1,
        "Performance_Result": 102909.0,
        "Performance_Units": "Tokens/s",
        "Processor": "Example Xeon",
        "Scenario": "Offline",
        "Submitter": "Example",
        "System": "Server (8x B200)",
        "a#": 8,
        "has_power": True,
        "host_processors_per_node": 2,
        "version": "v5.1",
    }
    watts = {**shared, "Power_Result": 10401.0, "Power_Units": "Watts"}
    query = {
        **shared,
        "Accelerator": "",
        "Model": "resnet",
        "Power_Result": 155.0,
        "Power_Units": "millijoules",
        "Scenario": "SingleStream",
        "a#": "",
    }
    return [watts, query, {**shared, "has_power": False}]


@pytest.fixture
def origin() -> Callable[[Any], Origin]:
    """Where a file came from, for either source."""

    def of(source: Any) -> Origin:
        return Origin(source=source, url="https://example.org/data?a=1", retrieved="2026-11-20", licence="Apache-2.0")

    return of
