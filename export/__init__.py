"""From training to ONNX, offline. May import torch; the function never imports this package."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def _keep_freed_memory() -> None:
    """Tell glibc not to give every freed tensor back to the system (mallopt(3)).

    PyTorch frees and allocates tens of megabytes with every layer; as soon as such a block comes from the system each time,
    half of the time goes into mapping and clearing its pages.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 2**28)


_keep_freed_memory()
