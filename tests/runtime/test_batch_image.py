"""The batch image as Lambda runs it: it reads and writes buckets and classifies as the service does.

Run by `make test-image`, after `make image`, of whose steps it takes the most.
"""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
from lesion.inference.classify import classify
from lesion.inference.model import Model
from lesion.settings import Settings

from infra.packaging.buildah import BUILD
from infra.packaging.image import build
from tests.support.cloud.batch import KEYS, client, storage
from tests.support.lambda_runtime.container import Container, Image, working_copy
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.network import Network
from tests.support.paths import PHONE_IMAGES, SAMPLES

pytestmark = pytest.mark.image

ARCHIVE, TAG = BUILD / "batch.tar", "localhost/lesion-batch:dev"
MEMORY = 3538


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    build(archive=ARCHIVE, tag=TAG, target="batch")
    with working_copy(ARCHIVE, TAG) as image:
        yield image


def test_batch_image_classifies_a_bucket_and_calls_only_s3(image: Image) -> None:
    paths = [SAMPLES / "ISIC_0010021.jpg", PHONE_IMAGES / "ISIC_0000026.heic"]
    images = {path.name: path.read_bytes() for path in paths} | {"no image.jpg": b"no image"}
    with Network() as network:
        # Everything runs in the container's network, which has no outside connection.
        places = storage()
        address = network.call(places.__enter__)
        try:
            s3: Any = client(address)

            def lay_out() -> None:
                for bucket in ("images", "results"):
                    s3.create_bucket(Bucket=bucket)
                for name, data in images.items():
                    s3.put_object(Bucket="images", Key=name, Body=data)

            def result_files() -> list[bytes]:
                listed = s3.list_objects_v2(Bucket="results").get("Contents", [])
                return [s3.get_object(Bucket="results", Key=entry["Key"])["Body"].read() for entry in listed]

            network.call(lay_out)
            told = {**KEYS, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": address}
            told |= {"LESION_BATCH_SOURCE": "images", "LESION_BATCH_TARGET": "results"}
            before = network.attempts()
            with (
                network.call(RuntimeApi) as runtime,
                Container(image, network, runtime, environment=told, memory=MEMORY) as container,
            ):
                assert runtime.invoke({"run": "first", "keys": [*images, "gone.jpg"]}, seconds=120) is None
                assert not [name for name in (*images, "gone.jpg") if name in container.log()]
            assert network.attempts() == before
            [piece] = network.call(result_files)
        finally:
            network.call(lambda: places.__exit__(None, None, None))
    rows = {row["file"]: row for row in pq.read_table(io.BytesIO(piece)).to_pylist()}
    assert {name: row["code"] for name, row in rows.items() if row["status"] == "error"} == {
        "no image.jpg": "unsupported_format",
        "gone.jpg": "unreadable",
    }
    model = Model(Settings.model)
    for path in paths:
        prediction = classify(path.read_bytes(), model).prediction
        assert prediction is not None
        assert rows[path.name]["malignant_probability"] == pytest.approx(prediction.malignant_probability, rel=1e-5)
