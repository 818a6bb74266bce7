"""What the site says about classes, boundaries, outcomes and reason codes."""

from __future__ import annotations

from suite.reasons import REASONS, Policy, Reason

CLASSES = {
    "measured": ("Measured", "Joules from hardware counters or from integrated power readings of the part itself."),
    "rails": (
        "Power rails",
        "Joules from supply rails that the maker's profiler reports; ranked among themselves only.",
    ),
    "estimated": ("Estimated, not measured", "A range from published watts and utilisation; never ranked."),
    "simulated": ("Simulated", "A pretended machine that draws a known power. It tests the method, not hardware."),
    "none": ("Energy unknown", "No meter answered, so joules are unknown and only speed is shown."),
}
"""Meter class -> heading and what it means."""

BOUNDARIES = {
    "device": "the chips and memory that run the model: GPU board, TPU chip, or CPU packages with their DRAM",
    "machine": "the device and the host's CPU packages and DRAM",
    "wall": "an external or node meter",
}
"""Boundary -> what is inside."""

OUTCOMES = {
    "ok": "ran and met its quality band",
    "quality": "ran, but its quality lies outside the band",
    "oom": "ran out of memory",
    "crash": "the worker ended by itself",
    "deadline": "took longer than it was given",
    "refused": "cannot run on this device",
}
"""How an attempt ended -> in words."""


ENDED = {
    "quality": "outside the quality band",
    "oom": "out of memory",
    "crash": "crashed",
    "deadline": "out of time",
    "refused": "not possible on the device",
}
"""How a cell failed -> in as few words as a narrow place has room for."""


FOLLOWS: dict[Policy, str] = {
    "record": "Recorded; the number stands.",
    "warn": "Flagged; the number stands.",
    "invalidate": "No joules for the windows it bears on.",
}
"""Policy -> what follows from an event, in a few words. `suite.reasons.POLICIES` says it at length."""

_GRAVEST_FIRST: tuple[Policy, ...] = ("invalidate", "warn", "record")


def reason(code: str) -> Reason:
    """The table's entry, or one that says the code is unknown here."""
    unknown = Reason(
        code=code, policy="warn", cause="A reason this version of the suite does not know.", cure="Update the suite."
    )
    return REASONS.get(code, unknown)


def reasons(codes: tuple[str, ...]) -> tuple[Reason, ...]:
    """The gravest first: where a number is missing, the first one is why."""
    return tuple(sorted(map(reason, codes), key=lambda one: (_GRAVEST_FIRST.index(one.policy), one.code)))


def flags(codes: tuple[str, ...]) -> tuple[Reason, ...]:
    """Those a row is flagged with: what is merely recorded is no flag."""
    return tuple(one for one in reasons(codes) if one.policy != "record")
