"""Lambda function of the batch: classify images of one bucket, and write a part of the results to another.

Step Functions lists the bucket and calls `handler` with some keys at a time (`infra/stacks/batch.py`). The name of a part
follows from its keys, so that a retry replaces the part: no row is lost or repeated. Of an image only its row is stored.
Keys are in the results, and in no log.

Needs pyarrow and botocore besides the service's packages. Not in the service's image.
"""

import errno
import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import botocore.session
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lesion.batch.schema import MAX_FILE_BYTES, Row, StorageError, classify_row, crashed_row, describe_run
from lesion.errors import SettingsError
from lesion.inference.model import Model
from lesion.settings import read_settings
from lesion.web.access_log import drop_third_party_logs

VIEWS = 1
RESULTS = "results"
"""Prefix of the name of each part. Other objects in the bucket are not part of the data set."""
_ACCESS_DENIED = "AccessDenied"
_OBJECT_ERRORS = frozenset({"NoSuchKey", _ACCESS_DENIED, "InvalidObjectState"})
"""S3's error codes about one object: it is gone, not accessible, or archived. Other codes may affect every object."""


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set. Set it to the name of a bucket.")
    return value


drop_third_party_logs()
_source, _target = _variable("LESION_BATCH_SOURCE"), _variable("LESION_BATCH_TARGET")
_settings = read_settings()
_model = Model(_settings.model, threads=_settings.threads)
_schema = describe_run(_model, VIEWS).schema()
_s3 = botocore.session.get_session().create_client(
    "s3", config=Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=20)
)
_log = logging.getLogger("lesion")
_log.setLevel(logging.INFO)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Classify the images that an event names.

    Args:
        event: `run`, the name of the run, and `keys`, whose rows become one part; optional `crashed`, those of the keys that
            must not be read again. Or only `key`, to find out whether classifying it crashes the process, which writes
            nothing.
        context: Lambda's, not used.

    Raises:
        StorageError: S3 is not available, or denies reading the images or writing the results.
    """
    if "key" in event:
        classify_row(event["key"], lambda: fetch(event["key"]), _model, VIEWS)
        return
    keys, crashed = event["keys"], frozenset(event.get("crashed", ())) - {None}
    rows = [*classify_keys([key for key in keys if key not in crashed]), *map(crashed_row, sorted(crashed))]
    write_part(part_key(event["run"], keys), rows)
    _log.info("%d rows are written, %d of them without their images", len(keys), len(crashed))


def part_key(run: str, keys: Sequence[str]) -> str:
    """Return the key of a part: the same for the same image keys, another for any others.

    Args:
        run: name of the run.
        keys: of the images, in their order.
    """
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()
    return f"{RESULTS}/run={run}/{digest[:32]}.parquet"


def classify_keys(keys: Sequence[str]) -> Iterator[Row]:
    """Yield a row for each key; while one image is classified, the next is fetched.

    Args:
        keys: of the images.

    Raises:
        StorageError: S3 is not available, or denies every image, which means that the function lacks a permission.
    """
    denied = 0
    with ThreadPoolExecutor(1) as pool:
        fetches = [pool.submit(fetch, key) for key in keys[:1]]
        for number, key in enumerate(keys):
            current = fetches.pop()
            fetches += [pool.submit(fetch, following) for following in keys[number + 1 : number + 2]]
            denied += isinstance(current.exception(), PermissionError)
            yield classify_row(key, current.result, _model, VIEWS)
    if keys and denied == len(keys):
        raise _storage_error(_ACCESS_DENIED)


def fetch(key: str) -> bytes:
    """Return the bytes of an image; of objects above `MAX_FILE_BYTES`, one byte more than that.

    Args:
        key: of the image.

    Raises:
        OSError: the object cannot be read; its text is S3's error code. It is a PermissionError if S3 denies access, which
            S3 also answers for a missing key, because the function may not list the bucket.
        StorageError: S3 is not available.
    """
    try:
        answer = _s3.get_object(Bucket=_source, Key=key)
        with answer["Body"] as body:
            data: bytes = body.read(MAX_FILE_BYTES + 1)
            return data
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _OBJECT_ERRORS:
            raise OSError(errno.EACCES if code == _ACCESS_DENIED else 0, f"S3 says {code}.") from None
        raise _storage_error(code) from None
    except BotoCoreError as error:
        raise _storage_error(type(error).__name__) from None


def write_part(key: str, rows: Sequence[Row]) -> None:
    """Write rows as one part, and replace the part of the same key.

    Args:
        key: of the part.
        rows: of its images.

    Raises:
        StorageError: S3 is not available or denies it.
    """
    file = BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), _schema), file, compression="zstd")
    try:
        _s3.put_object(Bucket=_target, Key=key, Body=file.getvalue(), ContentType="application/vnd.apache.parquet")
    except ClientError as error:
        raise _storage_error(error.response["Error"]["Code"]) from None
    except BotoCoreError as error:
        raise _storage_error(type(error).__name__) from None


def _storage_error(cause: str) -> StorageError:
    # Without botocore's own message and without its exception, which may name the image.
    return StorageError(f"S3 does not fulfil a request ({cause}). Resume the run: docs/operations.md.")
