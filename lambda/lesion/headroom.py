"""How much memory one process may take for photographs: more is refused by the kernel, instead of ending the process."""

import resource
from pathlib import Path

MOST = 512 * 1024 * 1024
"""Bytes for one photograph. A WebP of the most pixels takes 400 MB; what is refused on purpose would take gigabytes."""


def limit_memory(photographs: int = 1) -> None:
    """Let this process, as large as it is now, grow by `MOST` for each of so many photographs at a time, and no further.

    Some decoders believe the stream inside a file rather than the size that the file announces: an AVIF of 2 KB that says
    10 x 10 can hold 268 megapixels. Where they ask for more than there is, they fail, and the photograph is refused as
    damaged. Linux counts what is private and writable (setrlimit(2), RLIMIT_DATA); elsewhere nothing is done.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return
    sizes = dict(line.split(":", 1) for line in status.read_text().splitlines())
    used = 1024 * int(sizes["VmData"].split()[0])
    most = used + photographs * MOST
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
