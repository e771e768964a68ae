"""The batch's function: judges photographs of one bucket, and puts a piece of the results into another.

Step Functions lists the bucket and calls `lesion.batch.lambda_handler.handler` with some keys at a time (`infra/stacks/batch.py`). What it was asked
decides what the piece is called, so that whatever is done again replaces what is there: no row is lost, none is there
twice. Of a photograph nothing is kept but its row; keys stand in the results, and in no log.

Needs pyarrow and botocore beside the runtime's packages. Not in the service's image.
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

from lesion.batch.schema import LARGEST, Row, StorageError, about, crashed, judge
from lesion.errors import SettingsError
from lesion.inference.model import Model
from lesion.settings import read_settings
from lesion.web.access_log import only_ours

VIEWS = 1
RESULTS = "results"
"""Before the name of each piece. What else lies in the bucket is not part of the data set."""
_DENIED = "AccessDenied"
_OWN_FAULT = frozenset({"NoSuchKey", _DENIED, "InvalidObjectState"})
"""What S3 says about one photograph: it is gone, closed, or archived. Anything else may be said of the next one too."""


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set. Set it to the name of a bucket.")
    return value


only_ours()
_source, _target = _variable("LESION_BATCH_SOURCE"), _variable("LESION_BATCH_TARGET")
_settings = read_settings()
_model = Model(_settings.model, threads=_settings.threads)
_schema = about(_model, VIEWS).schema()
_s3 = botocore.session.get_session().create_client(
    "s3", config=Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=20)
)
_log = logging.getLogger("lesion")
_log.setLevel(logging.INFO)


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Judge what `event` names.

    Args:
        event: `run`, a name of the whole, and `keys`, which become one piece; with `crashed`, those of the keys that are
            not to be read again. Or only `key`, to see whether judging it ends this process; nothing is written then.
        context: Lambda's, not needed.

    Raises:
        StorageError: S3 does not answer, or does not let photographs be read or results be written.
    """
    if "key" in event:
        judge(event["key"], lambda: fetch(event["key"]), _model, VIEWS)
        return
    keys, ended = event["keys"], frozenset(event.get("crashed", ())) - {None}
    write(piece(event["run"], keys), [*rows([key for key in keys if key not in ended]), *map(crashed, sorted(ended))])
    _log.info("%d rows are written, %d of them without their photographs", len(keys), len(ended))


def piece(run: str, keys: Sequence[str]) -> str:
    """Key of the piece for these photographs: the same for the same ones, and another for any others."""
    digest = hashlib.sha256("\n".join(keys).encode()).hexdigest()
    return f"{RESULTS}/run={run}/{digest[:32]}.parquet"


def rows(keys: Sequence[str]) -> Iterator[Row]:
    """A row for each key; while one is judged, the next is fetched.

    Raises:
        StorageError: S3 does not answer, or denies every one of them, and then it is the function that lacks a right.
    """
    denied = 0
    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(fetch, key) for key in keys[:1]]
        for number, key in enumerate(keys):
            current = coming.pop()
            coming += [pool.submit(fetch, following) for following in keys[number + 1 : number + 2]]
            denied += isinstance(current.exception(), PermissionError)
            yield judge(key, current.result, _model, VIEWS)
    if keys and denied == len(keys):
        raise _no_answer(_DENIED)


def fetch(key: str) -> bytes:
    """The first `LARGEST` bytes of a photograph, and one more where there are more.

    Raises:
        OSError: it cannot be read; its text is S3's word for why. PermissionError where S3 denies it, which is also its
            word for a key that is gone, as the function may not list.
        StorageError: S3 does not answer.
    """
    try:
        answer = _s3.get_object(Bucket=_source, Key=key)
        with answer["Body"] as body:
            data: bytes = body.read(LARGEST + 1)
            return data
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _OWN_FAULT:
            raise OSError(errno.EACCES if code == _DENIED else 0, f"S3 says {code}.") from None
        raise _no_answer(code) from None
    except BotoCoreError as error:
        raise _no_answer(type(error).__name__) from None


def write(key: str, found: Sequence[Row]) -> None:
    """Put rows into the results, in place of what has that key.

    Raises:
        StorageError: that is not possible.
    """
    file = BytesIO()
    pq.write_table(pa.Table.from_pylist(list(found), _schema), file, compression="zstd")
    try:
        _s3.put_object(Bucket=_target, Key=key, Body=file.getvalue(), ContentType="application/vnd.apache.parquet")
    except ClientError as error:
        raise _no_answer(error.response["Error"]["Code"]) from None
    except BotoCoreError as error:
        raise _no_answer(type(error).__name__) from None


def _no_answer(why: str) -> StorageError:
    # Without botocore's own message and without its exception, which may name the photograph.
    return StorageError(f"S3 does not do what it was asked ({why}). Start again where this ended: docs/operations.md.")
