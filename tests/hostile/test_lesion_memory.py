"""Five costly images of one lesion take the memory of one, and their time stays below the function's timeout."""

import io
import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from infra.config import Settings
from tests.support.image_files import understated_avif
from tests.support.lambda_runtime.dockerfile import glibc_tunables
from tests.support.lambda_runtime.events import Request, version_2
from tests.support.multipart import FORM, form, part
from tests.support.paths import REPOSITORY, SAMPLES

SIDE = 12_000

_CHILD = """
import asyncio, json, sys, time
from lesion.handler import handler
asyncio.set_event_loop(asyncio.new_event_loop())
for line in sys.stdin:
    open("/proc/self/clear_refs", "w").write("5")
    started = time.process_time()
    answer = handler(json.loads(line), None)
    seconds = time.process_time() - started
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    body = json.loads(answer["body"])
    print(json.dumps([answer["statusCode"], body.get("detail"), int(peak), seconds]), flush=True)
"""


def event(*images: bytes) -> str:
    body = form(*[part("file", data) for data in images])
    return json.dumps(version_2(Request("POST", "/api/classify", [*FORM.items(), ("host", "localhost")], body, "192.0.2.1")))


@pytest.mark.slow
@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="The peak of memory can be reset on Linux only.")
def test_five_costly_images_take_the_memory_of_one() -> None:
    file = io.BytesIO()
    # The largest AVIF that is accepted, which is held three times while it is decoded.
    Image.new("RGB", (6000, 4000), (150, 110, 90)).save(file, "AVIF", quality=30, speed=10)
    costly, usual, understated = file.getvalue(), (SAMPLES / "ISIC_0010021.jpg").read_bytes(), understated_avif(SIDE)
    sent = [event(usual, usual), event(costly), event(costly, costly), event(*[costly] * 5)]
    sent += [event(usual, costly, understated), event(usual, usual)]
    # As in the function's image: else glibc keeps a heap for each of the framework's threads, whatever they decoded.
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "lambda"), "GLIBC_TUNABLES": glibc_tunables()}
    environment |= {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], input="\n".join(sent), env=environment, capture_output=True, text=True, timeout=120
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert [line[0] for line in lines] == [200, 200, 200, 200, 400, 200], done.stderr
    assert lines[4][1].startswith("Image 3 of 3: ")
    base, one, _, five = (line[2] for line in lines[:4])
    assert one - base > 100 * 1024, "the image is not costly"
    assert five - one < 20 * 1024
    assert lines[3][3] < Settings.model_fields["timeout_s"].default
