"""Servers of the contenders, and the requests that they are measured with."""

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from tests.benchmarks.contenders import EIGHT_VIEWS, ENVIRONMENTS, ONE_VIEW, CannotInstall, Contender
from tests.support.lambda_runtime.events import Request, version_2
from tests.support.paths import REPOSITORY, SAMPLES

PEERS = Path(__file__).parent / "peers"
SIZES = ((600, 450), (1024, 768), (4032, 3024))
PATIENCE = 180.0
"""Timeout of a start in seconds; `torch.compile` is the slowest."""
_BOUNDARY = "boundary-7e3a1c"

ImagesBySize = Mapping[str, bytes]


def sample_images() -> ImagesBySize:
    """Return one of the sample images as JPEG in each of `SIZES`, by name of the size."""
    images = {}
    with Image.open(SAMPLES / "ISIC_0001102.jpg") as image:
        for size in SIZES:
            buffer = io.BytesIO()
            image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
            images["{} x {}".format(*size)] = buffer.getvalue()
    return images


class Running:
    """A contender's server, or its process without a server; a context manager."""

    def __init__(self, contender: Contender, cpus: set[int], workers: int = 1) -> None:
        self.contender, self.cpus, self.workers = contender, cpus, workers
        self.port = _free_port()

    def __enter__(self) -> "Running":
        places = {"bin": self.contender.python.parent, "port": self.port, "workers": self.workers}
        command = [part.format(**places) for part in self.contender.command] or [
            str(self.contender.python),
            "lesion_inside.py",
        ]
        self._process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, sorted(self.cpus))), *command],
            # The emulator is a module of the repository; the other servers are scripts in one folder.
            cwd=REPOSITORY if "-m" in command else PEERS,
            env=self.contender.variables(self.workers),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if not self.contender.command else subprocess.DEVNULL,
            stderr=(ENVIRONMENTS / f"{self.contender.folder}.log").open("w"),
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def first(self, image_bytes: bytes) -> None:
        """Wait for the first response.

        Raises:
            CannotInstall: the server ended or did not answer in time.
        """
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.ask(image_bytes)
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise CannotInstall(f"it was installed, but did not answer ({error})") from error
                time.sleep(0.005)

    def ask(self, image_bytes: bytes, connection: http.client.HTTPConnection | None = None) -> float:
        """Return the milliseconds of one request, over a new connection unless one is given.

        Raises:
            OSError: the server does not answer yet.
        """
        if not self.contender.command:
            return self._ask_inside(image_bytes)
        started = time.perf_counter()
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        body = _form(self.contender.part, image_bytes)
        try:
            own.request("POST", self.contender.path, body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"})
            answer = own.getresponse()
            answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            if connection is None:
                own.close()
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        return 1000 * (time.perf_counter() - started)

    def _ask_inside(self, image_bytes: bytes) -> float:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{_event(image_bytes, self.contender.path)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline().split()
        if not line or line[0] != "200":
            raise OSError(f"answered {line}")
        return float(line[1])

    def processes(self) -> list[int]:
        """Return the process IDs of the server's session."""
        process_ids = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if os.getsid(int(folder.name)) == self._process.pid:
                        process_ids.append(int(folder.name))
                except ProcessLookupError:
                    pass
        return process_ids

    def peak(self) -> int:
        """Return the sum of the processes' peak memory in bytes."""
        total = 0
        for process in self.processes():
            if "lesion_emulated" in Path(f"/proc/{process}/cmdline").read_text():
                continue  # represents Lambda
            for line in Path(f"/proc/{process}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    total += 1024 * int(line.split()[1])
        return total


def _free_port() -> int:
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return int(own.getsockname()[1])


def _form(part: str, image_bytes: bytes) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{part}"; filename="a.jpg"'
    head = f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode() + image_bytes + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _event(image_bytes: bytes, target: str) -> Path:
    """Write the event to a file and return its path."""
    views = "-eight" if target == EIGHT_VIEWS else ""
    path = ENVIRONMENTS / f"event-{len(image_bytes)}{views}.json"
    if not path.is_file():
        path.write_text(json.dumps(form_event(image_bytes, target=target)))
    return path


def form_event(
    image_bytes: bytes, make: Callable[[Request], dict[str, Any]] = version_2, target: str = ONE_VIEW
) -> dict[str, Any]:
    """Return the API Gateway event of a form with an image, in a payload format."""
    headers = [("content-type", f"multipart/form-data; boundary={_BOUNDARY}"), ("host", "localhost")]
    return make(Request("POST", target, headers, _form("file", image_bytes), "192.0.2.1"))
