"""Codes about the host while a window was open."""

from __future__ import annotations

from suite.reasons.base import Reason

TABLE = (
    Reason(
        code="foreign_cpu",
        policy="warn",
        cause="Other programs kept more than 5 % of one core busy: their energy is in the host's counters.",
        cure="Close them and run again.",
    ),
    Reason(
        code="foreign_cpu_heavy",
        policy="invalidate",
        cause="Other programs used over 5 % of the machine: their energy is in its counters too. An estimate stands.",
        cure="Close them (`top` lists them) and run again.",
    ),
    Reason(
        code="cpu_stolen",
        policy="warn",
        cause="The hypervisor gave more than 1 % of this machine's CPU time to others.",
        cure="Run on the bare machine, or on a virtual machine with CPUs of its own.",
    ),
    Reason(
        code="swapping",
        policy="warn",
        cause="Memory was swapped in or out: the disk's work slowed the window down.",
        cure="Close other programs or choose a smaller --size.",
    ),
    Reason(
        code="cpu_throttled",
        policy="warn",
        cause="The CPU was too hot and lowered its clocks.",
        cure="Improve the cooling, let it cool down, then run again.",
    ),
    Reason(
        code="on_battery",
        policy="warn",
        cause="The machine ran on its battery, where it limits its power.",
        cure="Plug it in and run again.",
    ),
    Reason(
        code="suspended",
        policy="invalidate",
        cause="The machine was suspended: clocks stopped while counters may have run on.",
        cure="Keep it awake: systemd-inhibit python -m suite.",
    ),
    Reason(
        code="clock_unsteady",
        policy="invalidate",
        cause="The clock was slewed by more than 1 % against the hardware's own: its seconds are no seconds.",
        cure="Let the time service settle, then run again.",
    ),
    Reason(
        code="clock_slewed",
        policy="warn",
        cause="The clock was slewed by more than 0.1 % against the hardware's own.",
        cure="Let the time service settle, then run again.",
    ),
    Reason(
        code="clock_stepped",
        policy="record",
        cause="The wall clock was set. Joules do not rest on it; a log joined by --meter csv: does, piece by piece.",
        cure="None needed.",
    ),
)
