"""The batch writes exactly one row per object, whatever it contains and whatever crashes or stops."""

import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from lesion.batch import cli
from PIL import Image

from infra.config import Settings
from tests.support.cloud.batch import BatchEmulation, handler, storage
from tests.support.cloud.crashing_files import DEADLY, ENDLESS
from tests.support.cloud.states import Execution, Machine, StateFailed
from tests.support.cloud.template import NotEmulated, Template
from tests.support.lambda_runtime.process import wait_for_log
from tests.support.paths import PHONE_IMAGES, SAMPLES

CRASHING = "tests.support.cloud.crashing_handler.handler"
Put = Callable[..., BatchEmulation]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return the batch stack."""
    try:
        from aws_cdk import App, Stack
    except (ImportError, OSError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"CDK cannot start here ({error}). `make setup` installs it, with the node that it needs.")
    from aws_cdk.aws_sns import Topic

    from infra.stacks.batch import BatchStack

    folder = tmp_path_factory.mktemp("cdk")
    app = App(outdir=str(folder), analytics_reporting=False)
    settings = Settings(batch_bucket="my-images", batch_prefix="clinic/2025/", batch_concurrency=4)
    # The alarms' topic is the service's, which is not emulated here.
    topic = Topic.from_topic_arn(Stack(app, "Service"), "Topic", "arn:aws:sns:us-east-1:123456789012:topic")
    BatchStack(app, "LesionBatch", settings, topic)
    app.synth()
    return Template.read(folder, "LesionBatch")


@pytest.fixture
def emulate(stack: Template, stand_in_file: Path, tmp_path: Path) -> Iterator[Put]:
    """Return a function that emulates the stack on an empty S3."""
    with storage() as address:
        made = []

        def make(**options: Any) -> BatchEmulation:
            given = {"functions": 4, "handler": handler(), "pause": 0.2, **options}
            made.append(BatchEmulation(stack, address, stand_in_file, tmp_path, **given))
            return made[-1]

        yield make
        for emulation in made:
            emulation.functions.__exit__()


@pytest.fixture(scope="module")
def small_jpeg(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("image") / "small.jpg"
    Image.open(SAMPLES / "ISIC_0000026.jpg").resize((160, 120)).save(path)
    return path.read_bytes()


def rows(emulation: BatchEmulation, folder: Path) -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = ds.dataset(emulation.fetch(folder), partitioning="hive").to_table().to_pylist()
    return table


def test_batch_rows_equal_those_of_the_command_line(emulate: Put, stand_in_file: Path, tmp_path: Path) -> None:
    """Every object gets the row that the same file gets from `python -m lesion.batch`."""
    source = tmp_path / "images"
    (source / "below").mkdir(parents=True)
    shutil.copy(SAMPLES / "ISIC_0000026.jpg", source / "müller a.jpg")
    shutil.copy(PHONE_IMAGES / "ISIC_0000026.heic", source / "below" / "b.heic")
    (source / "cut.jpg").write_bytes((SAMPLES / "ISIC_0000026.jpg").read_bytes()[:9000])
    Image.new("RGB", (400, 300)).save(source / "dark.png")
    (source / "empty").touch()
    here = cli.run(source, tmp_path / "results.parquet", stand_in_file)
    emulation = emulate()
    for path in source.rglob("*"):
        if path.is_file():
            emulation.put(path.relative_to(source).as_posix(), path.read_bytes())
    emulation.s3.put_object(Bucket=emulation.source, Key="another/folder.jpg", Body=b"")
    emulation.machine.start("first")

    def comparable(given_rows: list[dict[str, Any]], cut: str) -> dict[str, dict[str, Any]]:
        kept = [
            {key: value for key, value in row.items() if key not in ("decode_ms", "infer_ms", "run")} for row in given_rows
        ]
        return {row.pop("file").removeprefix(cut): row for row in kept}

    result_rows = rows(emulation, tmp_path)
    assert {row["run"] for row in result_rows} == {"first"} and len(result_rows) == 5
    expected = ds.dataset(here).to_table()
    assert comparable(result_rows, emulation.prefix) == comparable(expected.to_pylist(), "")
    (piece,) = (tmp_path / "results").rglob("*.parquet")
    assert ds.dataset(piece).schema.equals(expected.schema, check_metadata=True)
    assert wait_for_log(emulation.functions.log, "5 rows are written")
    assert "müller" not in emulation.functions.log() and "b.heic" not in emulation.functions.log()


@pytest.mark.slow
def test_batch_reads_all_pages_and_retries_throttled_calls(emulate: Put, tmp_path: Path, small_jpeg: bytes) -> None:
    """More objects than one page of the listing, and functions that reject calls at first."""
    emulation = emulate()
    keys = [emulation.put(f"{number:04}.jpg", small_jpeg if number % 10 == 0 else b"") for number in range(1010)]
    emulation.functions.calls_to_throttle = 3
    execution = emulation.machine.start("many")
    result_rows = rows(emulation, tmp_path)
    assert sorted(row["file"] for row in result_rows) == keys
    assert Counter(row["status"] for row in result_rows) == {"ok": 101, "error": 909}
    assert len(execution.children) == 21 and execution.transitions == 1
    assert emulation.machine.retries == ["Lambda.TooManyRequestsException"] * 3


@pytest.mark.slow
def test_batch_resumes_after_kills_without_lost_rows(emulate: Put, tmp_path: Path, small_jpeg: bytes) -> None:
    """Functions are killed and the execution is stopped at arbitrary moments; every object has exactly one row."""
    emulation = emulate(functions=10)
    keys = [emulation.put(f"{number:04}.jpg", small_jpeg) for number in range(400)]
    kills = [0]
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.15):
            kills[0] += kills[0] < 5 and emulation.functions.kill_one()

    def stop() -> None:
        while emulation.functions.bills[2:] == [] and not over.wait(0.01):
            pass
        emulation.machine.stop()

    helpers = [threading.Thread(target=job, daemon=True) for job in (kill, stop)]
    for helper in helpers:
        helper.start()
    execution = Execution("stopped")
    # The execution is stopped, or a killed function has failed it before.
    with pytest.raises(StateFailed):
        emulation.machine.run(execution)
    assert not all(child.done for child in execution.children)
    while not all(child.done for child in execution.children):
        with suppress(StateFailed):
            emulation.machine.run(execution)
    over.set()
    for helper in helpers:
        helper.join()
    assert kills[0] >= 2
    result_rows = rows(emulation, tmp_path)
    assert sorted(row["file"] for row in result_rows) == keys
    before = {path.name for path in (tmp_path / "results").rglob("*.parquet")}
    emulation.machine.start("stopped")
    assert {path.name for path in emulation.fetch(tmp_path).rglob("*.parquet")} == before


@pytest.mark.slow
def test_batch_writes_a_row_for_a_file_that_crashes(emulate: Put, tmp_path: Path, small_jpeg: bytes) -> None:
    """One file ends the process and one never returns; the other files are classified."""
    emulation = emulate(handler=CRASHING, seconds=5.0)
    good = [emulation.put(f"{number}.jpg", small_jpeg) for number in range(8)]
    bad = [emulation.put("x1", DEADLY), emulation.put("x2", ENDLESS), emulation.put("x3", DEADLY)]
    emulation.machine.start("fragile")
    result_rows = rows(emulation, tmp_path)
    assert sorted(row["file"] for row in result_rows) == sorted([*good, *bad])
    assert [row["file"] for row in result_rows if row["code"] == "crashed"] == bad
    assert Counter(row["status"] for row in result_rows) == {"ok": 8, "error": 3}
    assert len(list((tmp_path / "results").rglob("*.parquet"))) == 1


def test_batch_handles_missing_objects_and_missing_buckets(emulate: Put, tmp_path: Path, small_jpeg: bytes) -> None:
    """A deleted object has a row with an error; a missing bucket ends the execution, which can be redriven."""
    emulation = emulate(functions=1)
    gone, there = emulation.prefix + "gone.jpg", emulation.put("there.jpg", small_jpeg)
    emulation.functions.invoke({"run": "by hand", "keys": [gone, there]})
    (lost, classified) = rows(emulation, tmp_path)
    assert (lost["status"], lost["code"], lost["message"]) == ("error", "unreadable", "S3 says NoSuchKey.")
    assert classified["status"] == "ok"
    shutil.rmtree(tmp_path / "results")
    for entry in emulation.s3.list_objects_v2(Bucket=emulation.target)["Contents"]:
        emulation.s3.delete_object(Bucket=emulation.target, Key=entry["Key"])
    emulation.s3.delete_bucket(Bucket=emulation.target)
    execution = Execution("no bucket")
    with pytest.raises(StateFailed, match=r"StorageError.*NoSuchBucket.*Resume the run") as caught:
        emulation.machine.run(execution)
    assert emulation.machine.retries == ["StorageError"] * 5
    assert there not in caught.value.cause and there not in emulation.functions.log()
    emulation.s3.create_bucket(Bucket=emulation.target)
    emulation.machine.run(execution)
    assert [row["file"] for row in rows(emulation, tmp_path)] == [there]


def test_unsupported_states_raise() -> None:
    for state in ({"Type": "Wait", "End": True}, {"Type": "Pass", "InputPath": "$", "Result": 1, "End": True}):
        machine = Machine({"StartAt": "A", "States": {"A": state}}, lambda *_: None, None)
        with pytest.raises(NotEmulated):
            machine.start("any")
