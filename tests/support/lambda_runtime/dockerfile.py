"""Settings of lambda/Dockerfile that tests and benchmarks outside the image need as well."""

import re

from tests.support.paths import REPOSITORY


def glibc_tunables() -> str:
    """Return GLIBC_TUNABLES of the image; without it, the memory of a process does not stay flat under load."""
    [value] = re.findall(r"GLIBC_TUNABLES=(\S+)", (REPOSITORY / "lambda" / "Dockerfile").read_text())
    return str(value)
