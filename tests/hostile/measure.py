"""Sends every hard case to the service in this process, and prints for each what came back and what it took.

A process of its own, because the memory of pytest and of other tests says nothing, and because a case may end it.
"""

import json
import sys
import time
import warnings
from pathlib import Path

from lesion.imaging import heic
from lesion.inference.model import Model
from lesion.settings import Settings
from lesion.web.api import create_app
from PIL import Image
from starlette.testclient import TestClient

from tests.hostile.cases import cases


def main(model: Path, wanted: list[str]) -> None:
    """One line of JSON for each case, in the order of `cases`; only those whose name holds one of `wanted`, if any."""
    warnings.simplefilter("ignore")
    client = TestClient(create_app(Settings(), Model(model)), raise_server_exceptions=False)
    # Loaded with the first picture that needs it, which is not what is measured.
    Image.init()
    heic.load_pi_heif()
    for name, (_, make) in cases().items():
        if wanted and not any(part in name for part in wanted):
            continue
        data = make()
        before = _start()
        started = time.process_time()
        answer = client.post("/api/classify", content=data)
        seconds = time.process_time() - started
        told = {
            "name": name,
            "status": answer.status_code,
            "type": answer.headers["content-type"],
            "answer": answer.json(),
            "bytes": len(data),
            "seconds": round(seconds, 2),
            "megabytes": round((_memory("VmHWM") - before) / 1024),
        }
        print(json.dumps(told), flush=True)
        del data, answer


def _start() -> int:
    """Memory now, in KB; the highest so far is forgotten."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
