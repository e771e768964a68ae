"""The batch function with two kinds of file that crash it or make it hang, as a bug in a decoder would."""

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
    """Handle a batch like `lesion.batch.lambda_handler`, with the crashing fetch."""
    return lambda_handler.handler(event, context)


lambda_handler.fetch = _careless
