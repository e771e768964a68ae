"""Training, evaluation and ONNX export, offline. It may import torch; the Lambda function never imports it."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def _keep_freed_memory() -> None:
    """Set glibc's allocator to keep freed memory (mallopt(3)).

    PyTorch frees and allocates tens of megabytes with every layer. When glibc returns each block to the system, half of
    the time is spent on mapping and clearing pages.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 2**28)


_keep_freed_memory()
