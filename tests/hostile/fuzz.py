"""Coverage-guided fuzzing of the code that parses uploads: `python -m tests.hostile.fuzz --minutes 60`.

Targets are images (`lesion.imaging.decode.decode`), forms (`lesion.web.upload.extract_upload`) and DICOM
(`lesion.batch.dicom.dicom_to_png`). Python code is instrumented: this project, Pillow's plugins, pydicom and
python-multipart. The decoders in C run on the same inputs but report no coverage. The parent restarts the fuzzer after each
round and each crash, so that a finding does not end the run and a fixed module is reloaded; the corpus is kept.

A finding is a file in the folder: an unexpected exception, more than `SECONDS` of CPU time, more than `MEGABYTES` of growth,
or a crash of the process. Needs atheris, which has wheels for some platforms only.
"""

import argparse
import hashlib
import re
import resource
import subprocess
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

SECONDS = 5.0
MEGABYTES = 400
LARGEST = 65_536
"""Largest input in bytes. Larger files have no additional structure and are slower."""
_ROUND = 600
"""Seconds after which the fuzzer is restarted."""
_HANG = 60
"""Seconds of wall time after which the process is ended; larger than `SECONDS`, because the machine may be loaded."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz for the given time; return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--target", choices=["image", "upload", "dicom"], default="image")
    parser.add_argument(
        "--folder", type=Path, default=Path("build/fuzz"), help="corpus, findings and the fuzzer's own output"
    )
    parser.add_argument("--child", type=int, metavar="SECONDS", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(arguments)
    folder: Path = args.folder / args.target
    if args.child:
        _fuzz(args.target, folder, args.child, args.seed)
        return 0
    return _rounds(args.target, args.folder, args.minutes, args.seed)


def _rounds(target: str, where: Path, minutes: float, seed: int) -> int:
    folder = where / target
    for name in ("corpus", "findings"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, data in _seeds(target).items():
        (folder / "corpus" / name).write_bytes(data)
    end = time.monotonic() + 60 * minutes
    started = time.monotonic()
    executions = coverage = features = 0
    while (left := end - time.monotonic()) > 1:
        seconds = max(1, round(min(left, _ROUND)))
        options = ["--target", target, "--folder", str(where), "--child", str(seconds), "--seed", str(seed)]
        # Only the last lines contain the statistics, and the fuzzer writes many.
        done = subprocess.run([sys.executable, "-m", "tests.hostile.fuzz", *options], stderr=subprocess.PIPE, text=True)
        (folder / f"round-{seed}.log").write_text(done.stderr)
        seed += 1
        statistics = re.findall(r"#(\d+)\s.*?cov: (\d+) ft: (\d+)", done.stderr)
        if statistics:
            executions += int(statistics[-1][0])
            coverage, features = int(statistics[-1][1]), int(statistics[-1][2])
        findings = [path.name for path in sorted((folder / "findings").iterdir()) if not path.name.endswith(".txt")]
        print(
            f"{(time.monotonic() - started) / 60:.1f} min, {executions} executions, coverage {coverage}, "
            f"features {features}, corpus {len(list((folder / 'corpus').iterdir()))}, exit {done.returncode}, "
            f"findings {findings}",
            flush=True,
        )
    return int(bool(findings))


def _seeds(target: str) -> dict[str, bytes]:
    """Return small valid inputs and the cases by their digest."""
    from tests.hostile import fuzz_inputs

    return {hashlib.sha1(data).hexdigest(): data for data in fuzz_inputs.of(target) if len(data) <= LARGEST}


def _fuzz(target: str, folder: Path, seconds: int, seed: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["lesion", "PIL", "pi_heif", "pydicom", "python_multipart"]):
        run = {"image": _image, "upload": _upload, "dicom": _dicom}[target]()
    findings = folder / "findings"
    peak = _peak()

    def once(data: bytes) -> None:
        nonlocal peak
        started = time.process_time()
        try:
            run(data)
        except Exception as error:
            _keep(findings, "exception-" + _place(error), data, traceback.format_exc())
        spent = time.process_time() - started
        if spent > SECONDS:
            _keep(findings, "slow-" + hashlib.sha1(data).hexdigest()[:12], data, f"{spent:.1f} s of CPU\n")
        if (now := _peak()) > peak + MEGABYTES * 1024:
            _keep(findings, "memory-" + hashlib.sha1(data).hexdigest()[:12], data, f"{(now - peak) // 1024} MB more\n")
        peak = max(peak, now)

    options = [
        *(f"-max_total_time={seconds}", f"-timeout={_HANG}", "-rss_limit_mb=3000"),
        f"-max_len={LARGEST}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
        "-reload=0",
        f"-seed={seed}",
        str(folder / "corpus"),
    ]
    atheris.Setup([sys.argv[0], *options], once, custom_mutator=_mutated if target == "image" else None)
    atheris.Fuzz()


def _peak() -> int:
    """Return the peak memory of this process in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}-{Path(frames[-1].filename).stem}-{frames[-1].lineno}"


def _keep(findings: Path, name: str, data: bytes, description: str) -> None:
    """Write the first input of its kind and a description; further inputs of the kind are dropped."""
    if not (findings / name).exists():
        (findings / name).write_bytes(data)
        (findings / f"{name}.txt").write_text(description)


def _image() -> Callable[[bytes], object]:
    import warnings

    from lesion.errors import RequestError
    from lesion.imaging import heic
    from lesion.imaging.decode import decode
    from lesion.imaging.memory_limit import limit_memory
    from PIL import Image

    # Both import further modules, which must happen while imports are instrumented.
    Image.init()
    heic.load_pi_heif()
    warnings.simplefilter("ignore")

    def run(data: bytes) -> None:
        try:
            with limit_memory():
                image = decode(data)
        except RequestError:
            return
        assert image.pixels.ndim == 3 and image.pixels.shape[2] == 3 and image.pixels.size
        assert image.width > 0 and image.height > 0

    return run


def _upload() -> Callable[[bytes], object]:
    from lesion.errors import RequestError
    from lesion.web.upload import extract_upload

    def run(data: bytes) -> None:
        # The first line is the content type, the rest the body.
        head, _, body = data.partition(b"\n")
        try:
            assert all(extract_upload(body, head.decode("latin-1"), 10_000))
        except RequestError:
            return

    return run


def _dicom() -> Callable[[bytes], object]:
    import pydicom.pixels  # noqa: F401  # imports further modules, as above
    from lesion.batch.dicom import dicom_to_png
    from lesion.errors import RequestError
    from lesion.imaging.memory_limit import limit_memory

    def run(data: bytes) -> None:
        with suppress(RequestError), limit_memory():
            dicom_to_png(data)

    return run


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    """Mutate an input and, three times out of four, correct the checksums of a PNG, without which it is rejected early."""
    import atheris

    data = atheris.Mutate(data, most)
    return with_checksums(data)[:most] if seed % 4 else data


def with_checksums(data: bytes) -> bytes:
    """Return `data` with correct checksums in every complete PNG chunk."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        return data
    right = bytearray(data)
    at = 8
    while at + 12 <= len(right):
        end = at + 8 + int.from_bytes(right[at : at + 4])
        if end + 4 > len(right):
            break
        right[end : end + 4] = zlib.crc32(right[at + 4 : end]).to_bytes(4)
        at = end + 4
    return bytes(right)


if __name__ == "__main__":
    sys.exit(main())
