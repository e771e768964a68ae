"""A bucket of photographs: a row for each, whatever it is, whatever ends and whenever it is stopped."""

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
from tests.support.cloud.batch import Rehearsal, handler, storage
from tests.support.cloud.fragile_files import DEADLY, ENDLESS
from tests.support.cloud.states import Execution, Machine, StateFailed
from tests.support.cloud.template import NotRehearsed, Template
from tests.support.lambda_runtime.emulator import said
from tests.support.paths import SAMPLES, TELEPHONE

FRAGILE = "tests.support.cloud.fragile.handler"
Put = Callable[..., Rehearsal]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The stack of the batch alone."""
    try:
        from aws_cdk import App
    except (ImportError, OSError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"CDK cannot start here ({error}). `make setup` installs it, with the node that it needs.")
    from infra.stacks.batch import BatchStack

    folder = tmp_path_factory.mktemp("cdk")
    app = App(outdir=str(folder), analytics_reporting=False)
    BatchStack(app, "LesionBatch", Settings(batch_bucket="my-photographs", batch_prefix="clinic/2025/", batch_concurrency=4))
    app.synth()
    return Template.read(folder, "LesionBatch")


@pytest.fixture
def rehearse(stack: Template, stand_in_file: Path, tmp_path: Path) -> Iterator[Put]:
    """Puts the stack together, on an S3 of its own."""
    with storage() as address:
        made = []

        def make(**options: Any) -> Rehearsal:
            given = {"functions": 4, "handler": handler(), "pause": 0.2, **options}
            made.append(Rehearsal(stack, address, stand_in_file, tmp_path, **given))
            return made[-1]

        yield make
        for rehearsal in made:
            rehearsal.functions.__exit__()


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("picture") / "small.jpg"
    Image.open(SAMPLES / "ISIC_0000026.jpg").resize((160, 120)).save(path)
    return path.read_bytes()


def rows(rehearsal: Rehearsal, folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ds.dataset(rehearsal.fetch(folder), partitioning="hive").to_table().to_pylist()
    return found


def test_every_object_has_the_row_that_the_same_file_has_on_one_machine(
    rehearse: Put, stand_in_file: Path, tmp_path: Path
) -> None:
    source = tmp_path / "photographs"
    (source / "below").mkdir(parents=True)
    shutil.copy(SAMPLES / "ISIC_0000026.jpg", source / "müller a.jpg")
    shutil.copy(TELEPHONE / "ISIC_0000026.heic", source / "below" / "b.heic")
    (source / "cut.jpg").write_bytes((SAMPLES / "ISIC_0000026.jpg").read_bytes()[:9000])
    Image.new("RGB", (400, 300)).save(source / "dark.png")
    (source / "empty").touch()
    here = cli.run(source, tmp_path / "results.parquet", stand_in_file)
    rehearsal = rehearse()
    for path in source.rglob("*"):
        if path.is_file():
            rehearsal.put(path.relative_to(source).as_posix(), path.read_bytes())
    rehearsal.s3.put_object(Bucket=rehearsal.source, Key="another/folder.jpg", Body=b"")
    rehearsal.machine.start("first")

    def comparable(found: list[dict[str, Any]], cut: str) -> dict[str, dict[str, Any]]:
        kept = [{key: value for key, value in row.items() if key not in ("decode_ms", "infer_ms", "run")} for row in found]
        return {row.pop("file").removeprefix(cut): row for row in kept}

    found = rows(rehearsal, tmp_path)
    assert {row["run"] for row in found} == {"first"} and len(found) == 5
    expected = ds.dataset(here).to_table()
    assert comparable(found, rehearsal.prefix) == comparable(expected.to_pylist(), "")
    (piece,) = (tmp_path / "results").rglob("*.parquet")
    assert ds.dataset(piece).schema.equals(expected.schema, check_metadata=True)
    assert said(rehearsal.functions.log, "5 rows are written")
    assert "müller" not in rehearsal.functions.log() and "b.heic" not in rehearsal.functions.log()


@pytest.mark.slow
def test_more_than_a_listing_holds_and_functions_that_are_busy(rehearse: Put, tmp_path: Path, picture: bytes) -> None:
    rehearsal = rehearse()
    keys = [rehearsal.put(f"{number:04}.jpg", picture if number % 10 == 0 else b"") for number in range(1010)]
    rehearsal.functions.turned_away = 3
    execution = rehearsal.machine.start("many")
    found = rows(rehearsal, tmp_path)
    assert sorted(row["file"] for row in found) == keys
    assert Counter(row["status"] for row in found) == {"ok": 101, "error": 909}
    assert len(execution.children) == 21 and execution.transitions == 1
    assert rehearsal.machine.retries == ["Lambda.TooManyRequestsException"] * 3


@pytest.mark.slow
def test_killed_and_stopped_at_any_moment_it_goes_on_and_no_row_is_lost_or_there_twice(
    rehearse: Put, tmp_path: Path, picture: bytes
) -> None:
    rehearsal = rehearse(functions=10)
    keys = [rehearsal.put(f"{number:04}.jpg", picture) for number in range(400)]
    kills = [0]
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.15):
            kills[0] += kills[0] < 5 and rehearsal.functions.kill_one()

    def stop() -> None:
        while rehearsal.functions.bills[2:] == [] and not over.wait(0.01):
            pass
        rehearsal.machine.stop()

    helpers = [threading.Thread(target=job, daemon=True) for job in (kill, stop)]
    for helper in helpers:
        helper.start()
    execution = Execution("stopped")
    # It is stopped; or what was killed has failed it before.
    with pytest.raises(StateFailed):
        rehearsal.machine.run(execution)
    assert not all(child.done for child in execution.children)
    while not all(child.done for child in execution.children):
        with suppress(StateFailed):
            rehearsal.machine.run(execution)
    over.set()
    for helper in helpers:
        helper.join()
    assert kills[0] >= 2
    found = rows(rehearsal, tmp_path)
    assert sorted(row["file"] for row in found) == keys
    before = {path.name for path in (tmp_path / "results").rglob("*.parquet")}
    rehearsal.machine.start("stopped")
    assert {path.name for path in rehearsal.fetch(tmp_path).rglob("*.parquet")} == before


def test_a_file_that_ends_the_function_or_never_ends_is_a_row_and_the_others_are_judged(
    rehearse: Put, tmp_path: Path, picture: bytes
) -> None:
    rehearsal = rehearse(handler=FRAGILE, seconds=5.0)
    good = [rehearsal.put(f"{number}.jpg", picture) for number in range(8)]
    bad = [rehearsal.put("x1", DEADLY), rehearsal.put("x2", ENDLESS), rehearsal.put("x3", DEADLY)]
    rehearsal.machine.start("fragile")
    found = rows(rehearsal, tmp_path)
    assert sorted(row["file"] for row in found) == sorted([*good, *bad])
    assert [row["file"] for row in found if row["code"] == "crashed"] == bad
    assert Counter(row["status"] for row in found) == {"ok": 8, "error": 3}
    assert len(list((tmp_path / "results").rglob("*.parquet"))) == 1


def test_what_is_gone_has_a_row_and_an_s3_that_does_not_answer_ends_the_execution(
    rehearse: Put, tmp_path: Path, picture: bytes
) -> None:
    rehearsal = rehearse(functions=1)
    gone, there = rehearsal.prefix + "gone.jpg", rehearsal.put("there.jpg", picture)
    rehearsal.functions.invoke({"run": "by hand", "keys": [gone, there]})
    (lost, judged) = rows(rehearsal, tmp_path)
    assert (lost["status"], lost["code"], lost["message"]) == ("error", "unreadable", "S3 says NoSuchKey.")
    assert judged["status"] == "ok"
    shutil.rmtree(tmp_path / "results")
    for found in rehearsal.s3.list_objects_v2(Bucket=rehearsal.target)["Contents"]:
        rehearsal.s3.delete_object(Bucket=rehearsal.target, Key=found["Key"])
    rehearsal.s3.delete_bucket(Bucket=rehearsal.target)
    execution = Execution("no bucket")
    with pytest.raises(StateFailed, match=r"StorageError.*NoSuchBucket.*Start again") as caught:
        rehearsal.machine.run(execution)
    assert rehearsal.machine.retries == ["StorageError"] * 5
    assert there not in caught.value.cause and there not in rehearsal.functions.log()
    rehearsal.s3.create_bucket(Bucket=rehearsal.target)
    rehearsal.machine.run(execution)
    assert [row["file"] for row in rows(rehearsal, tmp_path)] == [there]


def test_what_is_not_imitated_is_not_passed_over() -> None:
    for state in ({"Type": "Wait", "End": True}, {"Type": "Pass", "InputPath": "$", "Result": 1, "End": True}):
        machine = Machine({"StartAt": "A", "States": {"A": state}}, lambda *_: None, None)
        with pytest.raises(NotRehearsed):
            machine.start("any")
