"""Mixed traffic for functions on an emulated Lambda; every response is compared with the expected one."""

import io
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from tests.support.lambda_runtime.emulator import FunctionFailed, RuntimeApi
from tests.support.lambda_runtime.events import Request, version_2
from tests.support.paths import PHONE_IMAGES, SAMPLES

Event = dict[str, Any]


@dataclass(frozen=True)
class Visit:
    """A request, its relative frequency, and status and body of its response without what changes each time."""

    event: Event
    weight: int
    status: int
    content: Any


@dataclass
class Tally:
    """Counts of the requests; `wrong` are responses that belong to no request or to another one."""

    answered: Counter[int] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.answered + other.answered, self.failed + other.failed, self.wrong + other.wrong)

    def total(self) -> int:
        return self.answered.total() + self.failed.total() + len(self.wrong)


def requests() -> Iterable[tuple[Event, int]]:
    """Return events and weights: images of several sizes and formats, requests of the page, malformed requests."""

    def post(body: bytes, query: str = "") -> Event:
        headers = [("content-type", "application/octet-stream"), ("host", "localhost")]
        return version_2(Request("POST", f"/api/classify{query}", headers, body, "192.0.2.1"))

    def get(target: str) -> Event:
        return version_2(Request("GET", target, [("host", "localhost")], b"", "192.0.2.1"))

    def saved(image: Image.Image, kind: str) -> bytes:
        file = io.BytesIO()
        image.save(file, kind)
        return file.getvalue()

    for name in ("ISIC_0000345", "ISIC_0000359", "ISIC_0010021", "ISIC_0010036", "ISIC_0000026"):
        yield post((SAMPLES / f"{name}.jpg").read_bytes()), 12
    yield post((SAMPLES / "ISIC_0001102.jpg").read_bytes()), 4
    yield post((SAMPLES / "ISIC_0010587.jpg").read_bytes(), "?views=8&evidence=false"), 3
    yield post((PHONE_IMAGES / "ISIC_0000026.heic").read_bytes()), 3
    with Image.open(SAMPLES / "ISIC_0010225.jpg") as image:
        for kind in ("PNG", "WebP", "TIFF", "AVIF"):
            yield post(saved(image.reduce(2), kind)), 2
        yield post(saved(image, "JPEG")[:9000]), 2
    yield post(b"%PDF-1.7 no image"), 2
    yield post(b""), 1
    for target in ("/api/config", "/api/model", "/api/samples", "/api/classify?sample=ISIC_0010021", "/api/nothing"):
        yield get(target), 4


def visits(handler: Any) -> list[Visit]:
    """Return the requests with the responses of `handler`, the function in this process."""
    visited = []
    for event, weight in requests():
        answer = handler(event, None)
        visited.append(Visit(event, weight, answer["statusCode"], content(answer)))
    return visited


def content(answer: Any) -> Any:
    """Return the body of a response without durations."""
    body = json.loads(answer["body"])
    return {name: value for name, value in body.items() if name != "timing_ms"} if isinstance(body, dict) else body


def send(runtime: RuntimeApi, chosen: Sequence[Visit], tally: Tally, end: float, seed: int) -> None:
    """Send requests one after the other until `end` (of `time.monotonic`) and count the responses."""
    draw = random.Random(seed)
    weights = [visit.weight for visit in chosen]
    while time.monotonic() < end:
        [visit] = draw.choices(chosen, weights)
        try:
            answer = runtime.invoke(visit.event)
        except FunctionFailed as error:
            tally.failed[error.kind] += 1
            continue
        if answer["statusCode"] == visit.status and content(answer) == visit.content:
            tally.answered[visit.status] += 1
        else:
            tally.wrong.append(f"{answer['statusCode']} instead of {visit.status}: {answer['body'][:200]}")


def drive(runtime: RuntimeApi, chosen: Sequence[Visit], *, callers: int, seconds: float, seed: int = 0) -> Tally:
    """Run concurrent clients, each with its own sequence of requests; another seed gives other sequences."""
    end = time.monotonic() + seconds
    tallies = [Tally() for _ in range(callers)]
    threads = [
        threading.Thread(target=send, args=(runtime, chosen, tally, end, seed + number))
        for number, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(tallies, Tally())
