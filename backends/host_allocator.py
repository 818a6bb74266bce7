"""What the C library's allocator keeps of the memory a worker frees: all of it, until the worker says otherwise.

Left to itself glibc gives large blocks back to the kernel as they are freed, and each step of a large model gets its
pages anew, zeroed one by one: a third of a training step where arithmetic is fast (docs/performance.md). What is kept
lies unused where another stage wants blocks of other sizes, so it is given back between stages. glibc only: where the C
library is another's, nothing is done.
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h; what they do: mallopt(3)
NEVER = -1


def keep_freed_memory(library: ctypes.CDLL | None = None) -> bool:
    """What the main thread frees, from now on; whether the C library can. Call it before anything large is allocated.

    Other threads' large blocks still come and go by mappings, and JAX has all its work done in such threads. One heap
    for all (M_ARENA_MAX) would keep them too, but then JAX held up to 1.7 times the memory (docs/performance.md).
    """
    glibc = _glibc(library)
    if glibc is None:
        return False
    # No block has a mapping of its own, which would go as the block is freed, and the heap's end stays where it is.
    return bool(glibc.mallopt(M_MMAP_MAX, 0) and glibc.mallopt(M_TRIM_THRESHOLD, NEVER))


def give_freed_memory_back(library: ctypes.CDLL | None = None) -> bool:
    """Whole pages that no block lies in, to the kernel (malloc_trim(3)); whether there were any and it can be done.

    The next who wants them pays for it, so not while anything is timed.
    """
    glibc = _glibc(library)
    return glibc is not None and bool(glibc.malloc_trim(ctypes.c_size_t(0)))


def _glibc(library: ctypes.CDLL | None) -> ctypes.CDLL | None:
    """`library`, or else the one of this process, where it has glibc's own functions."""
    if library is None:
        if not sys.platform.startswith("linux"):
            return None
        library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
