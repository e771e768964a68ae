"""One photograph, one answer, whichever processor the service meets: Lambda promises AVX2 and gives what it has.

The shipped model runs in an emulated processor of that least kind, which has neither 512-bit vectors nor dot products of
bytes; sums of integers that saturate there would show as another logit.
"""

import json
import os
import platform
import shutil
import subprocess
import sys

import pytest

from tests.golden import outputs_of_samples
from tests.support.paths import REPOSITORY

LEAST = "Haswell"
SAMPLES = ("ISIC_0000026", "ISIC_0000030", "ISIC_0000205")
PROGRAM = """
import json, sys
from tests.golden import outputs_of_samples
from numpy._core._multiarray_umath import __cpu_features__ as features
names = [name for name, present in features.items() if present]
print(json.dumps({"features": names, "answers": outputs_of_samples(sys.argv[1:])}))
"""


@pytest.fixture(scope="module")
def emulator() -> str:
    """QEMU's emulator of one program; a skip where there is none, a failure with CI=true."""
    if platform.machine() != "x86_64":
        pytest.skip("The service runs on x86-64; this machine has programs of another kind.")
    found = shutil.which("qemu-x86_64")
    sentence = "This test needs qemu-x86_64, which Debian and Ubuntu have in qemu-user."
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(sentence)
    return found or pytest.skip(sentence)


@pytest.mark.slow
def test_the_least_processor_answers_as_this_one_does(emulator: str) -> None:
    done = subprocess.run(
        [emulator, "-cpu", LEAST, sys.executable, "-c", PROGRAM, *SAMPLES],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'lambda'}:{REPOSITORY}"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "AVX2" in found["features"] and not [name for name in found["features"] if name.startswith("AVX512")]
    assert found["answers"] == json.loads(json.dumps(outputs_of_samples(SAMPLES)))
