"""The built image, run by runc as Lambda does: read-only, unprivileged, with limits and a network of its own.

    with Network() as network, working_copy() as image, network.call(RuntimeApi) as runtime:
        with Container(image, network, runtime):
            runtime.invoke({})

Only the standard library, runc and buildah. Needs root.
"""

import json
import os
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra.packaging.buildah import BUILD, ImageError, buildah, ensure_tools
from infra.packaging.image import ARCHIVE, TAG, has_docker
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.network import Network
from tests.support.lambda_runtime.process import LOGGING

PERIOD = 20_000
"""Period of the CPU quota in microseconds."""
MEMORY_PER_CPU = 1769
"""Memory size in MB at which Lambda provides one full vCPU."""


@dataclass(frozen=True)
class Image:
    """A copy of the image: `root` is its file system, `changes` the files written since, `config` its configuration."""

    root: Path
    changes: Path
    config: Mapping[str, Any]

    def written(self) -> list[Path]:
        """Return all files and folders in `changes`."""
        return sorted(self.changes.rglob("*"))


@contextmanager
def working_copy(archive: Path = ARCHIVE, tag: str = TAG) -> Iterator[Image]:
    """Unpack the image of `make image`, or another of `infra.packaging.image.build`, for the `with` block.

    Raises:
        ImageError: it is not built.
    """
    if not archive.is_file():
        raise ImageError(f"{archive} is not there. Build it first: make image")
    ensure_tools()
    if has_docker():
        buildah("pull", "--quiet", f"docker-archive:{archive}")
    config = json.loads(buildah("inspect", "--type", "image", tag))["OCIv1"]["config"]
    container = buildah("from", "--pull-never", tag)
    try:
        root = Path(buildah("mount", container))
        yield Image(root, root.parent / "diff", config)
    finally:
        buildah("umount", container)
        buildah("rm", container)


class Container:
    """One container of the image, a context manager; `RuntimeApi` treats it like `emulator.Function`."""

    def __init__(
        self,
        image: Image,
        network: Network,
        runtime: RuntimeApi | None = None,
        *,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        memory: int = MEMORY_PER_CPU,
        share: float | None = None,
        writable: bool = False,
        mounts: Mapping[Path, str] | None = None,
    ) -> None:
        """Prepare the container.

        Args:
            image: what to run.
            network: where to run it.
            runtime: what it polls.
            command: in place of the image's own.
            environment: besides the image's own.
            memory: megabytes, as a limit, and as Lambda tells the function.
            share: how much of the CPU it may use, 1.0 for one; as much as there is where it is None.
            writable: as root, with every folder and /tmp open to it, to see what it would write; else nothing is.
            mounts: folders of this machine, and where to show them to it, read-only.
        """
        self.lines: list[str] = []
        self.temporary = Path()
        self._runtime = runtime
        self._name = f"lesion-{uuid.uuid4().hex[:12]}"
        self._folder = tempfile.TemporaryDirectory(prefix="lesion-")
        self._reader: threading.Thread | None = None
        self._create: subprocess.Popen[str] | None = None
        self._pid = 0
        address = {"AWS_LAMBDA_RUNTIME_API": runtime.address} if runtime else {}
        told = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory), **LOGGING, **address, **(environment or {})}
        own = image.config
        self._bundle = {
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 0, "gid": 0} if writable else {"uid": 65534, "gid": 65534},
                "args": list(command or [*own["Entrypoint"], *own["Cmd"]]),
                "env": [*own["Env"], *(f"{name}={value}" for name, value in told.items())],
                "cwd": own["WorkingDir"],
                "noNewPrivileges": True,
            },
            "root": {"path": str(image.root), "readonly": not writable},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
                _bind(Path(self._folder.name) / "tmp", "/tmp", "rw" if writable else "ro"),
                *(_bind(source, target, "ro") for source, target in (mounts or {}).items()),
            ],
            "linux": {
                "namespaces": [
                    *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
                    {"type": "network", "path": str(network.path)},
                ],
                "cgroupsPath": f"/{self._name}",
                "resources": {
                    "memory": {"limit": memory << 20},
                    **({"cpu": {"quota": int(share * PERIOD), "period": PERIOD}} if share else {}),
                },
            },
        }

    def has_ended(self) -> bool:
        try:
            return self._status("State").startswith(("Z", "X"))
        except OSError:
            return True

    def log(self) -> str:
        """Return the output so far."""
        return "".join(self.lines)

    def wait(self, seconds: float = 120.0) -> None:
        """Wait until the process has ended.

        Raises:
            TimeoutError: it has not in `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._name} has not ended in {seconds} seconds.")
            time.sleep(0.02)
        if self._reader is not None:
            self._reader.join(10)

    def peak(self) -> int:
        """Return the peak memory in bytes."""
        return int(self._status("VmHWM").split()[0]) << 10

    def cpu(self) -> float:
        """Return the CPU seconds used so far, including threads that have ended.

        The clock is the one that `clock_getcpuclockid` names, which Python does not have: CPUCLOCK_SCHED of the process, as
        the kernel's include/linux/posix-timers.h writes it.
        """
        return time.clock_gettime(~self._pid << 3 | 2)

    def say(self, text: str) -> None:
        """Write to the standard input of the process."""
        if self._create is not None and self._create.stdin is not None:
            self._create.stdin.write(text)
            self._create.stdin.flush()

    def __enter__(self) -> Self:
        folder = Path(self._folder.name)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        # The unprivileged user needs access to every parent folder.
        folder.chmod(0o755)
        (folder / "config.json").write_text(json.dumps(self._bundle))
        self._create = subprocess.Popen(
            [*_RUNC, "create", "--bundle", str(folder), "--pid-file", str(folder / "pid"), self._name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if self._create.wait() != 0:
            self._reader.join(5)
            self._folder.cleanup()
            raise ImageError(f"{self.log()}\nrunc cannot run the image; what it said stands above.")
        self._pid = int((folder / "pid").read_text())
        if self._runtime is not None:
            self._runtime.functions.append(self)
        _runc("start", self._name)
        return self

    def __exit__(self, *_: object) -> None:
        _runc("delete", "--force", self._name)
        if self._reader is not None and self._create is not None:
            self._reader.join(5)
            for stream in (self._create.stdin, self._create.stdout):
                if stream is not None:
                    stream.close()
        self._folder.cleanup()

    def _status(self, name: str) -> str:
        text = Path(f"/proc/{self._pid}/status").read_text()
        return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(f"{name}:")), "0")

    def _read(self) -> None:
        if self._create is not None and self._create.stdout is not None:
            for line in self._create.stdout:
                self.lines.append(line)


_RUNC = ["runc", "--root", str(BUILD / "runc")]


def _runc(*arguments: str) -> None:
    done = subprocess.run([*_RUNC, *arguments], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    if done.returncode != 0:
        raise ImageError(f"{done.stderr.strip()}\n`runc {arguments[0]}` failed; what it said stands above.")


def _bind(source: Path, target: str, mode: str) -> dict[str, Any]:
    return {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", mode, "nosuid", "nodev"]}
