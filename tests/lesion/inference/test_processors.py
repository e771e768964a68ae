"""The shipped model returns the same outputs on every processor of Lambda, which guarantees AVX2 only.

The model runs on an emulated processor with AVX2, without 512-bit vectors and without dot products of bytes. Integer
sums that saturated there would result in another logit.
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

OLDEST = "Haswell"
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
    """Return the path of QEMU's user-mode emulator; without it, skip the test, or fail with CI=true."""
    if platform.machine() != "x86_64":
        pytest.skip("The service runs on x86-64, which this machine is not.")
    path = shutil.which("qemu-x86_64")
    sentence = "This test needs qemu-x86_64, of the package qemu-user of Debian and Ubuntu."
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(sentence)
    return path or pytest.skip(sentence)


@pytest.mark.slow
def test_oldest_processor_returns_the_same_outputs(emulator: str) -> None:
    done = subprocess.run(
        [emulator, "-cpu", OLDEST, sys.executable, "-c", PROGRAM, *SAMPLES],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'lambda'}:{REPOSITORY}"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert "AVX2" in result["features"] and not [name for name in result["features"] if name.startswith("AVX512")]
    assert result["answers"] == json.loads(json.dumps(outputs_of_samples(SAMPLES)))
