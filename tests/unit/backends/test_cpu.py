"""The cpu backend: what it says of the processor, and that its runtimes wait for their work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from backends import frameworks, host
from backends.cpu import CpuBackend
from backends.memory import process_peak_bytes

INTEL = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon 8480\nmicrocode\t: 0x2b\nflags\t\t: fpu {flag}\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd {flag}\nCPU implementer\t: 0x41\n\nprocessor\t: 1\n"


@pytest.fixture
def cpuinfo(tmp_path: Path) -> Path:
    return tmp_path / "cpuinfo"


@pytest.mark.parametrize(
    ("text", "flag", "precisions"),
    [
        (INTEL, "avx512_bf16", ("bf16", "fp32")),
        (INTEL, "amx_bf16", ("bf16", "fp32")),
        (INTEL, "avx512f", ("fp32",)),
        (ARM, "bf16", ("bf16", "fp32")),
        (ARM, "sve", ("fp32",)),
    ],
)
def test_torch_takes_bf16_where_the_cpu_multiplies_it(
    cpuinfo: Path, text: str, flag: str, precisions: tuple[str, ...]
) -> None:
    cpuinfo.write_text(text.format(flag=flag))
    supports = {support.framework: support for support in CpuBackend(cpuinfo=cpuinfo).frameworks()}
    assert supports["torch"].precisions == precisions
    assert supports["jax"].precisions == ("fp32", "bf16")
    assert supports["jax"].compiled


def test_the_device_is_the_processor_by_its_makers_name(cpuinfo: Path) -> None:
    cpuinfo.write_text(INTEL.format(flag=""))
    backend = CpuBackend(cpuinfo=cpuinfo)
    (device,) = backend.devices()
    assert device.name == "Xeon 8480"
    assert device.memory_bytes is not None
    assert device.memory_bytes > 2**28
    assert backend.describe()["microcode"] == "0x2b"


@pytest.mark.parametrize("text", [ARM.format(flag=""), None])
def test_a_processor_without_a_model_name_has_the_architectures(cpuinfo: Path, text: str | None) -> None:
    if text is not None:
        cpuinfo.write_text(text)
    processor = host.processor(cpuinfo)
    assert processor.name
    assert processor.vendor is None


def test_of_several_processors_the_first_is_described(cpuinfo: Path) -> None:
    cpuinfo.write_text("model name : fast\nflags : a\n\nmodel name : small\nflags : b\n")
    processor = host.processor(cpuinfo)
    assert (processor.name, processor.features) == ("fast", frozenset("a"))


def test_the_governor_is_read_where_there_is_one(tmp_path: Path) -> None:
    assert host.governor(tmp_path / "none") is None
    (tmp_path / "governor").write_text("performance\n")
    assert host.governor(tmp_path / "governor") == "performance"


def test_without_counters_the_range_is_labelled_and_the_reason_given(tmp_path: Path) -> None:
    metering = CpuBackend(powercap=tmp_path).meters(0)
    assert [(meter.description.method, meter.description.bound) for meter in metering.meters] == [
        ("estimate", "low"),
        ("estimate", "high"),
    ]
    assert [one.code for one in metering.missing] == ["rapl_absent"]


def test_with_a_counter_there_is_no_estimate(tmp_path: Path) -> None:
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    for name, text in (("name", "package-0"), ("energy_uj", "5"), ("max_energy_range_uj", "262143328850")):
        (zone / name).write_text(f"{text}\n")
    metering = CpuBackend(powercap=tmp_path).meters(0)
    assert [meter.description.domain for meter in metering.meters] == ["package-0"]
    assert [one.code for one in metering.missing] == ["dram_missing"]


def test_the_compiler_is_the_named_one_then_gcc_then_clang(tmp_path: Path) -> None:
    def make(name: str) -> str:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        return str(tmp_path / name)

    path = {"PATH": str(tmp_path)}
    assert frameworks.cxx_compiler(path) is None
    assert frameworks.c_compiler(path) is None
    clang = make("clang++")
    assert frameworks.cxx_compiler(path) == clang
    gcc = make("g++")
    assert frameworks.cxx_compiler(path) == gcc
    assert frameworks.cxx_compiler(path | {"CXX": "clang++"}) == clang
    assert frameworks.cxx_compiler(path | {"CXX": "absent++"}) == gcc


def test_without_a_compiler_torch_runs_eagerly_and_says_why(
    cpuinfo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo.write_text(INTEL.format(flag="amx_bf16"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    (torch,) = (support for support in CpuBackend(cpuinfo=cpuinfo).frameworks() if support.framework == "torch")
    assert (torch.compiled, torch.note) == (False, "no C++ compiler: runs eagerly")


def test_pythons_headers_are_looked_for(tmp_path: Path) -> None:
    assert not frameworks.python_headers(tmp_path)
    (tmp_path / "Python.h").touch()
    assert frameworks.python_headers(tmp_path)


@pytest.mark.parametrize(
    ("text", "cuda"),
    [
        ("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n", "12.8"),
        ('cuda = "13.0"\n', "13.0"),
        ("__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\n", None),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '7.0'\n", None),
    ],
)
def test_what_torch_was_built_for_stands_in_its_version_file(text: str, cuda: str | None) -> None:
    assert frameworks.cuda_in(text) == cuda


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert frameworks.installed("joulemark-has-no-such-package") is None


def test_after_synchronising_jax_has_done_its_work() -> None:
    import jax

    runtime: Any = CpuBackend().attach("jax", 0)
    square = jax.jit(lambda x: x @ x @ x @ x)
    x = jax.device_put(jax.numpy.ones((1500, 1500)), runtime.device)
    results = [square(x) for _ in range(3)]
    runtime.synchronize()
    assert all(result.is_ready() for result in results)


def test_torch_is_opened_on_the_cpu_with_the_compiler_that_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "")  # so that it is put back as it was, even if it was not there
    monkeypatch.delenv("CXX")
    runtime = CpuBackend().attach("torch", 0)
    runtime.synchronize()
    assert runtime.device.type == "cpu"
    assert os.environ.get("CXX") == frameworks.cxx_compiler()


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_peak_memory_is_the_processs_and_holds_what_was_allocated(framework: str) -> None:
    runtime = CpuBackend().attach(framework, 0)
    block = bytearray(b"\1") * 2**27
    peak = runtime.peak_memory_bytes()
    assert peak is not None
    assert peak >= len(block)
    assert peak == pytest.approx(process_peak_bytes(), abs=2**20)
