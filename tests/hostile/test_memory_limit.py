"""A file whose stream holds far more than the file says is refused, and the function goes on."""

import io
import json
import os
import subprocess
import sys

from PIL import Image

from tests.support.lambda_runtime.events import Request, version_2
from tests.support.paths import REPOSITORY, SAMPLES, TELEPHONE

SIDE = 12_000
"""Pixels: in three colours, more than what is allowed for a photograph, by a little."""
_CHILD = """
import json, sys
from lesion.handler import handler
for line in sys.stdin:
    answer = handler(json.loads(line), None)
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(json.dumps([answer["statusCode"], json.loads(answer["body"]).get("code"), int(peak)]), flush=True)
"""


def lying_avif() -> bytes:
    """Flat, SIDE x SIDE, and 10 x 10 by its own account."""
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (150, 110, 90)).save(file, "AVIF", quality=30, speed=10, subsampling="4:4:4")
    data = bytearray(file.getvalue())
    # ispe, ISO/IEC 23008-12, 6.5.3: version and flags, width, height.
    at = data.index(b"ispe") + 8
    data[at : at + 8] = (10).to_bytes(4, "big") * 2
    return bytes(data)


def event(photograph: bytes) -> str:
    headers = [("content-type", "application/octet-stream"), ("host", "localhost")]
    return json.dumps(version_2(Request("POST", "/api/classify", headers, photograph, "192.0.2.1")))


def test_a_stream_of_hundreds_of_megapixels_in_a_small_file_is_refused_and_the_next_ones_are_answered() -> None:
    lie = lying_avif()
    assert len(lie) < 20_000
    jpeg = (SAMPLES / "ISIC_0010021.jpg").read_bytes()
    avif = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(avif, "AVIF")
    # AVIF and HEIC are decoded by several threads, each of which needs address space of its own.
    honest = [jpeg, avif.getvalue(), (TELEPHONE / "ISIC_0000026.heic").read_bytes()]
    sent = [jpeg, *[lie, *honest] * 2]
    environment = {
        **os.environ,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "PYTHONPATH": str(REPOSITORY / "lambda"),
        "ORT_DISABLE_TELEMETRY": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input="\n".join(map(event, sent)),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    expected = [[200, None], *[[400, "invalid_image"], *[[200, None]] * len(honest)] * 2]
    assert [line[:2] for line in lines] == expected, done.stderr
    # 400 MB are allowed. What the framework takes, which the first refusal loads, comes on top.
    assert lines[-1][2] - lines[0][2] < 450 * 1024
