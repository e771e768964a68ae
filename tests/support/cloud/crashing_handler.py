"""The batch's function, which two kinds of file end: what a decoder's fault would do to it."""

import os
import signal
import time
from typing import Any

from lesion.batch import lambda_handler

from tests.support.cloud.crashing_files import DEADLY, ENDLESS

_fetch = lambda_handler.fetch


def _careless(key: str) -> bytes:
    data = _fetch(key)
    if data == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    if data == ENDLESS:
        time.sleep(3600)
    return data


def handler(event: dict[str, Any], context: Any) -> None:
    """The same, but for these."""
    return lambda_handler.handler(event, context)


lambda_handler.fetch = _careless
