"""This project's function as Lambda runs it: `python -m tests.benchmarks.peers.lesion_emulated PYTHON PORT WORKERS`.

WORKERS processes of `awslambdaric` with that PYTHON poll the emulated Runtime API; an emulated API Gateway listens on PORT.
"""

import os
import sys
import threading
from contextlib import ExitStack

from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.gateway import Gateway
from tests.support.lambda_runtime.process import Function


def main(python: str, port: int, workers: int) -> None:
    """Serve until killed."""
    with ExitStack() as stack:
        runtime = stack.enter_context(RuntimeApi())
        for _ in range(workers):
            stack.enter_context(Function(runtime, "lesion.handler.handler", os.environ, python=python))
        stack.enter_context(Gateway(runtime, port=port))
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
