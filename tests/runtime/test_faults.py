"""Every response is correct or a clean failure while processes are killed and clocks jump."""

import threading
import time
from pathlib import Path

import pytest
from lesion.inference.classify import classify
from lesion.inference.model import Model
from lesion.web import access_log

from tests.support.lambda_runtime import traffic
from tests.support.lambda_runtime.emulator import RuntimeApi
from tests.support.lambda_runtime.process import Function
from tests.support.paths import REPOSITORY


@pytest.fixture(scope="module")
def visits(environment: dict[str, str]) -> list[traffic.Visit]:
    """Return the requests with the responses of one undisturbed process."""
    with RuntimeApi() as runtime, Function(runtime, "lesion.handler.handler", environment):
        return traffic.visits(lambda event, context: runtime.invoke(event))


def enough(tally: traffic.Tally) -> bool:
    """Return whether requests of every kind were answered."""
    return tally.answered.total() > 50 and {200, 400, 404} <= tally.answered.keys()


@pytest.mark.slow
def test_killed_process_loses_only_its_own_request(environment: dict[str, str], visits: list[traffic.Visit]) -> None:
    kills = 3
    with RuntimeApi() as runtime, Function(runtime, "lesion.handler.handler", environment):

        def kill_and_start_again() -> None:
            for _ in range(kills):
                with Function(runtime, "lesion.handler.handler", environment) as short:
                    time.sleep(2.5)
                runtime.functions.remove(short)

        killer = threading.Thread(target=kill_and_start_again)
        killer.start()
        tally, deadline = traffic.Tally(), time.monotonic() + 120
        # On a busy machine a few seconds are too short for enough requests.
        while killer.is_alive() or (not enough(tally) and time.monotonic() < deadline):
            tally += traffic.drive(runtime, visits, callers=4, seconds=3, seed=tally.total())
        killer.join()
    assert tally.wrong == []
    assert enough(tally), tally
    # A killed process fails at most its current request.
    assert tally.failed.total() <= kills


def test_clock_jumps_do_not_change_answers(monkeypatch: pytest.MonkeyPatch, stand_in: Model, image_bytes: bytes) -> None:
    before = classify(image_bytes, stand_in)
    jumps = iter((0.0, 4e9, -5.0, *range(1000)))
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    after = classify(image_bytes, stand_in)
    assert after.prediction == before.prediction and after.prediction is not None
    assert 0 <= after.timing_ms.total < 60_000


def test_only_the_access_log_reads_the_time_of_day() -> None:
    asking = [path.name for path in (REPOSITORY / "lambda" / "lesion").rglob("*.py") if "time.time(" in path.read_text()]
    assert asking == [Path(str(access_log.__file__)).name]
