"""A browser that is driven by W3C WebDriver commands, over HTTP or Firefox's own protocol with the same commands."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""Name of an element's reference, see "Web element identifier" in W3C WebDriver."""
_TRY_S = 0.1

Send = Callable[[str, Mapping[str, Any]], Any]
"""Sends a command with its parameters, and returns its value."""


class WebDriverError(Exception):
    """The browser refused a command."""


@dataclass(frozen=True)
class Driver:
    """A window of a browser.

    Attributes:
        name: of the browser.
        send: one of the commands of `COMMANDS`.
    """

    name: str
    send: Send

    def open(self, url: str) -> None:
        """Open an address, and wait until it is loaded."""
        self.send("Navigate", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script, the body of a function, returns."""
        return self.send("ExecuteScript", {"script": script, "args": list(arguments)})

    def click(self, selector: str) -> None:
        """Click an element as a person does, once it is visible and enabled."""
        self.wait(
            "const each = document.querySelector(arguments[0]); return Boolean(each?.checkVisibility()) && !each.disabled",
            selector,
        )
        self.run("document.querySelector(arguments[0]).scrollIntoView({ block: 'center', behavior: 'instant' })", selector)
        self.send("ElementClick", {"id": self._find(selector)})

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in an input."""
        self.send("ElementSendKeys", {"id": self._find(selector), "text": str(path)})

    def select(self, selector: str, value: str) -> None:
        """Choose an option of a menu."""
        script = """
            const menu = document.querySelector(arguments[0]);
            menu.value = arguments[1];
            menu.dispatchEvent(new Event("change"));
        """
        self.run(script, selector, value)

    def text(self, selector: str) -> str:
        """Return the text of an element as it is shown."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def wait(self, script: str, *arguments: Any, seconds: float = 30) -> None:
        """Wait until a script returns true.

        Raises:
            AssertionError: it does not within the time.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(script, *arguments):
                return
            time.sleep(_TRY_S)
        raise AssertionError(f"{self.name}: not true within {seconds} s: {script} {arguments}")

    def wait_shown(self, selector: str, seconds: float = 30) -> None:
        """Wait until an element is visible."""
        self.wait("return Boolean(document.querySelector(arguments[0])?.checkVisibility())", selector, seconds=seconds)

    def _find(self, selector: str) -> str:
        return str(self.send("FindElement", {"using": "css selector", "value": selector})[_ELEMENT])
