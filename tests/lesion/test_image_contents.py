"""The files of this project in the two images: a module that is moved or added is noticed before a deployment."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.image_contents import context_files, image_files, module_name
from tests.support.paths import REPOSITORY, SAMPLES

LAMBDA = REPOSITORY / "lambda"
MODULES = {path.relative_to(LAMBDA).as_posix() for path in (LAMBDA / "lesion").rglob("*.py")}
BATCH = {f"lesion/batch/{name}.py" for name in ("__init__", "dicom", "lambda_handler", "schema")}
_COMMAND_LINE = ("__main__", "arguments", "cli", "formats", "inputs", "progress", "resumable_parquet")
COMMAND_LINE = {f"lesion/batch/{name}.py" for name in _COMMAND_LINE}
DATA = {f"models/{name}" for name in ("lesion.onnx", "LICENSE", "README.md")} | {"samples/samples.json", "samples/README.md"}
DATA |= {f"samples/{path.name}" for path in SAMPLES.glob("*.jpg")}


def imported_modules(path: str) -> Iterator[str]:
    """Yield the names of the modules of `lesion` that a module imports, on every line, also inside functions."""
    for node in ast.walk(ast.parse((LAMBDA / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lesion":
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            known = {module_name(module) for module in MODULES}
            yield from (names & known) or {node.module}


def test_service_image_has_every_module_but_batch() -> None:
    """Besides them, it has the model, its card and licence, and the samples."""
    assert image_files("service") == {path for path in MODULES if not path.startswith("lesion/batch/")} | DATA


def test_batch_image_adds_the_modules_of_its_function() -> None:
    """A new module of `lesion.batch` belongs to `BATCH` or to `COMMAND_LINE`, and then to .dockerignore."""
    assert image_files("batch") - image_files("service") == BATCH
    assert {path for path in MODULES if path.startswith("lesion/batch/")} == BATCH | COMMAND_LINE


def test_build_context_has_nothing_else() -> None:
    build = {f"lambda/{name}" for name in ("Dockerfile", "requirements.txt", "batch-requirements.txt", "slim.py")}
    modules = {f"lambda/{path}" for path in MODULES - COMMAND_LINE}
    data = {path.replace("samples/", "infra/site/samples/") for path in DATA}
    assert context_files() == build | modules | data


@pytest.mark.parametrize("target", ["service", "batch"])
def test_image_has_every_module_that_it_imports(target: str) -> None:
    modules = {path for path in image_files(target) if path.endswith(".py")}
    names = {module_name(path) for path in modules}
    missing = {(path, name) for path in modules for name in imported_modules(path) if name not in names}
    assert missing == set()


@pytest.mark.parametrize(("target", "name"), [("service", "lesion.handler"), ("batch", "lesion.batch.lambda_handler")])
def test_image_has_the_module_of_its_command(target: str, name: str) -> None:
    assert f'CMD ["{name}.handler"]' in (LAMBDA / "Dockerfile").read_text()
    assert f"{name.replace('.', '/')}.py" in image_files(target)
