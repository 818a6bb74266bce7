"""A device opened through JAX, whatever platform it belongs to."""

from __future__ import annotations

from typing import Any


class JaxRuntime:
    """Waits for queued work in two ways: for all it left behind, and for a small task queued after it.

    Accelerators work in the order of the queue, so the task alone would do; the CPU promises no order among results.
    """

    def __init__(self, device: Any) -> None:
        import jax

        self.device = device
        self._jax = jax
        self._add_one = jax.jit(lambda x: x + 1)
        self._counter = jax.device_put(0, device)
        self.synchronize()

    def synchronize(self) -> None:
        self._jax.block_until_ready([array for array in self._jax.live_arrays() if not array.is_deleted()])
        self._counter = self._add_one(self._counter).block_until_ready()

    def peak_memory_bytes(self) -> int | None:
        statistics = self.device.memory_stats()
        return None if statistics is None else statistics.get("peak_bytes_in_use")


def open_device(platforms: str, platform: str, index: int) -> Any:
    """JAX's handle of device `index` of `platform`; only `platforms` ("cuda,cpu") are started in this process.

    The choice must be made before JAX starts its platforms; a process that did so already keeps what it has.
    """
    import jax

    jax.config.update("jax_platforms", platforms)
    return jax.local_devices(backend=platform)[index]
