"""A network namespace without outside connection, in which attempts to connect outside are counted."""

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
"""Kernel counters of packets without a route and of datagrams, with which a DNS look-up begins."""


class Network:
    """A network namespace with a loopback interface, a context manager. Needs root."""

    def __init__(self) -> None:
        self._work: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._folder = Path()

    @property
    def path(self) -> Path:
        """Return the path with which a container runtime joins the namespace."""
        return self._folder / "ns" / "net"

    def call(self, function: Callable[[], Result]) -> Result:
        """Run `function` in the namespace. A socket that it opens stays there, whichever thread uses it."""
        future: Future[Result] = Future()
        self._work.put((function, future))
        return future.result()

    def attempts(self) -> int:
        """Return the number of attempts to reach anything outside."""
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
        # A namespace belongs to a thread, so this thread runs everything inside it.
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
