"""The machines that do not exist: what each is, what meters it, how fast it is, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import record
from suite.trace import Boundary, Meter, Method, Scope

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Domain:
    """One metered part: what it draws with nothing to do and under full load."""

    meter: Meter
    idle_w: float
    busy_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """An invented machine: what it says of itself, what meters it, how fast it is."""

    name: str
    cpu: str
    cores: int
    memory_gib: int
    backend: str
    frameworks: tuple[str, ...]
    precision: str
    flops_per_s: float
    bytes_per_s: float  # both as models reach them
    launch_s: float = 0.0  # lost with each of a step's launches
    calibrated: bool = True
    domains: tuple[Domain, ...] = ()
    accelerator: str | None = None
    accelerator_gib: int | None = None
    virtual: bool = False
    sizes: tuple[str, ...] = ("s",)
    missing: str | None = None

    @property
    def slug(self) -> str:
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.name.lower()).split())


def domain(
    name: str, boundary: Boundary, watts: tuple[float, float], method: Method = "counter", source: str = "powercap",
    *, period_s: float = 0.001, calibration: float | None = 0.02, check: bool = False, bound: Any = None,
    step_uj: int | None = 61, scope: Scope | None = None,
) -> Domain:  # fmt: skip
    meter = Meter(
        domain=name, boundary=boundary, method=method, source=source, bound=bound, check=check,
        calibration=calibration, note=None, update_period_s=period_s, tick_width_s=min(period_s, 0.004),
        resolution_uj=step_uj if method == "counter" else None, scope=scope,
    )  # fmt: skip
    return Domain(meter, *watts)


def gpu(idle_w: float, busy_w: float, *, apart: float = 0.012, scope: Scope = "gpu") -> tuple[Domain, ...]:
    """A board with an energy counter and, as second opinion, its integrated power, that much above it."""
    watts, second = (idle_w, busy_w), (idle_w, busy_w * (1 + apart))
    return (
        domain("gpu0", "device", watts, source="nvml.total_energy", period_s=0.1, calibration=0.05, step_uj=1000,
               scope=scope),
        domain("gpu0", "device", second, "integrated", "nvml.power", period_s=0.1, calibration=0.05, check=True,
               scope=scope),
    )  # fmt: skip


def host(idle_w: float, busy_w: float, *, dram: bool = True) -> tuple[Domain, ...]:
    package = domain("package-0", "machine", (idle_w, busy_w))
    return (package, domain("dram-0", "machine", (4.0, 9.0))) if dram else (package,)


BOTH = ("torch", "jax")
MACHINES = (
    Machine(
        name="Example H100 server", cpu="Example Xeon 8480C", cores=56, memory_gib=512, backend="cuda", frameworks=BOTH,
        precision="bf16", flops_per_s=1.9e14, bytes_per_s=2.4e12, accelerator="Example H100 80GB", accelerator_gib=80,
        domains=gpu(72, 545) + host(64, 118), sizes=("s", "m"), launch_s=4e-6,
    ),
    Machine(
        name="Example Xeon server, two sockets", cpu="Example Xeon Gold 6430", cores=64, memory_gib=256, backend="cpu",
        frameworks=BOTH, precision="bf16", flops_per_s=6.1e12, bytes_per_s=3.1e11,
        domains=tuple(
            domain(f"{part}-{number}", "device", watts)
            for number in (0, 1) for part, watts in (("package", (58.0, 262.0)), ("dram", (9.0, 27.0)))
        ),
    ),
    Machine(
        name="Example TPU v5e host", cpu="Example EPYC 7B13", cores=112, memory_gib=192, backend="tpu",
        frameworks=("jax",), precision="bf16", flops_per_s=7.4e13, bytes_per_s=6.5e11, accelerator="Example TPU v5e",
        accelerator_gib=16, sizes=("s", "m"), missing="tpu_no_meter",
    ),
    Machine(
        name="Example A100 server", cpu="Example EPYC 7742", cores=64, memory_gib=512, backend="cuda", frameworks=BOTH,
        precision="bf16", flops_per_s=1.05e14, bytes_per_s=1.5e12, accelerator="Example A100 80GB", accelerator_gib=80,
        domains=gpu(55, 338) + host(71, 129, dram=False), sizes=("s", "m"), launch_s=5e-6,
    ),
    Machine(
        name="Example virtual machine, 4 cores", cpu="Example EPYC processor", cores=4, memory_gib=24, backend="cpu",
        frameworks=BOTH, precision="bf16", flops_per_s=2.9e11, bytes_per_s=1.8e10, virtual=True,
        domains=(
            domain("cpu", "device", (2.1, 6.2), "estimate", "watts per core", period_s=0.1, bound="low"),
            domain("cpu", "device", (4.6, 18.4), "estimate", "watts per core", period_s=0.1, bound="high"),
        ), missing="rapl_absent",
    ),
    Machine(
        name="Example desktop, Ryzen 7950X", cpu="Example Ryzen 9 7950X", cores=16, memory_gib=64, backend="cpu",
        frameworks=("torch",), precision="bf16", flops_per_s=1.4e12, bytes_per_s=6.4e10,
        domains=(domain("package-0", "device", (29, 171), calibration=None),), calibrated=False,
    ),
    Machine(
        name="Example RTX 4090 workstation", cpu="Example Core i9-14900K", cores=24, memory_gib=128, backend="cuda",
        frameworks=BOTH, precision="bf16", flops_per_s=8.6e13, bytes_per_s=8.2e11, accelerator="Example RTX 4090",
        accelerator_gib=24, domains=gpu(19, 371, apart=0.064) + host(22, 74), sizes=("s", "m"), launch_s=5e-6,
    ),
    Machine(
        name="Example simulated machine", cpu="Example EPYC processor", cores=4, memory_gib=24, backend="simulated",
        frameworks=("torch",), precision="fp32", flops_per_s=2.2e11, bytes_per_s=1.8e10,
        domains=(domain("simulated0", "device", (20, 100), "simulated", "known power", calibration=0.0),),
    ),
    Machine(
        name="Example laptop, Core Ultra 7", cpu="Example Core Ultra 7 155H", cores=16, memory_gib=32, backend="cpu",
        frameworks=BOTH, precision="fp32", flops_per_s=5.2e11, bytes_per_s=7.0e10,
        domains=(domain("package-0", "device", (4.2, 41)), domain("dram-0", "device", (0.8, 2.6))),
    ),
    Machine(
        name="Example L4 node", cpu="Example Xeon 8481C", cores=8, memory_gib=32, backend="cuda", frameworks=("torch",),
        precision="bf16", flops_per_s=3.1e13, bytes_per_s=2.6e11, accelerator="Example L4", accelerator_gib=24,
        domains=gpu(16, 70.4), sizes=("s", "m"), launch_s=6e-6,
    ),
)  # fmt: skip


def system(machine: Machine) -> record.System:
    memory_bytes = None if machine.accelerator_gib is None else machine.accelerator_gib * GIB
    names = (machine.accelerator,) if machine.accelerator else ()
    found = tuple(record.Accelerator(name=name, memory_bytes=memory_bytes) for name in names)
    return record.System(
        slug=machine.slug, name=machine.name, cpu=machine.cpu, physical_cores=machine.cores,
        logical_cores=2 * machine.cores, memory_bytes=machine.memory_gib * GIB,
        accelerators=found, virtual=machine.virtual,
        governor=None if machine.virtual else "performance",
    )  # fmt: skip


def software(machine: Machine) -> record.Software:
    versions = {"torch": "2.13.0", "jax": "0.10.2", "numpy": "2.4.1"}
    packages = {name: versions[name] for name in (*machine.frameworks, "numpy")}
    return record.Software(
        joulemark="0.1.0", commit="3f1c9ab", modified=False, python="3.12.4", system="Linux 6.8.0", packages=packages,
        drivers={"nvidia": "570.86.15", "cuda": "12.8"} if machine.backend == "cuda" else {},
    )  # fmt: skip


def missing(machine: Machine) -> tuple[record.MissingMeter, ...]:
    if machine.missing is None:
        return ()
    return (record.MissingMeter(code=machine.missing, reason="No counter answered.", cure="Run on the bare machine."),)
