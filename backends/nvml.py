"""NVIDIA's management library: a session with it, and the boards as it lists them and as CUDA numbers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from backends.base import BackendUnavailable, Missing

T = TypeVar("T")

NO_DRIVER = Missing(
    code="nvml_absent",
    reason="No NVIDIA driver answers.",
    cure="Install the NVIDIA driver, or pass it into the container (--gpus all).",
)
NO_BINDING = Missing(
    code="nvml_absent",
    reason="The module pynvml is missing, or is the abandoned package of that name.",
    cure="Run: python -m pip uninstall -y pynvml; python -m pip install --force-reinstall nvidia-ml-py",
)
NO_BOARD = Missing(
    code="no_device",
    reason="The NVIDIA driver answers but shows this process no GPU.",
    cure="Look at CUDA_VISIBLE_DEVICES and at the output of nvidia-smi.",
)
SICK_BOARD = Missing(
    code="no_device",
    reason="A GPU does not answer.",
    cure="Look at nvidia-smi and the kernel's log; a reboot brings a lost GPU back.",
)
MIG_SLICE = Missing(
    code="mig_enabled",
    reason="CUDA_VISIBLE_DEVICES names a MIG slice, and power and energy exist for a whole GPU only.",
    cure="Name a whole GPU by its index or UUID, with MIG off.",
)
UNKNOWN_ORDER = Missing(
    code="gpu_order_unknown",
    reason="CUDA_VISIBLE_DEVICES counts unlike GPUs in CUDA's own order, which the driver does not tell.",
    cure="Set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name the GPU by its UUID.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One GPU as the driver describes it."""

    uuid: str
    name: str
    memory_bytes: int | None  # None where the GPU shares the host's memory
    capability: tuple[int, int]  # CUDA compute capability, major and minor
    mig: bool


class Link:
    """One board through a session of its own; it is looked up again after it did not answer, for it may come back."""

    def __init__(self, uuid: str) -> None:
        """BackendUnavailable when no driver answers; a board that does not is found out by `ask`."""
        self.pynvml = start()
        self._uuid = uuid
        self._handle: Any = None

    def ask(self, question: Callable[[Any, Any], T]) -> T:
        """The answer to question(pynvml, handle). NVMLError when there is none."""
        try:
            if self._handle is None:
                self._handle = self.pynvml.nvmlDeviceGetHandleByUUID(self._uuid)
            return question(self.pynvml, self._handle)
        except self.pynvml.NVMLError as error:
            if not isinstance(error, unknown(self.pynvml)):
                self._handle = None
            raise

    def close(self) -> None:
        self.pynvml.nvmlShutdown()


def unknown(pynvml: Any) -> tuple[type[Exception], ...]:
    """What a board that is well raises for a question that it or its driver does not know."""
    return (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound)


def load() -> Any:
    """nvidia-ml-py's module. BackendUnavailable without it, or with the unofficial package that took its name."""
    try:
        import pynvml
    except ImportError as error:
        raise BackendUnavailable(NO_BINDING) from error
    if not hasattr(pynvml, "_nvmlGetFunctionPointer"):
        raise BackendUnavailable(NO_BINDING)
    return pynvml


def start() -> Any:
    """The library, started; each start needs its own `nvmlShutdown`. BackendUnavailable when no driver answers."""
    pynvml = load()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise BackendUnavailable(replace(NO_DRIVER, reason=f"No NVIDIA driver answers ({error}).")) from error
    return pynvml


@contextmanager
def session() -> Iterator[Any]:
    pynvml = start()
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def boards(environ: Mapping[str, str]) -> tuple[Board, ...]:
    """The boards this process may use, in the order CUDA numbers them. BackendUnavailable when there is none."""
    with session() as pynvml:
        try:
            listed = [_board(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError as error:
            raise BackendUnavailable(replace(SICK_BOARD, reason=f"A GPU does not answer ({error}).")) from error
    shown = visible(listed, environ)
    if not shown:
        raise BackendUnavailable(NO_BOARD)
    return shown


def visible(boards: Sequence[Board], environ: Mapping[str, str]) -> tuple[Board, ...]:
    """Of the boards in PCI bus order those that CUDA_VISIBLE_DEVICES names, in its order.

    As CUDA reads it: indices or unambiguous beginnings of UUIDs, up to the first entry that names no board; a board
    named twice leaves none. BackendUnavailable for a MIG slice, and for an index whose meaning cannot be known.
    """
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return tuple(boards)
    by_bus = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({board.name for board in boards}) < 2
    shown: list[Board] = []
    for entry in wanted.split(","):
        board = _named(boards, entry.strip(), by_bus=by_bus)
        if board is None:
            break
        shown.append(board)
    return tuple(shown) if len(set(shown)) == len(shown) else ()


def _named(boards: Sequence[Board], entry: str, *, by_bus: bool) -> Board | None:
    if entry.startswith("MIG-"):
        raise BackendUnavailable(MIG_SLICE)
    if entry.startswith("GPU-"):
        matches = [board for board in boards if board.uuid.startswith(entry)]
        return matches[0] if len(matches) == 1 else None
    if not entry.isdecimal() or int(entry) >= len(boards):
        return None
    if not by_bus:
        raise BackendUnavailable(UNKNOWN_ORDER)
    return boards[int(entry)]


def _board(pynvml: Any, index: int) -> Board:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = supported(pynvml, pynvml.nvmlDeviceGetMemoryInfo, handle)
    mig = supported(pynvml, pynvml.nvmlDeviceGetMigMode, handle)  # what runs now, and what the next reset brings
    return Board(
        uuid=pynvml.nvmlDeviceGetUUID(handle),
        name=_name(pynvml, handle),
        memory_bytes=None if memory is None else memory.total,
        capability=pynvml.nvmlDeviceGetCudaComputeCapability(handle),
        mig=mig is not None and mig[0] == pynvml.NVML_DEVICE_MIG_ENABLE,
    )


def _name(pynvml: Any, handle: Any) -> str:
    try:
        return str(pynvml.nvmlDeviceGetName(handle))
    except UnicodeDecodeError as error:  # nvidia-ml-py takes names for UTF-8, which a broken infoROM need not hold
        return error.object.decode(errors="replace")


def supported(pynvml: Any, question: Callable[[Any], Any], handle: Any) -> Any:
    """The answer to question(handle), or None where this GPU or its driver does not know the question."""
    try:
        return question(handle)
    except unknown(pynvml):
        return None
