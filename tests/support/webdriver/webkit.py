"""WebKitGTK's MiniBrowser, driven by WebKitWebDriver, on a display that exists only in memory."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.support.webdriver.driver import Driver, WebDriverError

DRIVER = Path("/usr/bin/WebKitWebDriver")
DISPLAY = Path("/usr/bin/Xvfb")
_START_S = 60
_ANSWER_S = 180
_COMMANDS: Mapping[str, str] = {
    "Navigate": "url",
    "ExecuteScript": "execute/sync",
    "FindElement": "element",
    "ElementClick": "element/{id}/click",
    "ElementSendKeys": "element/{id}/value",
    "Back": "back",
    "SetWindowRect": "window/rect",
}
"""Command -> its path in a session; each is a POST."""


def minibrowser() -> Path | None:
    """Return the browser that is installed with the driver."""
    return next(iter(sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))), None)


@contextmanager
def webkit(folder: Path) -> Iterator[Driver]:
    """Start MiniBrowser for a `with` block.

    Args:
        folder: an empty folder for its data.
    """
    with _display(folder) as display, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = {
            **os.environ,
            "DISPLAY": display,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            # No GPU and no desktop.
            "GDK_BACKEND": "x11",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
            "NO_AT_BRIDGE": "1",
            "LANG": "C.UTF-8",
        }
        with (
            open(folder / "log", "w") as log,
            subprocess.Popen([str(DRIVER), f"--port={port}"], stdout=log, stderr=log, env=environment) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_ANSWER_S, trust_env=False) as client,
        ):
            try:
                _await(process, client, folder)
                options = {"binary": str(minibrowser()), "args": ["--automation"]}
                capabilities = {"alwaysMatch": {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options}}
                session = _value(client.post("/session", json={"capabilities": capabilities}))["sessionId"]

                def send(name: str, parameters: Mapping[str, Any]) -> Any:
                    place = _COMMANDS[name].format(**parameters)
                    return _value(client.post(f"/session/{session}/{place}", json=dict(parameters)))

                yield Driver("WebKit", send)
                client.delete(f"/session/{session}")
            finally:
                process.terminate()
                process.wait(20)


@contextmanager
def _display(folder: Path) -> Iterator[str]:
    """Start an X server in memory; yield its name."""
    reading, writing = os.pipe()
    command = [str(DISPLAY), "-displayfd", str(writing), "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]
    with (
        open(folder / "display", "w") as log,
        subprocess.Popen(command, pass_fds=[writing], stdout=log, stderr=log) as process,
    ):
        try:
            os.close(writing)
            with os.fdopen(reading) as answer:
                yield f":{answer.readline().strip()}"
        finally:
            process.terminate()
            process.wait(20)


def _await(process: subprocess.Popen[bytes], client: httpx.Client, folder: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get("/status").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"WebKitWebDriver did not start: {(folder / 'log').read_text()}")


def _value(response: httpx.Response) -> Any:
    value = response.json()["value"]
    if not response.is_success:
        raise WebDriverError(f"{response.request.url.path}: {value['error']}: {value['message']}")
    return value
