"""Send every case to the service in this process; print its answer, CPU time and memory as a line of JSON.

Runs in a process of its own, without the memory of pytest and of other tests, and because a case may crash it.
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

from tests.hostile.cases.all_cases import cases


def main(model: Path, wanted: list[str]) -> None:
    """Print one line of JSON per case, in the order of `cases`; only names that contain one of `wanted`, if any."""
    warnings.simplefilter("ignore")
    client = TestClient(create_app(Settings(), Model(model)), raise_server_exceptions=False)
    # Imported in advance, because lazy imports are not part of the measurement.
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
        line = {
            "name": name,
            "status": answer.status_code,
            "type": answer.headers["content-type"],
            "answer": answer.json(),
            "bytes": len(data),
            "seconds": round(seconds, 2),
            "megabytes": round((_memory("VmHWM") - before) / 1024),
        }
        print(json.dumps(line), flush=True)
        del data, answer


def _start() -> int:
    """Reset the peak and return the current memory in KB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
