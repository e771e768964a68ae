"""`python -m lesion.batch` writes one row per image, whatever the image is and whenever the run is interrupted."""

import csv
import json
import multiprocessing
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from lesion.batch import cli, progress
from lesion.batch.formats import OutputError
from lesion.batch.inputs import SourceError, list_inputs
from lesion.batch.resumable_parquet import ResultsError, ResumableResults
from lesion.batch.schema import RunInfo, crashed_row, describe_run
from lesion.inference.model import Model
from lesion.inference.schemas import Views
from PIL import Image
from starlette.testclient import TestClient

from tests.support.paths import PHONE_IMAGES, REPOSITORY, SAMPLES
from tests.support.stand_in_model import build

RUN = RunInfo("1", "ab", 1, ("melanoma", "nevus"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One of each: valid images, a dark one, and files that are not images."""
    source = tmp_path / "images"
    (source / "below").mkdir(parents=True)
    shutil.copy(SAMPLES / "ISIC_0000026.jpg", source / "a.jpg")
    shutil.copy(PHONE_IMAGES / "ISIC_0000026.heic", source / "below" / "b.heic")
    (source / "cut.jpg").write_bytes((SAMPLES / "ISIC_0000026.jpg").read_bytes()[:9000])
    Image.new("RGB", (400, 300)).save(source / "dark.png")
    (source / "empty").touch()
    (source / "notes.txt").write_text("no image")
    return source


def test_run_writes_the_answers_of_the_service(
    folder: Path, stand_in_file: Path, client: TestClient, tmp_path: Path
) -> None:
    results = cli.run(folder, tmp_path / "out" / "results.parquet", stand_in_file, workers=2)
    assert [path.name for path in results.parent.iterdir()] == ["results.parquet"]
    table = pq.read_table(results)
    assert table.schema.metadata[b"views"] == b"1"
    rows = {row["file"]: row for row in table.to_pylist()}
    assert list(rows) == ["a.jpg", "below/b.heic", "cut.jpg", "dark.png", "empty", "notes.txt"]
    for name, row in rows.items():
        answer = client.post("/api/classify?evidence=false", content=(folder / name).read_bytes())
        said = answer.json()
        if answer.status_code != 200:
            assert (row["status"], row["malignant_probability"]) == ("error", None)
            # For the API, an empty body is a missing file.
            assert row["code"] == ("unsupported_format" if name == "empty" else said["code"])
            continue
        assert (row["status"], row["width"], row["format"]) == (
            said["status"],
            said["image"]["width"],
            said["image"]["format"],
        )
        if said["status"] == "refused":
            assert (row["code"], row["message"]) == (said["refusal"]["code"], said["refusal"]["message"])
            assert (row["malignant_probability"], row["probability_nevus"]) == (None, None)
        else:
            assert (row["image_type"], row["image_type_source"]) == ("dermoscopic", "assumed")
            for key in ("decision", "malignant_probability", "threshold", "prediction_set", "logit"):
                assert row[key] == said["prediction"][key]
            for entry in said["prediction"]["classes"]:
                assert row[f"probability_{entry['code']}"] == entry["probability"]
    assert {row["status"] for row in rows.values()} == {"ok", "refused", "error"}


def test_run_reads_a_table(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    """Files are relative to the table, and missing ones have a row."""
    (folder / "table.csv").write_text("﻿id,file\n1,a.jpg\n2,gone.jpg\n3,below/b.heic\n")
    results = cli.run(folder / "table.csv", tmp_path / "results.parquet", stand_in_file, views=Views.EIGHT)
    rows = pq.read_table(results).to_pylist()
    assert [(row["file"], row["status"], row["code"]) for row in rows] == [
        ("a.jpg", "ok", None),
        ("gone.jpg", "error", "unreadable"),
        ("below/b.heic", "ok", None),
    ]


def test_run_supports_names_that_are_not_utf8(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    os.rename(folder / "a.jpg", os.fsencode(folder) + b"/caf\xe9.jpg")
    results = cli.run(folder, tmp_path / "results.parquet", stand_in_file)
    rows = {row["file"]: row["status"] for row in pq.read_table(results).to_pylist()}
    assert len(rows) == 6 and rows["caf\\xe9.jpg"] == "ok"
    (folder / "caf\\xe9.jpg").touch()
    with pytest.raises(SourceError, match="Rename one"):
        cli.run(folder, tmp_path / "more.parquet", stand_in_file)


def test_run_ignores_its_own_results(folder: Path, stand_in_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with ResumableResults(Path("results.parquet"), describe_run(Model(stand_in_file), 1)) as journal:
        journal.write([crashed_row("a.jpg")])
    for _ in range(2):
        cli.run(Path(), Path("results.parquet"), stand_in_file)
        names = pq.read_table("results.parquet", columns=["file"])["file"].to_pylist()
        assert names == ["a.jpg", "below/b.heic", "cut.jpg", "dark.png", "empty", "notes.txt"]


@pytest.mark.slow
def test_run_resumes_after_a_kill(stand_in_file: Path, tmp_path: Path) -> None:
    """No row is lost or repeated."""
    source, results = tmp_path / "images", tmp_path / "results.parquet"
    source.mkdir()
    image = Image.open(SAMPLES / "ISIC_0000026.jpg").resize((160, 120))
    for number in range(150):
        image.save(source / f"{number:03}.jpg")
    script = (
        "import signal, sys; from lesion.batch import cli; cli._FLUSH_ROWS = 4\n"
        "if __name__ == '__main__':\n"
        # Tests that a shell started in the background ignore interrupts.
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    sys.exit(cli.main(sys.argv[1:]))\n"
    )
    (tmp_path / "often.py").write_text(script)
    command = [sys.executable, str(tmp_path / "often.py"), str(source), "-o", str(results), "--workers", "2"]
    environment = {**os.environ, "LESION_MODEL": str(stand_in_file), "PYTHONPATH": str(REPOSITORY / "lambda")}

    def pieces() -> int:
        return len(list(tmp_path.glob("results.parquet.pieces/*.parquet")))

    stops, started = 0, set()
    for kind in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        before = pieces()
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and pieces() < before + 3:
                time.sleep(0.005)
            started |= set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
            process.send_signal(kind)
        stops += process.returncode != 0
    assert stops == 3 and not results.exists()
    assert len(started) >= 6, "two workers each time"
    end = time.monotonic() + 30
    while (running := {number for number in started if Path(f"/proc/{number}").exists()}) and time.monotonic() < end:
        time.sleep(0.1)
    assert not running, "the workers end with a process that was killed"
    assert subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False).returncode == 0
    names = pq.read_table(results, columns=["file"])["file"].to_pylist()
    assert names == [f"{number:03}.jpg" for number in range(150)]


def test_crashing_file_becomes_a_row(folder: Path, stand_in_file: Path) -> None:
    """The other files are classified."""
    # Reading a pipe blocks, so that this test can kill the process that reads it.
    os.mkfifo(folder / "pipe")
    files = {name: folder / name for name in ("a.jpg", "pipe", "dark.png", "notes.txt")}
    with ThreadPoolExecutor(1) as pool:
        rows = pool.submit(lambda: list(cli.classify_files(files, stand_in_file, Views.ONE, 1)))
        ended = 0
        while not rows.done():
            with suppress(OSError):  # nobody reads
                writer = os.open(folder / "pipe", os.O_WRONLY | os.O_NONBLOCK)
                for child in multiprocessing.active_children():
                    child.kill()
                    child.join()
                    ended += 1
                os.close(writer)
            time.sleep(0.01)
    by_file = {row["file"]: row for row in rows.result()}
    assert len(rows.result()) == 4 and ended == 2
    assert by_file["pipe"]["code"] == "crashed"
    assert (by_file["a.jpg"]["status"], by_file["notes.txt"]["code"]) == ("ok", "unsupported_format")


def test_run_rejects_results_of_another_model(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    results = cli.run(folder, tmp_path / "results.parquet", stand_in_file)
    other = build(tmp_path / "other.onnx", version="other")
    assert Model(other).sha256 != Model(stand_in_file).sha256
    with pytest.raises(ResultsError, match="another model, version or options"):
        cli.run(folder, results, other)
    with pytest.raises(ResultsError, match="another model, version or options"):
        cli.run(folder, results, stand_in_file, views=Views.EIGHT)
    results.write_text("no parquet")
    with pytest.raises(ResultsError, match="is not a results file"):
        cli.run(folder, results, stand_in_file)


def test_run_extends_finished_results(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    results = cli.run(folder, tmp_path / "results.parquet", stand_in_file)
    first = pq.read_table(results)
    shutil.copy(folder / "a.jpg", folder / "c.jpg")
    (folder / "empty").unlink()
    cli.run(folder, results, stand_in_file)
    names = pq.read_table(results)["file"].to_pylist()
    assert names == ["a.jpg", "below/b.heic", "c.jpg", "cut.jpg", "dark.png", "notes.txt", "empty"]
    assert pq.read_table(results).filter(pq.read_table(results)["file"].is_valid()).num_rows == first.num_rows + 1


def test_results_lock_and_skip_merged_parts(tmp_path: Path) -> None:
    path, pieces = tmp_path / "results.parquet", tmp_path / "results.parquet.pieces"
    rows = [{"file": name, "status": "error", "code": "unreadable"} for name in "abc"]
    with ResumableResults(path, RUN) as journal:
        with pytest.raises(ResultsError, match="Another process"), ResumableResults(path, RUN):
            pass
        journal.write(rows[:2])
        journal.write(rows[2:])
        shutil.copytree(pieces, tmp_path / "kept")
        journal.merge(["c", "b", "a"])
    assert not pieces.exists()
    shutil.copytree(tmp_path / "kept", pieces)  # ended between the last two steps
    with ResumableResults(path, RUN) as journal:
        assert journal.done == {"a", "b", "c"}
        journal.merge(["c", "b", "a"])
    assert pq.read_table(path)["file"].to_pylist() == ["c", "b", "a"]


def test_main_explains_a_missing_source(
    tmp_path: Path, stand_in_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LESION_MODEL", str(stand_in_file))
    (tmp_path / "table.csv").write_text("id\n1\n")
    for source, sentence in (("gone", "neither a folder, a CSV table nor an image"), ("table.csv", "no column `file`")):
        assert cli.main([str(tmp_path / source), "-o", str(tmp_path / "results.parquet")]) == 1
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "results.parquet").exists()


def test_main_writes_the_results(folder: Path, stand_in_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESION_MODEL", str(stand_in_file))
    results = tmp_path / "results.parquet"
    monkeypatch.setattr(sys, "argv", ["batch", str(folder), "-o", str(results), "--views", "8", "--workers", "1"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("lesion.batch", run_name="__main__")
    assert ended.value.code == 0
    assert pq.read_table(results).schema.metadata[b"views"] == b"8"


def test_main_applies_a_given_image_type(
    folder: Path, two_types_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results of one type cannot be extended with those of another."""
    monkeypatch.setenv("LESION_MODEL", str(two_types_file))
    results = tmp_path / "results.parquet"
    command = [str(folder), "-o", str(results), "--workers", "1"]
    assert cli.main([*command, "--image-type", "clinical"]) == 0
    table = pq.read_table(results)
    assert table.schema.metadata[b"image_type"] == b"clinical"
    rows = {row["file"]: row for row in table.to_pylist()}
    assert (rows["a.jpg"]["image_type"], rows["a.jpg"]["image_type_source"]) == ("clinical", "given")
    assert rows["notes.txt"]["image_type"] is None
    assert cli.main(command) == 1


def test_main_rejects_a_type_that_the_model_lacks(
    folder: Path,
    stand_in_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LESION_MODEL", str(stand_in_file))
    assert cli.main([str(folder), "-o", str(tmp_path / "results.parquet"), "--image-type", "clinical"]) == 1
    assert "does not classify clinical images" in capsys.readouterr().err
    assert not list(tmp_path.glob("results*"))


def test_main_says_how_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupt)
    assert cli.main([str(tmp_path), "-o", str(tmp_path / "results.parquet")]) == 130
    assert capsys.readouterr().err == "Stopped. Run the same command again to resume.\n"


def test_entries_that_are_no_files_become_rows(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    """A pipe would block its reader for ever."""
    os.mkfifo(folder / "pipe.jpg")
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    rows = {row["file"]: row for row in pq.read_table(cli.run(folder, tmp_path / "r.parquet", stand_in_file)).to_pylist()}
    assert len(rows) == 10 and rows["link.jpg"]["status"] == "ok"
    for name, message in (
        ("pipe.jpg", "It is not a regular file."),
        ("gone.jpg", "No such file or directory"),
        ("loop.jpg", "Too many levels of symbolic links"),
    ):
        assert (rows[name]["code"], rows[name]["message"]) == ("unreadable", message)


def test_columns_of_the_table_are_carried_over(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    (folder / "table.csv").write_text('id,file,status,notes\n1,a.jpg,old,"a, b"\n2,gone.jpg,,\n1,a.jpg,old,"a, b"\n')
    table = pq.read_table(cli.run(folder / "table.csv", tmp_path / "results.parquet", stand_in_file))
    assert table.schema.names[-3:] == ["id", "input_status", "notes"]
    rows = table.to_pylist()
    assert [(row["file"], row["status"], row["id"], row["input_status"], row["notes"]) for row in rows] == [
        ("a.jpg", "ok", "1", "old", "a, b"),
        ("gone.jpg", "error", "2", "", ""),
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_table_may_have_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    """Spreadsheets write semicolons where the comma divides decimals."""
    rows = (("id", "file", "ratio"), ("1", "a.jpg", "0,5"))
    (tmp_path / "table.csv").write_text("".join(delimiter.join(row) + "\n" for row in rows), encoding="utf-8-sig")
    inputs = list_inputs(tmp_path / "table.csv")
    assert dict(inputs.values) == {"a.jpg": {"id": "1", "ratio": "0,5"}}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("id,name\n1,a.jpg\n", "no column `file`; its columns are: id, name"),
        ("", "no column `file`; its columns are: none"),
        ("file,id\na.jpg,1\na.jpg,2\n", "names a.jpg twice with different values"),
        ("file,id\na.jpg,1,2\n", "Line 2 of .* has more values"),
        ("file,id,id\na.jpg,1,2\n", "two columns `id`"),
        ('file\n"a"b.jpg\n', "neither a folder, a CSV table nor an image"),
    ],
)
def test_tables_that_cannot_be_used_are_explained(content: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(content)
    with pytest.raises(SourceError, match=sentence):
        list_inputs(tmp_path / "table.csv")


def test_run_classifies_one_image(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    """By its content: a table may have any name, and may begin as a BMP does."""
    for name in ("a.jpg", "below/b.heic"):
        rows = pq.read_table(cli.run(folder / name, tmp_path / f"{Path(name).stem}.parquet", stand_in_file)).to_pylist()
        assert [(row["file"], row["status"]) for row in rows] == [(Path(name).name, "ok")]
    (folder / "table.jpg").write_text("BMI,file\n21,a.jpg\n")
    assert dict(list_inputs(folder / "table.jpg").files) == {"a.jpg": folder / "a.jpg"}


@pytest.mark.parametrize("source", ["nothing", "empty.csv", "own"])
def test_batch_without_images_fails(
    stand_in_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    (tmp_path / "nothing" / "below").mkdir(parents=True)
    (tmp_path / "empty.csv").write_text("file,id\n")
    (tmp_path / "own").mkdir()
    results = tmp_path / "own" / "results.parquet"
    if source == "own":
        results.touch()
    assert cli.main([str(tmp_path / source), "-o", str(results), "--model", str(stand_in_file)]) == 1
    assert capsys.readouterr().err == f"There are no images in {tmp_path / source}.\n"
    assert not results.with_name("results.parquet.pieces").exists()


@pytest.mark.parametrize("workers", ["0", "-1", "two"])
def test_batch_needs_a_process(folder: Path, capsys: pytest.CaptureFixture[str], workers: str) -> None:
    with pytest.raises(SystemExit):
        cli.main([str(folder), "-o", "results.csv", "--workers", workers])
    assert f"'{workers}' is not a number of processes. At least one is needed." in capsys.readouterr().err


def test_unreadable_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may list every folder, so the system's answer is replaced."""
    (folder / "lost+found").mkdir()
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name in ("below", "lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match=r"images/below cannot be read \(Permission denied\)"):
        list_inputs(folder)


def test_refused_images_have_their_probability_apart(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    rows = {row["file"]: row for row in pq.read_table(cli.run(folder, tmp_path / "r.parquet", stand_in_file)).to_pylist()}
    dark, good, text = rows["dark.png"], rows["a.jpg"], rows["notes.txt"]
    assert dark["status"] == "refused" and dark["malignant_probability"] is None
    # The stand-in's evidence of black is its bias alone.
    assert dark["refused_probability"] == pytest.approx(0.268941, abs=1e-6)
    assert good["refused_probability"] is None and good["malignant_probability"] is not None
    measures = ("sharpness", "brightness", "size", "distance", "spread")
    assert dark["brightness"] == 0 and all(good[name] is not None and text[name] is None for name in measures)


def test_embedding_is_added_on_request(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    assert "embedding" not in pq.read_table(cli.run(folder, tmp_path / "r.parquet", stand_in_file)).schema.names
    rows = pq.read_table(cli.run(folder, tmp_path / "e.parquet", stand_in_file, embedding=True)).to_pylist()
    model = Model(stand_in_file)
    with Image.open(folder / "dark.png") as image:
        expected = model.run(np.asarray(image), embedding=True).embedding
    assert expected is not None
    by_file = {row["file"]: row["embedding"] for row in rows}
    assert by_file["dark.png"] == expected.tolist() and by_file["notes.txt"] is None


def test_results_are_written_by_suffix(folder: Path, stand_in_file: Path, tmp_path: Path) -> None:
    rows = pq.read_table(cli.run(folder, tmp_path / "r.parquet", stand_in_file)).to_pylist()
    timings = ("decode_ms", "infer_ms")
    lines = cli.run(folder, tmp_path / "r.jsonl", stand_in_file).read_text().splitlines()
    for own, line in zip(rows, map(json.loads, lines), strict=True):
        assert list(line) == list(own)
        assert {key: line[key] for key in own if key not in timings} == {key: own[key] for key in own if key not in timings}
    with cli.run(folder, tmp_path / "r.CSV", stand_in_file).open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["file"] for row in table] == [row["file"] for row in rows]
    assert float(table[0]["malignant_probability"]) == rows[0]["malignant_probability"]
    assert table[0]["prediction_set"].split() == rows[0]["prediction_set"]
    assert table[3]["malignant_probability"] == ""
    assert sorted(path.name for path in tmp_path.glob("r.*")) == ["r.CSV", "r.jsonl", "r.parquet"]
    with pytest.raises(ResultsError, match="only Parquet results can be extended"):
        cli.run(folder, tmp_path / "r.jsonl", stand_in_file)
    for name in ("r.xlsx", "r", "r.parquet.gz"):
        with pytest.raises(OutputError, match="Choose another name"):
            cli.run(folder, tmp_path / name, stand_in_file)


def test_progress_is_shown_without_a_terminal(
    folder: Path, stand_in_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0.0)
    cli.run(folder, tmp_path / "results.parquet", stand_in_file)
    shown = capsys.readouterr().err.splitlines()
    assert shown[0].startswith("1 of 6 images") and len(shown) == 10
    assert shown[6].startswith("6 of 6 images, ")
    assert shown[7:] == [
        "  ok: 2 (above_threshold 2)",
        "  refused: 1 (too_dark 1)",
        "  error: 3 (unsupported_format 2, invalid_image 1)",
    ]
    cli.run(folder, tmp_path / "results.parquet", stand_in_file)
    assert capsys.readouterr().err.splitlines() == ["6 of 6 images, 6 of them in an earlier run"]


def test_results_in_a_read_only_place_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match="cannot be written to"), ResumableResults(tmp_path / "file" / "a.parquet", RUN):
        pass
