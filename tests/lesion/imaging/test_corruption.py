"""Files broken in a thousand ways: each is answered, none as a fault, and the service goes on.

The seed is fixed, so that a failure can be repeated; its number is in the message.
"""

import numpy as np
import pytest
from lesion.imaging.formats import FORMATS
from starlette.testclient import TestClient

from tests.support.image_files import small_files

# Pillow warns of broken metadata; in the service that is a line in the log and no error, and so it is here.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

COUNT = 1000
SEED = 20_250_310


def corrupt(data: bytes, other: bytes, random: np.random.Generator) -> bytes:
    """One random corruption: cut, flipped bytes, a swapped header, a repeated or zeroed stretch, or noise at the start."""
    broken = bytearray(data)
    place = int(random.integers(len(data)))
    match random.integers(7):
        case 0:
            return data[:place]
        case 1:
            for position in random.integers(len(data), size=int(random.integers(1, 20))):
                broken[position] = int(random.integers(256))
        case 2:
            # Where sizes, offsets and lengths are.
            for position in random.integers(min(len(data), 200), size=int(random.integers(1, 6))):
                broken[position] = int(random.integers(256))
        case 3:
            return other[: int(random.integers(4, 64))] + data[int(random.integers(4, 64)) :]
        case 4:
            broken[place:place] = broken[place : place + int(random.integers(1, 500))]
        case 5:
            end = min(len(data), place + int(random.integers(1, 500)))
            broken[place:end] = bytes(end - place)
        case _:
            head = int(random.integers(12, 64))
            broken[12:head] = random.bytes(head - 12)
    return bytes(broken)


def test_the_files_are_of_every_format_and_judged_while_whole(client: TestClient) -> None:
    answers = [client.post("/api/classify", content=data) for _, data in small_files()]
    assert {answer.json()["image"]["format"] for answer in answers} == set(FORMATS)


@pytest.mark.parametrize("share", range(10))
def test_a_corrupt_file_is_never_a_fault(client: TestClient, share: int) -> None:
    files = small_files()
    for number in range(share * COUNT // 10, (share + 1) * COUNT // 10):
        random = np.random.default_rng((SEED, number))
        name, data = files[number % len(files)]
        _, other = files[int(random.integers(len(files)))]
        response = client.post("/api/classify", content=corrupt(data, other, random))
        assert response.status_code in (200, 400, 413, 415), f"number {number}, {name}: {response.text}"


def test_after_all_that_a_clean_photograph_is_judged(client: TestClient, photograph: bytes) -> None:
    assert client.post("/api/classify", content=photograph).json()["status"] == "ok"
