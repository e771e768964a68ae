"""The batch's function, which two kinds of file end: what a decoder's fault would do to it."""

import os
import signal
import time
from typing import Any

from lesion import s3

from tests.rehearsal.fragile_files import DEADLY, ENDLESS

_fetch = s3.fetch


def _careless(key: str) -> bytes:
    data = _fetch(key)
    if data == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    if data == ENDLESS:
        time.sleep(3600)
    return data


def handler(event: dict[str, Any], context: Any) -> None:
    """The same, but for these."""
    return s3.handler(event, context)


s3.fetch = _careless
