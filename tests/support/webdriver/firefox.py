"""Firefox, of Debian the ESR, driven by Marionette, the protocol that geckodriver translates WebDriver to.

Debian has no geckodriver. Marionette has the same commands: JSON over a socket, each message after its length and a colon.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.webdriver.driver import Driver, WebDriverError

FIREFOX = next(
    (path for path in map(Path, ("/usr/bin/firefox-esr", "/usr/bin/firefox")) if path.exists()), Path("/usr/bin/firefox-esr")
)
_START_S = 60
_ANSWER_S = 180
_PREFERENCES: Mapping[str, Any] = {
    # A free port, which is written to a file of the profile.
    "marionette.port": 0,
    # No requests of its own.
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "intl.accept_languages": "en",
}


@contextmanager
def firefox(folder: Path) -> Iterator[Driver]:
    """Start Firefox without a window for a `with` block.

    Args:
        folder: an empty folder for its profile.
    """
    lines = (f'user_pref("{name}", {json.dumps(value)});\n' for name, value in _PREFERENCES.items())
    (folder / "user.js").write_text("".join(lines))
    command = [str(FIREFOX), "--headless", "--marionette", "--no-remote", "--profile", str(folder), "about:blank"]
    environment = {**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
    with (
        open(folder / "log", "w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process,
    ):
        try:
            with socket.create_connection(("127.0.0.1", _port(process, folder)), timeout=_ANSWER_S) as connection:
                marionette = Marionette(connection)
                marionette.send("NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": False}}})
                yield Driver("Firefox", marionette.send)
        finally:
            process.terminate()
            process.wait(20)


def _port(process: subprocess.Popen[bytes], folder: Path) -> int:
    file = folder / "MarionetteActivePort"
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        if file.exists() and (text := file.read_text().strip()):
            return int(text)
        time.sleep(0.1)
    raise AssertionError(f"Firefox did not start: {(folder / 'log').read_text()}")


class Marionette:
    """Client of Marionette's protocol 3."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._number = 0
        self._receive()

    def send(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """Send a command of WebDriver and return its value."""
        self._number += 1
        message = json.dumps([0, self._number, f"WebDriver:{name}", parameters]).encode()
        self._connection.sendall(b"%d:%b" % (len(message), message))
        _, number, error, result = self._receive()
        assert number == self._number
        if error:
            raise WebDriverError(f"{name}: {error['error']}: {error['message']}")
        return result["value"] if isinstance(result, dict) and result.keys() == {"value"} else result

    def _receive(self) -> Any:
        length = b""
        while (digit := self._stream.read(1)) != b":":
            if not digit:
                raise WebDriverError("Firefox closed the connection.")
            length += digit
        return json.loads(self._stream.read(int(length)))
