"""The cuda backend on the fake driver, with frameworks that are installed by their metadata alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backends.base import BackendUnavailable
from backends.cuda import CudaBackend
from backends.meters.base import Gauge, Meter, MeterLost

CHECKOUT = Path(__file__).parents[3]


def install(site: Path, name: str, version: str) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def with_jax_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in (("jax-cuda13-plugin", "0.10.2"), ("jax", "0.10.2")):
        install(tmp_path / "site", name, version)
    monkeypatch.syspath_prepend(tmp_path / "site")


@pytest.fixture
def backend(driver: Any, with_jax_plugin: None, tmp_path: Path) -> CudaBackend:
    return CudaBackend(environ={}, powercap=tmp_path / "no-powercap")


def test_the_devices_are_the_boards(driver: Any, backend: CudaBackend) -> None:
    driver.set(gpu1_name="Fake RTX")
    assert [(one.index, one.name, one.memory_bytes) for one in backend.devices()] == [
        (0, "Fake H100", 80 * 2**30),
        (1, "Fake RTX", 80 * 2**30),
    ]


def test_bf16_comes_first_where_every_board_multiplies_it(driver: Any, backend: CudaBackend) -> None:
    assert {support.framework: support.precisions for support in backend.frameworks()}["jax"] == ("bf16", "fp32")
    driver.set(gpu1_capability=75)
    assert {support.framework: support.precisions for support in backend.frameworks()}["jax"] == ("fp32",)


def test_the_gpu_is_metered_beside_a_host_without_counters(backend: CudaBackend) -> None:
    metering = backend.meters(1)
    assert {meter.description.domain for meter in metering.meters} == {"gpu1"}
    assert {meter.description.boundary for meter in metering.meters} == {"device"}
    assert [one.code for one in metering.missing] == ["rapl_absent"]


def test_the_hosts_counters_belong_to_the_machine(driver: Any, with_jax_plugin: None, powercap: Any) -> None:
    powercap.zone("0", "package-0", 5_000_000)
    backend = CudaBackend(environ={}, powercap=powercap.root)
    boundaries = {meter.description.domain: meter.description.boundary for meter in backend.meters(0).meters}
    assert boundaries == {"gpu0": "device", "package-0": "machine"}


def test_the_meters_follow_the_visible_devices(driver: Any, with_jax_plugin: None, tmp_path: Path) -> None:
    driver.set(gpu0_power_mw=100_000, gpu1_power_mw=200_000)
    backend = CudaBackend(environ={"CUDA_VISIBLE_DEVICES": "1"}, powercap=tmp_path / "none")
    meter = backend.meters(0).meters[0]
    start_uj = meter.read().energy_uj
    driver.set(now_ms=1_000)
    assert meter.read().energy_uj - start_uj == 200_000_000


def test_every_board_has_a_gauge_also_one_without_meters(driver: Any, backend: CudaBackend) -> None:
    driver.set(gpu0_mig=1, gpu1_energy_return=3, gpu1_field_return=3)
    for index in (0, 1):
        metering = backend.meters(index)
        assert metering.meters == ()
        assert [gauge.domain for gauge in metering.gauges] == [f"gpu{index}"]
        assert metering.gauges[0].read()["temperature_c"] == 45


def test_meters_and_gauges_follow_the_order_of_the_visible_devices(
    driver: Any, with_jax_plugin: None, tmp_path: Path
) -> None:
    driver.set(count=3, **{f"gpu{index}_temperature": 50 + index for index in range(3)})
    driver.set(**{f"gpu{index}_power_mw": 100_000 * (index + 1) for index in range(3)})
    backend = CudaBackend(environ={"CUDA_VISIBLE_DEVICES": "2,0"}, powercap=tmp_path / "none")
    for index, truth in enumerate((2, 0)):
        metering = backend.meters(index)
        assert metering.meters[1].read().power_w == 100 * (truth + 1)
        assert metering.gauges[0].read()["temperature_c"] == 50 + truth


@pytest.mark.fault("fewer GPUs than when they were listed", "no_device")
def test_a_board_that_is_no_longer_listed_is_named(driver: Any, backend: CudaBackend) -> None:
    assert len(backend.devices()) == 2
    driver.set(count=1)
    with pytest.raises(BackendUnavailable, match="GPU 1 is gone") as caught:
        backend.meters(1)
    assert caught.value.missing.code == "no_device"


@pytest.mark.fault("GPU unplugged while it is metered", "meter_lost")
def test_a_board_unplugged_meanwhile_is_lost_and_the_other_counts_on(driver: Any, backend: CudaBackend) -> None:
    first, second = backend.meters(0), backend.meters(1)
    driver.set(count=1)
    readers: list[Meter | Gauge] = [*second.meters, *second.gauges]
    for reader in readers:
        with pytest.raises(MeterLost):
            reader.read()
    assert [one.read().energy_uj for one in first.meters] == [0, pytest.approx(0, abs=1e9)]


@pytest.mark.fault("more GPUs than when they were listed", "right joules")
def test_a_board_that_appears_meanwhile_changes_nothing(driver: Any, backend: CudaBackend) -> None:
    meter = backend.meters(1).meters[0]
    before = meter.read()
    driver.set(count=3, now_ms=1_000)
    assert meter.read().energy_uj - before.energy_uj == 300_000_000


def test_the_driver_is_described(backend: CudaBackend) -> None:
    facts = backend.describe()
    assert facts["nvidia driver"] == "580.01"
    assert facts["cuda driver"] == "13.1"
    assert facts["jax cuda"] == "jax-cuda13-plugin 0.10.2"


@pytest.mark.fault("CUDA_VISIBLE_DEVICES that hides every GPU", "no_device")
def test_no_visible_board_is_no_gpu(driver: Any) -> None:
    with pytest.raises(BackendUnavailable, match="CUDA_VISIBLE_DEVICES"):
        CudaBackend(environ={"CUDA_VISIBLE_DEVICES": ""}).devices()


def child(code: str, *, path: list[Path], library: Path, scenario: Path) -> str:
    """What `code` prints in a Python that has the given folders to import from, and nothing else."""
    environ = {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "LD_LIBRARY_PATH": str(library.parent),
        "FAKE_NVML_SCENARIO": str(scenario),
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run([sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=True)
    return done.stdout


DOCTOR = """
from backends.base import BackendUnavailable
from backends.cuda import CudaBackend
try:
    print(*(device.name for device in CudaBackend().devices()))
except BackendUnavailable as error:
    print(error.missing.code, error)
"""


@pytest.mark.fault("GPU without a framework", "no_framework")
def test_a_gpu_without_a_framework_names_what_to_install(nvml_library: Path, tmp_path: Path) -> None:
    import pynvml

    (tmp_path / "pynvml.py").symlink_to(pynvml.__file__)
    said = child(DOCTOR, path=[CHECKOUT, tmp_path], library=nvml_library, scenario=tmp_path / "none")
    assert said.startswith("no_framework ")
    assert "pip install" in said


@pytest.fixture
def with_cuda_torch(tmp_path: Path) -> Path:
    """A folder to import from that holds nvidia-ml-py and what torch for CUDA leaves on a disk."""
    import pynvml

    (tmp_path / "pynvml.py").symlink_to(pynvml.__file__)
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("raise SystemExit('torch was imported')\n")
    (tmp_path / "torch/version.py").write_text("cuda: Optional[str] = '12.8'\n")
    install(tmp_path, "torch", "2.11.0")
    return tmp_path


def test_torch_built_for_cuda_is_found_without_importing_it(nvml_library: Path, with_cuda_torch: Path) -> None:
    site = with_cuda_torch
    assert child(DOCTOR, path=[CHECKOUT, site], library=nvml_library, scenario=site / "none") == "Fake H100 Fake H100\n"


@pytest.mark.parametrize(("triton", "note"), [(False, "no Triton"), (True, "no C compiler")])
def test_torch_that_cannot_compile_runs_eagerly_and_says_why(
    nvml_library: Path, with_cuda_torch: Path, triton: bool, note: str
) -> None:
    site = with_cuda_torch
    if triton:
        install(site, "triton", "3.6.0")
    code = """
import os
os.environ.update(PATH="/nowhere", CC="")
from backends.cuda import CudaBackend
(support,) = CudaBackend().frameworks()
print(support.framework, support.version, support.precisions[0], support.compiled, support.note)
"""
    said = child(code, path=[CHECKOUT, site], library=nvml_library, scenario=site / "none")
    assert said == f"torch 2.11.0 bf16 False {note}: runs eagerly\n"


@pytest.mark.fault("NVML library that is no library", "nvml_absent")
def test_a_broken_library_is_no_driver(tmp_path: Path) -> None:
    import pynvml

    (tmp_path / "pynvml.py").symlink_to(pynvml.__file__)
    (tmp_path / "libnvidia-ml.so.1").write_text("an update was cut short\n")
    library = tmp_path / "libnvidia-ml.so.1"
    said = child(DOCTOR, path=[CHECKOUT, tmp_path], library=library, scenario=tmp_path / "none")
    assert said.startswith("nvml_absent No NVIDIA driver answers (NVML Shared Library Not Found)")


@pytest.mark.fault("abandoned package in the place of nvidia-ml-py", "nvml_absent")
def test_the_abandoned_pynvml_is_refused_with_the_cure(nvml_library: Path, tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text("def nvmlInit(): pass\n")
    said = child(DOCTOR, path=[CHECKOUT, tmp_path], library=nvml_library, scenario=tmp_path / "none")
    assert said.startswith("nvml_absent ")
    assert "nvidia-ml-py" in said


@pytest.mark.fault("nvidia-ml-py not installed", "nvml_absent")
def test_a_machine_without_the_binding_says_so(nvml_library: Path, tmp_path: Path) -> None:
    said = child(DOCTOR, path=[CHECKOUT], library=nvml_library, scenario=tmp_path / "none")
    assert said.startswith("nvml_absent ")
    assert "nvidia-ml-py" in said
