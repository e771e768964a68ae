"""A thousand randomly corrupted files: each is answered, none as an unhandled error, and the service continues.

The seed is fixed, so that a failure can be reproduced; the file's number is in the message.
"""

import numpy as np
import pytest
from lesion.errors import RequestError
from lesion.imaging.decode import decode
from lesion.imaging.formats import FORMATS
from lesion.imaging.memory_limit import limit_memory
from starlette.testclient import TestClient

from tests.support.image_files import small_files
from tests.support.image_kinds import read_kinds, refused_kinds

# Pillow warns of malformed metadata, which is not an error in the service.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

COUNT = 1000
SEED = 20_250_310


def corrupt(data: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """Return a random corruption: truncated, changed bytes, another header, repeated or zeroed bytes, or a random header."""
    changed = bytearray(data)
    place = int(random.integers(len(data)))
    match random.integers(7):
        case 0:
            return data[:place]
        case 1:
            for position in random.integers(len(data), size=int(random.integers(1, 20))):
                changed[position] = int(random.integers(256))
        case 2:
            # Sizes, offsets and lengths are here.
            for position in random.integers(min(len(data), 200), size=int(random.integers(1, 6))):
                changed[position] = int(random.integers(256))
        case 3:
            return other[: int(random.integers(4, 64))] + data[int(random.integers(4, 64)) :]
        case 4:
            changed[place:place] = changed[place : place + int(random.integers(1, 500))]
        case 5:
            end = min(len(data), place + int(random.integers(1, 500)))
            changed[place:end] = bytes(end - place)
        case _:
            head = int(random.integers(12, 64))
            changed[12:head] = random.bytes(head - 12)
    return bytes(changed)


def test_intact_files_of_every_format_are_answered(client: TestClient) -> None:
    answers = [client.post("/api/classify", content=data) for _, data in small_files()]
    assert {answer.json()["image"]["format"] for answer in answers} == set(FORMATS)


@pytest.mark.parametrize("share", range(10))
def test_corrupt_files_are_never_unhandled_errors(client: TestClient, share: int) -> None:
    files = small_files()
    for number in range(share * COUNT // 10, (share + 1) * COUNT // 10):
        random = np.random.default_rng((SEED, number))
        name, data = files[number % len(files)]
        _, other = files[int(random.integers(len(files)))]
        response = client.post("/api/classify", content=corrupt(data, other, random))
        assert response.status_code in (200, 400, 413, 415), f"number {number}, {name}: {response.text}"


@pytest.mark.parametrize("name", read_kinds())
def test_every_kind_is_answered(client: TestClient, name: str) -> None:
    assert client.post("/api/classify", content=read_kinds()[name]).status_code == 200


@pytest.mark.parametrize("name", refused_kinds())
def test_every_other_kind_is_named(client: TestClient, name: str) -> None:
    data, words = refused_kinds()[name]
    answer = client.post("/api/classify", content=data).json()
    assert (answer["status"], answer["code"]) == (415, "unsupported_format") and words in answer["detail"]


@pytest.mark.parametrize("name", [*read_kinds(), *refused_kinds()])
@pytest.mark.parametrize("count", [60, pytest.param(COUNT, marks=pytest.mark.slow)])
def test_corrupt_kinds_are_decoded_or_refused(name: str, count: int) -> None:
    data = read_kinds().get(name) or refused_kinds()[name][0]
    others = list(read_kinds().values())
    for number in range(count):
        random = np.random.default_rng((SEED, number))
        with limit_memory():
            try:
                assert decode(corrupt(data, others[number % len(others)], random)).pixels.size
            except RequestError as error:
                assert error.status in (400, 413, 415), number


def test_service_continues_after_corrupt_files(client: TestClient, image_bytes: bytes) -> None:
    assert client.post("/api/classify", content=image_bytes).json()["status"] == "ok"
