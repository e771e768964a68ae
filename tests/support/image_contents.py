"""Files of the repository that lambda/Dockerfile puts into each image, computed from .dockerignore and the Dockerfile."""

import re
from pathlib import Path, PurePosixPath

from tests.support.paths import REPOSITORY

_COPY = re.compile(r"^COPY (?!--from)(.+) (\S+)$", re.MULTILINE)
_MOVE = re.compile(r"mv (/\S+) (/\S+)$", re.MULTILINE)


def context_files() -> set[str]:
    """Return every file of the build context, relative to the repository (moby's patternmatcher: the last match decides)."""
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    # Only these folders can be in the context: the first pattern excludes everything, and exceptions name paths.
    named = [REPOSITORY / pattern[1:] for pattern in patterns if pattern.startswith("!")]
    files = {file for path in named for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()}
    paths = (PurePosixPath(file.relative_to(REPOSITORY).as_posix()) for file in files)
    return {str(path) for path in paths if not _is_ignored(path, patterns)}


def image_files(target: str) -> set[str]:
    """Return the path of every file of the repository in an image, relative to /var/task.

    Args:
        target: stage of the Dockerfile: service or batch.
    """
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)$(.+?)(?=^FROM |\Z)", _dockerfile(), re.MULTILINE | re.DOTALL))
    built = _copied(stages["build-code"]) | _copied(stages["build-model"])
    for source, folder in _MOVE.findall(stages["build-code"]):
        moved = {path for path in built if path.startswith(f"{source}/")}
        built = (built - moved) | {f"{folder}{PurePosixPath(source).name}{path.removeprefix(source)}" for path in moved}
    folders = {"service": ["/function", "/model"], "batch": ["/function", "/model", "/more"]}[target]
    # The batch's stage starts from the service's; each takes these folders as /var/task.
    for stage, folder in (("build", "/packages"), ("build-code", "/function"), ("build-model", "/model")):
        assert f"COPY --from={stage} {folder} /var/task" in stages["service"]
    assert "COPY --from=build-batch /more /var/task" in stages["batch"]
    return {path.removeprefix(f"{folder}/") for folder in folders for path in built if path.startswith(f"{folder}/")}


def _dockerfile() -> str:
    return (REPOSITORY / "lambda" / "Dockerfile").read_text()


def _copied(stage: str) -> set[str]:
    context, copied = context_files(), set()
    for sources, target in _COPY.findall(stage):
        for source in sources.split():
            if source in context:
                copied.add(f"{target}{PurePosixPath(source).name}" if target.endswith("/") else target)
            copied |= {f"{target}{path.removeprefix(source)}" for path in context if path.startswith(f"{source}/")}
    return copied


def _is_ignored(path: PurePosixPath, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        expression = re.escape(pattern.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(expression, str(part)) for part in (path, *path.parents)):
            ignored = not pattern.startswith("!")
    return ignored


def module_name(path: str) -> str:
    """Return the dotted name of a module, `lesion/web/api.py` -> `lesion.web.api`; of a package, its folder's."""
    return ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")
