"""Codes about a window and the trace beneath it."""

from __future__ import annotations

from suite.reasons.base import Reason

TABLE = (
    Reason(
        code="window_short",
        policy="invalidate",
        cause="The window is shorter than 100 update periods of a meter: the counter's steps would show.",
        cure="Give a larger --budget, so that each window may be longer.",
    ),
    Reason(
        code="trace_gap",
        policy="invalidate",
        cause="The meter was not read around an edge of the window, or a power was not sampled for over a second.",
        cure="Run again on a machine that does nothing else; the sampler was starved or the meter stopped answering.",
    ),
    Reason(
        code="counter_fell",
        policy="invalidate",
        cause="An energy counter fell for another reason than its wrap (driver reload, suspend, hot plug).",
        cure="Run again without suspending the machine or reloading drivers.",
    ),
    Reason(
        code="meter_lost",
        policy="invalidate",
        cause="A meter stopped answering meanwhile: its device was lost, its driver hung or its library crashed.",
        cure="Look into the sampler's log and the kernel's log; windows after it answered again are whole.",
    ),
    Reason(
        code="counter_stuck",
        policy="invalidate",
        cause="The energy counter stood still far longer than its period, or across an edge of the window.",
        cure="Reload the driver or reboot; if it stays, this counter cannot be used.",
    ),
    Reason(
        code="idle_drift",
        policy="warn",
        cause="The idle machine drew over 10 % more or less power after the work than before it.",
        cure="Let the machine settle, stop what wakes up by itself, and run again. It touches net energy only.",
    ),
)
