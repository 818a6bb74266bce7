"""The tpu backend on trees that look like a TPU machine; its JAX path on JAX's CPU platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backends.base import BackendUnavailable
from backends.tpu import TpuBackend, attached_chips


def machine(root: Path, *, chip: str | None, nodes: tuple[str, ...], maker: str = "0x1ae0") -> Path:
    for index in range(sum(node[-1].isdigit() for node in nodes) if chip else 0):
        device = root / f"sys/bus/pci/devices/0000:00:0{index}.0"
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{maker}\n")
        (device / "device").write_text(f"{chip}\n")
    for node in nodes:
        (root / "dev" / node).parent.mkdir(parents=True, exist_ok=True)
        (root / "dev" / node).touch()
    return root


def on_the_cpu(root: Path) -> TpuBackend:
    return TpuBackend(platform="cpu", root=root, runtime="jaxlib", powercap=root / "no-powercap")


@pytest.mark.parametrize(
    ("chip", "nodes", "chips"),
    [
        ("0x005e", ("accel0", "accel1"), ("TPU v4",) * 2),
        ("0x006f", ("vfio/vfio", "vfio/0", "vfio/1", "vfio/2"), ("TPU v6e",) * 3),
        (None, ("accel0",), ("TPU",)),
        (None, ("vfio/vfio", "vfio/7"), ()),
        ("0xbeef", ("vfio/0",), ()),
        ("0x0063", ("vfio/vfio",), ()),
        (None, (), ()),
    ],
)
def test_chips_are_what_may_be_opened(
    tmp_path: Path, chip: str | None, nodes: tuple[str, ...], chips: tuple[str, ...]
) -> None:
    assert attached_chips(machine(tmp_path, chip=chip, nodes=nodes)) == chips


def test_another_makers_device_behind_vfio_is_no_tpu(tmp_path: Path) -> None:
    assert attached_chips(machine(tmp_path, chip="0x0063", nodes=("vfio/0",), maker="0x10de")) == ()


def test_without_a_chip_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(BackendUnavailable, match="No TPU is attached"):
        on_the_cpu(tmp_path).devices()


def test_a_chip_without_its_runtime_names_what_to_install(tmp_path: Path) -> None:
    root = machine(tmp_path, chip=None, nodes=("accel0",))
    with pytest.raises(BackendUnavailable, match=r"pip install .*tpu"):
        TpuBackend(root=root, runtime="joulemark-has-no-such-package").devices()


def test_its_devices_are_its_chips_in_the_precision_it_was_made_for(tmp_path: Path) -> None:
    backend = on_the_cpu(machine(tmp_path, chip="0x0063", nodes=("accel0",)))
    assert [(device.index, device.name) for device in backend.devices()] == [(0, "TPU v5e")]
    (support,) = backend.frameworks()
    assert (support.framework, support.precisions) == ("jax", ("bf16", "fp32"))
    assert list(backend.describe()) == ["jaxlib"]


def of_libtpu(root: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> TpuBackend:
    """A machine on which this libtpu is installed, as far as pip's records say."""
    record = root / f"packages/libtpu-{version}.dist-info/METADATA"
    record.parent.mkdir(parents=True)
    record.write_text(f"Metadata-Version: 2.1\nName: libtpu\nVersion: {version}\n")
    monkeypatch.syspath_prepend(str(record.parents[1]))
    return TpuBackend(root=root, powercap=root / "no-powercap")


@pytest.mark.parametrize("version", ["0.0.30", "0.0.44.1", "0.0.51", "0.0.52.dev20261101+nightly", "0.1"])
def test_a_libtpu_that_records_rails_promises_core_and_hbm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    metering = of_libtpu(tmp_path, version, monkeypatch).meters(2)
    assert [one.domain for one in metering.rails] == ["tpu2-core", "tpu2-hbm"]
    assert {(one.boundary, one.method, one.source, one.calibration) for one in metering.rails} == {
        ("device", "rails", "xprof", None)
    }
    assert metering.meters == ()
    assert [one.code for one in metering.missing] == ["rapl_absent"]


@pytest.mark.fault("libtpu too old to record rail power", "tpu_no_meter")
@pytest.mark.parametrize("version", ["0.0.17", "0.0.21", "0.0.29.9"])
def test_an_older_libtpu_leaves_joules_unknown_and_says_what_to_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    metering = of_libtpu(tmp_path, version, monkeypatch).meters(0)
    assert metering.rails == ()
    assert [one.code for one in metering.missing] == ["tpu_no_meter", "rapl_absent"]
    assert "jax[tpu]" in metering.missing[0].cure


@pytest.mark.fault("no libtpu installed", "tpu_no_meter")
def test_without_libtpu_joules_stay_unknown(tmp_path: Path) -> None:
    backend = TpuBackend(root=tmp_path, runtime="joulemark-has-no-such-package", powercap=tmp_path / "no-powercap")
    assert [one.code for one in backend.meters(0).missing] == ["tpu_no_meter", "rapl_absent"]


def test_the_hosts_counters_are_never_the_chips(tmp_path: Path) -> None:
    zone = tmp_path / "no-powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in (("name", "package-0"), ("energy_uj", "5"), ("max_energy_range_uj", "262143328850")):
        (zone / name).write_text(f"{text}\n")
    metering = on_the_cpu(tmp_path).meters(0)
    assert [meter.description.boundary for meter in metering.meters] == ["machine"]
    assert {one.boundary for one in metering.rails} == {"device"}


def test_its_runtime_waits_for_its_work(tmp_path: Path) -> None:
    import jax

    runtime: Any = on_the_cpu(tmp_path).attach("jax", 0)
    square = jax.jit(lambda x: x @ x @ x @ x)
    x = jax.device_put(jax.numpy.ones((1500, 1500)), runtime.device)
    results = [square(x) for _ in range(3)]
    runtime.synchronize()
    assert all(result.is_ready() for result in results)
    assert runtime.peak_memory_bytes() is None  # the CPU platform keeps no account
