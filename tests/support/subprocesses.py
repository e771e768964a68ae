"""Python programs in a process of their own, for tests of imports, start-up and settings."""

import subprocess
import sys
from collections.abc import Mapping


def run_python(code: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `code` in a new interpreter with exactly this environment; return its exit status and output."""
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
