"""A process of the function, started as Lambda does, and its log."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.support.lambda_runtime.emulator import RuntimeApi


def wait_for_log(log: Callable[[], str], text: str, seconds: float = 10.0) -> bool:
    """Return whether a log contains `text` within `seconds`; output is read slightly later than the response."""
    end = time.monotonic() + seconds
    while text not in log():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


LOGGING = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
"""Environment variables that Lambda sets for JSON logs."""


class Function:
    """One process of `python -m awslambdaric`, a context manager."""

    def __init__(
        self,
        runtime: RuntimeApi,
        handler: str,
        environment: Mapping[str, str],
        *,
        folder: Path | None = None,
        python: str = sys.executable,
    ) -> None:
        """Prepare to run `handler`.

        Args:
            runtime: what it polls.
            handler: as Lambda names it, for instance "lesion.handler.handler".
            environment: in place of what Lambda would set; PYTHONPATH must lead to the handler. The log is as the stacks
                ask for it, unless this says otherwise.
            folder: where it runs.
            python: the interpreter.
        """
        self._runtime = runtime
        self._command = [python, "-m", "awslambdaric", handler]
        given = {"PATH": os.environ["PATH"], **LOGGING, **environment}
        self._environment = {**given, "AWS_LAMBDA_RUNTIME_API": runtime.address}
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.lines: list[str] = []

    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def memory(self) -> int:
        """Bytes that it holds now; 0 where it has ended."""
        try:
            status = Path(f"/proc/{self._process.pid if self._process else 0}/status").read_text()
        except OSError:
            return 0
        return sum(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def log(self) -> str:
        """Return the log so far, as CloudWatch would store it."""
        return "".join(self.lines)

    def kill(self) -> None:
        """Kill the process, as Lambda does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Start a killed process again, as Lambda replaces an execution environment that has ended."""
        self.__exit__()
        self._runtime.functions.remove(self)
        self.__enter__()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process for a while, so that a call takes as long."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._runtime.functions.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._reader is not None and self._process is not None and self._process.stdout is not None:
            self._reader.join(5)
            self._process.stdout.close()

    def _read(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self.lines.extend(self._process.stdout)
