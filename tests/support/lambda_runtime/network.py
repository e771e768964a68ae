"""A network of one's own, in which nothing can be reached but what listens in it, and every try to leave is counted."""

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_LEAVING = ("IpOutNoRoutes", "Ip6OutNoRoutes", "UdpOutDatagrams", "Udp6OutDatagrams")
"""The kernel's counters of what has nowhere to go, and of datagrams: a look-up of a name begins with one."""


class Network:
    """A network namespace with a loopback interface, for as long as a `with` block. Needs root."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._folder = Path()

    @property
    def path(self) -> Path:
        """What a container runtime takes to put a process into it."""
        return self._folder / "ns" / "net"

    def call(self, function: Callable[[], Result]) -> Result:
        """Run `function` inside. A socket that it opens stays there, whichever thread uses it afterwards."""
        future: Future[Result] = Future()
        self._work.put((function, future))
        return future.result()

    def attempts(self) -> int:
        """How often something inside has tried to reach what is not there."""
        counted: dict[str, int] = {}
        lines = (self._folder / "net" / "snmp").read_text().splitlines()
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            kind, *columns = names.split()
            counted |= {kind.rstrip(":") + name: int(value) for name, value in zip(columns, values.split()[1:], strict=True)}
        lines = (self._folder / "net" / "snmp6").read_text().splitlines()
        counted |= {name: int(value) for name, value in (line.split() for line in lines)}
        return sum(counted[name] for name in _LEAVING)

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(_raise_loopback)
        return self

    def __exit__(self, *_: object) -> None:
        self._work.put(None)
        self._thread.join()

    def _live(self) -> None:
        # A namespace belongs to a thread, so this one does all that must happen inside.
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.unshare(_CLONE_NEWNET)
        error = OSError(ctypes.get_errno(), "A network of its own needs root: run this as root")
        self._folder = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}")
        while (task := self._work.get()) is not None:
            function, future = task
            if failed:
                future.set_exception(error)
                continue
            try:
                future.set_result(function())
            except Exception as problem:
                future.set_exception(problem)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        fcntl.ioctl(plain, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
