"""Every reason code a result or a doctor's line may carry: what it means, and what would help."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What a code means and what would help."""

    code: str
    cause: str
    cure: str


_TABLE = (
    Reason(
        code="no_meter",
        cause="No meter answers for this boundary, so its joules are unknown.",
        cure="Run `python -m suite doctor`: it names each meter that is missing and what would bring it back.",
    ),
    Reason(
        code="estimate",
        cause="No counter answers; the range comes from published watts per virtual CPU and the CPU's utilisation.",
        cure="Run on a machine whose RAPL counters or GPU can be read. Estimates are shown apart and never ranked.",
    ),
    Reason(
        code="window_short",
        cause="The window is shorter than 100 update periods of a meter: the counter's steps would show.",
        cure="Give a larger --budget, so that each window may be longer.",
    ),
    Reason(
        code="trace_gap",
        cause="The meter was not read for more than a second around an edge of the window.",
        cure="Run again on a machine that does nothing else; the sampler was starved or the meter stopped answering.",
    ),
    Reason(
        code="counter_fell",
        cause="An energy counter fell for another reason than its wrap (driver reload, suspend, hot plug).",
        cure="Run again without suspending the machine or reloading drivers.",
    ),
    Reason(
        code="methods_disagree",
        cause="The energy counter and the integrated power of the same domain differ by more than 5 %.",
        cure="Use a larger --budget for longer windows; if it stays, treat this row with care.",
    ),
    Reason(
        code="calibration_unknown",
        cause="The maker states no accuracy for this counter, so the interval holds repeats and edges only.",
        cure="Compare with a wall meter if the absolute scale matters.",
    ),
    Reason(
        code="dram_missing",
        cause="The CPU's packages have a counter but its memory has none, so memory energy is not in the number.",
        cure="None on this machine: many CPUs count no DRAM energy. The row is flagged.",
    ),
    Reason(
        code="rapl_absent",
        cause="This machine shows no RAPL energy counters (a virtual machine, a container, or a CPU without them).",
        cure="Run on the bare machine, or load the driver: sudo modprobe intel_rapl_msr.",
    ),
    Reason(
        code="rapl_permission_denied",
        cause="RAPL counters are there but this user may not read them.",
        cure="sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj (until the next boot).",
    ),
    Reason(
        code="mig_enabled",
        cause="The GPU is split by MIG; its power and energy exist for the whole board only.",
        cure="Run on a GPU without MIG instances.",
    ),
    Reason(
        code="nvml_absent",
        cause="No NVIDIA driver library answers.",
        cure="Install the NVIDIA driver, or pass it into the container (--gpus all).",
    ),
    Reason(
        code="no_framework",
        cause="Neither torch nor JAX is installed for this hardware.",
        cure='python -m pip install -c constraints.txt -e ".[torch,jax]"',
    ),
    Reason(
        code="no_device",
        cause="No such device is attached to this machine.",
        cure="Run where it is, or choose another --backend; `python -m suite doctor` lists what is here.",
    ),
    Reason(
        code="gpu_order_unknown",
        cause="CUDA_VISIBLE_DEVICES numbers unlike GPUs in an order that only CUDA knows: the meter might err.",
        cure="export CUDA_DEVICE_ORDER=PCI_BUS_ID, or name GPUs by their UUID.",
    ),
    Reason(
        code="tpu_no_meter",
        cause="TPUs have no public energy counter; joules stay unknown and only time is shown.",
        cure="None today for joules; rates are still comparable.",
    ),
)

REASONS: dict[str, Reason] = {reason.code: reason for reason in _TABLE}
