"""The command line: every command has its options, and only those that need PyTorch load it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lesion import __version__, load

from export import console
from export.console import COMMANDS, command_module, main
from tests.support.paths import REPOSITORY, SAMPLES
from tests.support.stand_in_model import build

IMAGE = SAMPLES / "ISIC_0000026.jpg"


def test_help_lists_every_command_with_its_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    for name in COMMANDS:
        sentence = (command_module(name).__doc__ or "").splitlines()[0]
        assert f"{name} {sentence}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_one_help_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert (command_module(name).__doc__ or "").strip() in shown


@pytest.mark.parametrize("arguments", [[], ["diagnose"], ["--wrong"]])
def test_unknown_commands_are_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and "usage: " in capsys.readouterr().err


def test_version_is_that_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"lesion {__version__}\n"


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(console, "import_module", import_module)
    for command, package, extra in (("train", "torch", "train"), ("batch", "pyarrow.parquet", "batch")):
        assert main([command]) == 1
        assert f"needs the package {package}. Install it with: pip install 'lesion[{extra}]'" in capsys.readouterr().err
    # That would be a fault of this project.
    package = "export.commands.train"
    with pytest.raises(ModuleNotFoundError):
        main(["train"])


def test_errors_of_files_are_sentences(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the system that names a file is no fault of the program; another one keeps its traceback."""
    errors: list[OSError] = [PermissionError(13, "Permission denied", "/data/a.csv"), OSError(5, "Input/output error")]

    def import_module(name: str) -> None:
        raise errors[0]

    monkeypatch.setattr(console, "import_module", import_module)
    assert main(["train"]) == 1
    assert capsys.readouterr().err == "/data/a.csv cannot be read or written (Permission denied).\n"
    errors.pop(0)
    with pytest.raises(OSError, match="Input/output error"):
        main(["train"])


def test_classify_prints_sentences(stand_in_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    files = [str(IMAGE), str(tmp_path / "notes.txt"), str(tmp_path / "gone.jpg")]
    assert main(["classify", *files, "--model", str(stand_in_file)]) == 1
    shown = capsys.readouterr()
    [answer, note] = shown.out.splitlines()
    assert answer.startswith(f"{IMAGE}: ") and "the threshold of 50.0 %" in answer
    assert note.startswith("Model stand-in. Research demonstration.")
    [wrong, gone] = shown.err.splitlines()
    assert "not an image in a supported format" in wrong and gone.endswith("gone.jpg: No such file or directory")


def test_classify_prints_the_answer_of_the_api(stand_in_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", str(IMAGE), "--model", str(stand_in_file), "--json", "--views", "8"]) == 0
    answer = json.loads(capsys.readouterr().out)
    expected = load(stand_in_file).classify(IMAGE, views=8)
    assert expected.prediction is not None and expected.evidence is not None
    assert answer["prediction"]["malignant_probability"] == expected.prediction.malignant_probability
    assert answer["evidence"]["values"] == expected.evidence.values and answer["file"] == str(IMAGE)


def test_classify_refuses_and_rejects_with_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strict = build(tmp_path / "m.onnx", refusal=[{"code": "too_small", "measure": "size", "below": 1e9}])
    assert main(["classify", str(IMAGE), "--model", str(strict)]) == 0
    assert "refused (too_small). The photo is too small" in capsys.readouterr().out
    assert main(["classify", str(IMAGE), "--model", str(strict), "--image-type", "clinical"]) == 1
    assert "does not classify clinical images" in capsys.readouterr().err
    assert main(["classify", str(IMAGE), "--model", str(tmp_path / "gone.onnx")]) == 1
    assert "Put a model there" in capsys.readouterr().err


def test_package_works_where_it_is_installed(tmp_path: Path) -> None:
    """The wheel holds the packages, the model and the samples; classifying imports no PyTorch."""
    build_wheel = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build_wheel, cwd=REPOSITORY, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name == f"lesion-{__version__}-py3-none-any.whl"
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", *install, "--target", str(tmp_path / "site"), str(wheel)], check=True)
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from lesion import load\n"
        "from lesion.settings import Settings\n"
        f"answer = load().classify({str(IMAGE)!r})\n"
        "print(answer.model.version, len(list(Settings().samples.glob('*.jpg'))), sys.modules['lesion'].__file__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    version, samples, place = run.stdout.split()
    published = load().card.version
    assert (version, int(samples)) == (published, len(list(SAMPLES.glob("*.jpg"))))
    assert Path(place).is_relative_to(tmp_path)
    command = [str(tmp_path / "site" / "bin" / "lesion"), "classify", str(IMAGE)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert f"Model {published}." in done.stdout
