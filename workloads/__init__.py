"""The work: what is run, defined once in numpy and written once per framework."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from workloads.base import Program, Spec

BUILTIN = {
    "gpt": "workloads.gpt",
    "resnet": "workloads.resnet",
    "llm": "workloads.llm",
    "bert": "workloads.bert",
    "mobilenetv3": "workloads.mobilenetv3",
    "dit": "workloads.dit",
    "lstm": "workloads.lstm",
    "vae": "workloads.vae",
    "gan": "workloads.gan",
    "calib": "workloads.calib",
}
"""Workload name -> module with SPECS: dict[mode, Spec]. A new workload is one folder and one line here."""

SIZES = ("xs", "s", "m", "l")
FRAMEWORKS = ("torch", "jax")
PRECISIONS = ("fp32", "bf16")


def names() -> tuple[str, ...]:
    return tuple(BUILTIN)


def specs(workload: str) -> dict[str, Spec]:
    """All modes of a workload, without importing a framework. KeyError names the unknown workload."""
    found: dict[str, Spec] = import_module(BUILTIN[workload]).SPECS
    return found


def build(spec: Spec, size: str, *, framework: str, device: Any, precision: str, compiled: bool = True) -> Program:
    """Make the program: weights from the seed on `device` (the framework's own handle), ready to step.

    `precision` is one of PRECISIONS, the type of the multiplications: master weights and losses stay float32.
    `compiled=False` asks torch to run eagerly, where no compiler is at hand; JAX always compiles.
    """
    module = import_module(f"{BUILTIN[spec.workload]}.{framework}_program")
    program: Program = module.build(spec, size, device=device, precision=precision, compiled=compiled)
    return program
