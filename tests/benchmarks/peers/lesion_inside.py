"""This project's handler without a server: reads events, prints milliseconds.

Each line of standard input is the path of a JSON file with an event; the handler's duration is printed. After the first
request, which needs no web framework, the page's configuration is requested once, which imports the framework, as in a
function that has served the page.
"""

import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from lesion.handler import handler

from tests.support.lambda_runtime.events import Request, version_2

# What the function logs goes nowhere; it is written all the same.
_answers, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
_events: dict[str, Any] = {}
_asks_for_page = True

for line in sys.stdin:
    name = line.strip()
    if name not in _events:
        _events[name] = json.loads(Path(name).read_text())
    started = perf_counter()
    answer = handler(_events[name], None)
    spent = perf_counter() - started
    print(answer["statusCode"], 1000 * spent, file=_answers, flush=True)
    if _asks_for_page:
        handler(version_2(Request("GET", "/api/config", [("host", "localhost")], b"", "192.0.2.1")), None)
        _asks_for_page = False
