"""Codes that say which meter there is, which there is not, and what a meter's word is worth."""

from __future__ import annotations

from suite.reasons.base import Reason

TABLE = (
    Reason(
        code="no_meter",
        policy="invalidate",
        cause="No meter answers for this boundary, so its joules are unknown.",
        cure="Run `python -m suite doctor`: it names each meter that is missing and what would bring it back.",
    ),
    Reason(
        code="estimate",
        policy="warn",
        cause="No counter answers; the range comes from published watts per virtual CPU and the CPU's utilisation.",
        cure="Run on a machine whose RAPL counters or GPU can be read. Estimates are shown apart and never ranked.",
    ),
    Reason(
        code="calibration_unknown",
        policy="record",
        cause="The maker states no accuracy for this counter, so the interval holds repeats, steps and edges only.",
        cure="Compare with a wall meter (--meter) if the absolute scale matters.",
    ),
    Reason(
        code="methods_disagree",
        policy="warn",
        cause="The energy counter and the integrated power of the same domain differ by more than 5 %.",
        cure="Use a larger --budget for longer windows; if it stays, treat this row with care.",
    ),
    Reason(
        code="power_integrated",
        policy="record",
        cause="This meter has no energy counter: its power is sampled and integrated; what lies between is not seen.",
        cure="None for this device; a larger --budget gives longer windows, over which the samples average out.",
    ),
    Reason(
        code="module_scope",
        policy="warn",
        cause="The GPU's counter covers the whole module, the CPU on it included; other GPUs' counters do not.",
        cure="None on this module. Do not compare the row with boards that count the GPU alone.",
    ),
    Reason(
        code="dram_missing",
        policy="warn",
        cause="The CPU's packages have a counter but its memory, or a part of it, has none: it is not in the number.",
        cure="None on this machine: many CPUs count no DRAM energy. The row is flagged.",
    ),
    Reason(
        code="rapl_absent",
        policy="record",
        cause="This machine shows no RAPL energy counters (a virtual machine, a container, or a CPU without them).",
        cure="Run on the bare machine, or load the driver: sudo modprobe intel_rapl_msr.",
    ),
    Reason(
        code="rapl_permission_denied",
        policy="record",
        cause="RAPL counters are there but this user may not read all. One package refused, and none is counted.",
        cure="Until the next boot: sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj. For good: "
        "sudo groupadd -f rapl && sudo usermod -aG rapl $USER && "
        "sudo cp docs/70-joulemark-rapl.rules /etc/udev/rules.d/ && sudo udevadm control --reload && "
        "sudo udevadm trigger --subsystem-match=powercap, then log in again.",
    ),
    Reason(
        code="rapl_unreadable",
        policy="record",
        cause="A RAPL zone does not give its counter, name or range. One such package, and none is counted.",
        cure="Look into the kernel's log: sudo dmesg | grep -i rapl",
    ),
    Reason(
        code="mig_enabled",
        policy="record",
        cause="The GPU is split by MIG; its power and energy exist for the whole board only.",
        cure="Run on a GPU without MIG instances.",
    ),
    Reason(
        code="nvml_absent",
        policy="record",
        cause="No NVIDIA driver library answers.",
        cure="Install the NVIDIA driver, or pass it into the container (--gpus all).",
    ),
    Reason(
        code="gpu_order_unknown",
        policy="record",
        cause="CUDA_VISIBLE_DEVICES numbers unlike GPUs in an order that only CUDA knows: the meter might err.",
        cure="export CUDA_DEVICE_ORDER=PCI_BUS_ID, or name GPUs by their UUID.",
    ),
    Reason(
        code="no_framework",
        policy="record",
        cause="Neither torch nor JAX is installed for this hardware.",
        cure='python -m pip install -c constraints.txt -e ".[torch,jax]"',
    ),
    Reason(
        code="no_device",
        policy="record",
        cause="No such device is attached to this machine.",
        cure="Run where it is, or choose another --backend; `python -m suite doctor` lists what is here.",
    ),
    Reason(
        code="log_refused",
        policy="record",
        cause="The file of a --meter csv: could not be read, so nothing of it is in the result.",
        cure="The reason names file and line; see docs/meters.md for what the file must hold.",
    ),
    Reason(
        code="rails_absent",
        policy="invalidate",
        cause="The profiler showed no power rails of the chip for this window.",
        cure='None on TPU v5 and older; else python -m pip install -U "jax[tpu]".',
    ),
    Reason(
        code="rails_sampled",
        policy="record",
        cause="The rails' power was sampled for 2 s of the same steps before each window and taken for the window's.",
        cure="None: profiling the window itself would slow the work down.",
    ),
    Reason(
        code="wall_unreachable",
        policy="record",
        cause="The wall meter did not answer, or gave no power.",
        cure="curl 'http://HOST/rpc/Switch.GetStatus?id=0' (Shelly), curl 'http://HOST/cm?cmnd=Status%208' (Tasmota)",
    ),
    Reason(
        code="amd_absent",
        policy="record",
        cause="amdsmi, ROCm, the driver or that AMD GPU is not there.",
        cure="python -m pip install amdsmi; amd-smi list",
    ),
    Reason(
        code="amd_no_counter",
        policy="record",
        cause="The AMD GPU gives neither energy nor power: a card's second die, a guest, or an old ROCm.",
        cure="Name the card's first die, --meter amd:N with N even; in a guest there is none.",
    ),
    Reason(
        code="apple_absent",
        policy="record",
        cause="zeus-apple-silicon is missing or shows no CPU energy.",
        cure="python -m pip install --upgrade zeus-apple-silicon",
    ),
    Reason(
        code="apple_two_dies",
        policy="record",
        cause="On an Ultra chip the library counts the CPU of one die only.",
        cure="None for the chip's own counters; a wall meter helps: --meter shelly:HOST",
    ),
    Reason(
        code="apple_rail_missing",
        policy="warn",
        cause="Apple's power model does not show one part of the chip; its energy is not in the number.",
        cure="None on this chip.",
    ),
    Reason(
        code="hwmon_absent",
        policy="record",
        cause="No Intel GPU shows an energy counter.",
        cure="grep . /sys/class/hwmon/hwmon*/name shows what there is; i915 or xe is needed.",
    ),
    Reason(
        code="hwmon_permission_denied",
        policy="record",
        cause="An Intel GPU's energy counter is there but this user may not read it.",
        cure="sudo chmod a+r /sys/class/hwmon/hwmon*/energy*_input",
    ),
    Reason(
        code="jetson_absent",
        policy="record",
        cause="No INA3221 channel VDD_IN is there: this is no Jetson, or its driver is not loaded.",
        cure="grep . /sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in*_label",
    ),
    Reason(
        code="tpu_no_meter",
        policy="record",
        cause="TPUs have no public energy counter, and this libtpu cannot record the power of their rails.",
        cure='python -m pip install -U "jax[tpu]"',
    ),
)
