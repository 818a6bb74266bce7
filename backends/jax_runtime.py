"""A device opened through JAX, whatever platform it belongs to, and JAX's profiler."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backends.meters.xprof import Rail

COMPILED = "/jax/core/compile/backend_compile_duration"
"""What JAX's monitoring calls a compilation that has ended."""


class JaxRuntime:
    """Waits for queued work in two ways: for all it left behind, and for a small task queued after it.

    Accelerators work in the order of the queue, so the task alone would do; the CPU promises no order among results.
    """

    def __init__(self, device: Any) -> None:
        import jax

        self.device = device
        self._jax = jax
        self._compilations = 0
        jax.monitoring.register_event_duration_secs_listener(self._hear)
        self._add_one = jax.jit(lambda x: x + 1)
        self._counter = jax.device_put(0, device)
        self.synchronize()

    def synchronize(self) -> None:
        self._jax.block_until_ready([array for array in self._jax.live_arrays() if not array.is_deleted()])
        self._counter = self._add_one(self._counter).block_until_ready()

    def peak_memory_bytes(self) -> int | None:
        statistics = self.device.memory_stats()
        return None if statistics is None else statistics.get("peak_bytes_in_use")

    def forget_peak_memory(self) -> None:
        """JAX cannot: the peak goes on from the start of the process."""

    def release_memory(self) -> None:
        """JAX shares its pool among all arrays of the process: there is nothing to give back."""

    def compilations(self) -> int:
        return self._compilations

    def _hear(self, event: str, _seconds: float, **_: str | int) -> None:
        self._compilations += event == COMPILED

    def measure_rails(self, run: Callable[[], None]) -> tuple[Rail, ...]:
        """Only TPUs show their rails to the profiler: elsewhere `run` is not called."""
        return ()


def open_device(platforms: str, platform: str, index: int) -> Any:
    """JAX's handle of device `index` of `platform`; only `platforms` ("cuda,cpu") are started in this process.

    The choice must be made before JAX starts its platforms; a process that did so already keeps what it has.
    """
    import jax

    jax.config.update("jax_platforms", platforms)
    return jax.local_devices(backend=platform)[index]


def profiled(run: Callable[[], None], advanced: Mapping[str, int | bool]) -> Any | None:
    """What JAX's profiler saw while `run` ran, a `jax.profiler.ProfileData`; nothing stays on disk.

    None when the profiler does not start (then `run` is not called), or what it wrote is missing or unreadable.
    Errors of `run` itself pass through, and end the profile.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="joulemark-", ignore_cleanup_errors=True)
    except OSError:
        return None
    with folder as path:
        if not _start(path, advanced):
            return None
        try:
            run()
        finally:
            stopped = _stop()
        return _newest(Path(path)) if stopped else None


def _start(path: str, advanced: Mapping[str, int | bool]) -> bool:
    import jax

    options = jax.profiler.ProfileOptions()
    options.host_tracer_level = options.python_tracer_level = 0  # they cost time, and the host is not asked about
    options.raise_error_on_start_failure = True
    options.advanced_configuration = dict(advanced)
    try:
        jax.profiler.start_trace(path, profiler_options=options)
    except RuntimeError:  # another profile is running, or the platform's profiler refuses
        return False
    return True


def _stop() -> bool:
    import jax

    try:
        jax.profiler.stop_trace()
    except RuntimeError:  # jaxlib's own error is one: the disk is full, the folder is gone
        return False
    return True


def _newest(folder: Path) -> Any | None:
    import jax

    written = sorted(folder.rglob("*.xplane.pb"), key=lambda path: path.stat().st_mtime_ns)
    try:
        return jax.profiler.ProfileData.from_file(str(written[-1])) if written else None
    except RuntimeError:  # cut short, or no profile at all
        return None
