"""What happens to a deployment before, during and after each alarm, as events that AWS publishes metrics for.

Each story states its condition in numbers of its own, from docs/operations.md and the settings, not from the alarm. The
events are injected here; `tests/emulation/test_driven_alarms.py` causes them with real requests wherever that is possible.
"""

from collections.abc import Callable

from infra.config import Settings
from tests.emulation.alarm_events import HOUR, MINUTE, Events, Story, mixed, tell

SETTINGS = Settings()


def faults(events: Events) -> Story:
    """Two answers of 500 and above in five minutes are no alarm, three are one."""
    normal = mixed(events.answers(count=20), events.answers(status=503, count=2))
    bad = mixed(events.answers(count=20), events.answers(status=500, count=3))
    return tell(events.recorder, [(normal, 5 * MINUTE)], (bad, 5 * MINUTE))


def crashes(events: Events) -> Story:
    """One call without an answer; one of another function of the account is none."""
    normal = mixed(events.calls(count=20), events.calls(failed=True, count=2, function="another"))
    bad = mixed(events.calls(count=20), events.calls(failed=True))
    return tell(events.recorder, [(normal, 5 * MINUTE)], (bad, 5 * MINUTE))


def throttles(events: Events) -> Story:
    """One call that Lambda refuses for its concurrency; one of another function of the account is none."""
    normal = mixed(events.calls(count=20), events.calls(throttled=True, count=2, function="another"))
    bad = mixed(events.calls(count=20), events.calls(throttled=True))
    return tell(events.recorder, [(normal, 5 * MINUTE)], (bad, 5 * MINUTE))


def slow(events: Events) -> Story:
    """A tenth of the answers takes `slow_ms` for a quarter of an hour; five minutes of it, or 4 %, or less time, is none."""
    almost, longer = events.answers(ms=0.9 * SETTINGS.slow_ms, count=10), events.answers(ms=2 * SETTINGS.slow_ms, count=4)
    good = mixed(events.answers(count=86), almost, longer)
    bad = mixed(events.answers(count=90), events.answers(ms=SETTINGS.slow_ms, count=10))
    return tell(events.recorder, [([*good, *good, *bad], 15 * MINUTE)], (bad * 3, 15 * MINUTE))


def rejected(events: Events) -> Story:
    """Half of 100 requests are answered 4xx; of 98, or a smaller share, is none."""
    below = SETTINGS.alarm_rejected_percent - 1
    normal = mixed(events.answers(count=2 * (100 - below)), events.answers(status=429, count=2 * below))
    few = events.answers(status=403, count=99)
    bad = mixed(events.answers(count=100 - SETTINGS.alarm_rejected_percent), events.answers(status=403, count=below + 1))
    return tell(events.recorder, [(normal, 5 * MINUTE), (few, 5 * MINUTE)], (bad, 5 * MINUTE))


def refusals(events: Events) -> Story:
    """The share of the settings of 20 images in an hour is refused; all of 19, or a smaller share, is none."""
    share = SETTINGS.alarm_refused_percent
    normal = mixed(events.images(refused=False, count=101 - share), events.images(refused=True, count=share - 1))
    few = events.images(refused=True, count=19)
    refused = 20 * share // 100
    bad = mixed(events.images(refused=False, count=20 - refused), events.images(refused=True, count=refused))
    return tell(events.recorder, [(normal, HOUR), (few, HOUR)], (bad, HOUR))


def requests(events: Events) -> Story:
    """CloudFront receives `alarm_requests` in five minutes; a tenth less is none."""
    each = SETTINGS.alarm_requests // 5
    normal, bad = events.served(requests=9 * each // 10, count=5), events.served(requests=each, count=5)
    return tell(events.recorder, [(normal, 5 * MINUTE)], (bad, 5 * MINUTE))


def downloads(events: Events) -> Story:
    """CloudFront sends `alarm_download_mb` in five minutes; a tenth less is none."""
    each = SETTINGS.alarm_download_mb * 1_000_000 // 5
    normal, bad = events.served(downloaded=9 * each // 10, count=5), events.served(downloaded=each, count=5)
    return tell(events.recorder, [(normal, 5 * MINUTE)], (bad, 5 * MINUTE))


def edge_errors(events: Events) -> Story:
    """5 % of the answers are 5xx for a quarter of an hour; for five minutes, or 2 %, is none."""
    good, bad = events.served(count=5), events.served(error_percent=5.0, count=5)
    return tell(events.recorder, [([*good, *good, *bad], 15 * MINUTE)], (bad * 3, 15 * MINUTE))


def batch_failures(events: Events) -> Story:
    """An execution fails; one that succeeds or that somebody stops is none."""
    normal = events.executions("SUCCEEDED", "ABORTED", "SUCCEEDED")
    return tell(events.recorder, [(normal, 5 * MINUTE)], (events.executions("SUCCEEDED", "FAILED"), 5 * MINUTE))


def batch_timeouts(events: Events) -> Story:
    """An execution times out."""
    normal = events.executions("SUCCEEDED", "ABORTED", "SUCCEEDED")
    return tell(events.recorder, [(normal, 5 * MINUTE)], (events.executions("SUCCEEDED", "TIMED_OUT"), 5 * MINUTE))


STORIES: dict[str, Callable[[Events], Story]] = {
    "Faults": faults,
    "Crashes": crashes,
    "Throttles": throttles,
    "Slow": slow,
    "Rejected": rejected,
    "Refusals": refusals,
    "Requests": requests,
    "Downloads": downloads,
    "EdgeErrors": edge_errors,
    "BatchFailures": batch_failures,
    "BatchTimeouts": batch_timeouts,
}
"""The story of each alarm, by the name in docs/operations.md."""
