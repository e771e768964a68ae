"""Coverage-guided fuzzing of what reads strangers' bytes: `python -m tests.hostile.fuzz --minutes 60`.

Pictures (`lesion.imaging.decode.decode`) or forms (`lesion.web.upload.extract_upload`). Python code is instrumented: this project's,
Pillow's readers of formats, python-multipart's tokenizer. The decoders in C are driven by the same inputs but give no
coverage. The parent process starts the fuzzer again after each round and after each crash, so that a finding does not end
the hour and a mended module is picked up; what was learned stays in the corpus.

A finding is a file in the folder: any exception but the expected ones, more than `SECONDS` of this process's CPU, more than
`MEGABYTES` of growth, or the end of the process. Needs atheris, of which there are wheels for some systems and Pythons only.
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
from pathlib import Path

SECONDS = 5.0
MEGABYTES = 400
LARGEST = 65_536
"""Bytes of an input. Larger files have no structure that smaller ones cannot have, and make everything slower."""
_ROUND = 600
"""Seconds after which the fuzzer starts anew."""
_HANG = 60
"""Seconds of the clock, after which the process is ended: other work on the machine is not an input's fault."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz for so many minutes; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--target", choices=["image", "upload"], default="image")
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
        # Only the last lines say how far it came, and the fuzzer writes many.
        done = subprocess.run([sys.executable, "-m", "tests.hostile.fuzz", *options], stderr=subprocess.PIPE, text=True)
        (folder / f"round-{seed}.log").write_text(done.stderr)
        seed += 1
        found = re.findall(r"#(\d+)\s.*?cov: (\d+) ft: (\d+)", done.stderr)
        if found:
            executions += int(found[-1][0])
            coverage, features = int(found[-1][1]), int(found[-1][2])
        findings = [path.name for path in sorted((folder / "findings").iterdir()) if not path.name.endswith(".txt")]
        print(
            f"{(time.monotonic() - started) / 60:.1f} min, {executions} executions, coverage {coverage}, "
            f"features {features}, corpus {len(list((folder / 'corpus').iterdir()))}, exit {done.returncode}, "
            f"findings {findings}",
            flush=True,
        )
    return int(bool(findings))


def _seeds(target: str) -> dict[str, bytes]:
    """Small well-formed inputs, and the hard cases, to start from."""
    from tests.hostile import seeds

    return {hashlib.sha1(data).hexdigest(): data for data in seeds.of(target) if len(data) <= LARGEST}


def _fuzz(target: str, folder: Path, seconds: int, seed: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["lesion", "PIL", "pi_heif", "python_multipart"]):
        run = _image() if target == "image" else _upload()
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
        f"-max_total_time={seconds}",
        f"-timeout={_HANG}",
        "-rss_limit_mb=3000",
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
    """The most memory that this process has had, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}-{Path(frames[-1].filename).stem}-{frames[-1].lineno}"


def _keep(findings: Path, name: str, data: bytes, told: str) -> None:
    """The first input of its kind, beside what was seen; others of its kind add nothing."""
    if not (findings / name).exists():
        (findings / name).write_bytes(data)
        (findings / f"{name}.txt").write_text(told)


def _image() -> Callable[[bytes], object]:
    import warnings

    from lesion.errors import RequestError
    from lesion.imaging import heic
    from lesion.imaging.decode import decode
    from lesion.imaging.memory_limit import limit_memory
    from PIL import Image

    # Both load more code than they are, which must be there while imports are instrumented.
    Image.init()
    heic.load_pi_heif()
    warnings.simplefilter("ignore")

    def run(data: bytes) -> None:
        try:
            with limit_memory():
                photograph = decode(data)
        except RequestError:
            return
        assert photograph.pixels.ndim == 3 and photograph.pixels.shape[2] == 3 and photograph.pixels.size
        assert photograph.width > 0 and photograph.height > 0

    return run


def _upload() -> Callable[[bytes], object]:
    from lesion.errors import RequestError
    from lesion.web.upload import extract_upload

    def run(data: bytes) -> None:
        # The first line is the content type, the rest the body.
        head, _, body = data.partition(b"\n")
        try:
            assert extract_upload(body, head.decode("latin-1"), 10_000)
        except RequestError:
            return

    return run


def _mutated(data: bytes, most: int, seed: int) -> bytes:
    """What the fuzzer makes of an input, with a PNG's checksums set right three times of four: else none gets past them."""
    import atheris

    data = atheris.Mutate(data, most)
    return with_checksums(data)[:most] if seed % 4 else data


def with_checksums(data: bytes) -> bytes:
    """`data` with the checksum of every PNG chunk that it holds whole."""
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
