"""Tests pass in any order of the folders: what one leaves behind in the process does not reach the next."""

import os
import subprocess
import sys

import pytest

from tests.support.browser import has_browser
from tests.support.paths import REPOSITORY

FILES = (
    "tests/site/test_keyboard.py",
    "tests/lesion/test_handler.py",
    "tests/lesion/test_fast_path.py",
    "tests/lesion/web/test_api.py",
    "tests/benchmarks/test_reports.py",
)
PROGRAM = """
import sys
import pytest

class FirstOfEachFile:
    def pytest_collection_modifyitems(self, items):
        first = {}
        for item in items:
            first.setdefault(item.path, item)
        items[:] = first.values()

sys.exit(pytest.main(["-p", "no:cacheprovider", "-p", "no:xdist", *sys.argv[1:]], plugins=[FirstOfEachFile()]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not has_browser() and os.environ.get("CI") != "true", reason="There is no browser here.")
def test_event_loops_run_after_tests_with_a_browser() -> None:
    """Playwright's synchronous API keeps an event loop running in its thread until it is stopped.

    No other loop can run in that thread, so the browser must end with the last test of its folder.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *FILES], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, f"{len(FILES)} passed" in done.stdout) == (0, True), done.stdout + done.stderr
