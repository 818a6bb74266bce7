"""Codes about the state of an accelerator while a window was open."""

from __future__ import annotations

from suite.reasons.base import Reason

TABLE = (
    Reason(
        code="hw_slowdown",
        policy="invalidate",
        cause="The GPU's hardware slowed its clocks down to protect itself.",
        cure="Look at cooling and power supply (nvidia-smi -q -d PERFORMANCE), then run again.",
    ),
    Reason(
        code="hw_thermal_slowdown",
        policy="invalidate",
        cause="The GPU was too hot and its hardware slowed the clocks down.",
        cure="Improve the cooling, let it cool down, then run again.",
    ),
    Reason(
        code="power_brake",
        policy="invalidate",
        cause="The system's power supply told the GPU to slow down.",
        cure="Look at the power supply and at what else draws from it, then run again.",
    ),
    Reason(
        code="sw_thermal_slowdown",
        policy="warn",
        cause="The driver held the GPU's clocks down to keep its temperature within limits.",
        cure="Improve the cooling if the number should show the cool card.",
    ),
    Reason(
        code="sw_power_cap",
        policy="record",
        cause="The driver held the GPU's clocks down to keep within its power limit: normal under full load.",
        cure="None needed; the limit stands in the result.",
    ),
    Reason(
        code="clocks_set",
        policy="record",
        cause="The GPU's clocks were fixed by a user's setting.",
        cure="sudo nvidia-smi -rgc brings the default back, if that is what should be measured.",
    ),
    Reason(
        code="power_limit_changed",
        policy="invalidate",
        cause="The GPU's power limit was changed during the window.",
        cure="Leave the limit alone during a run.",
    ),
    Reason(
        code="ecc_uncorrected",
        policy="invalidate",
        cause="The GPU met memory errors that it could not correct: its work may be wrong.",
        cure="Look at nvidia-smi -q -d ECC; reset or replace the card.",
    ),
    Reason(
        code="foreign_compute",
        policy="invalidate",
        cause="Another process computed on the GPU: its energy is in the counter.",
        cure="nvidia-smi lists it; run again when it has ended.",
    ),
    Reason(
        code="foreign_graphics",
        policy="warn",
        cause="The GPU also draws a screen: that energy is in the counter.",
        cure="Stop the desktop, or use a GPU without a screen.",
    ),
)
