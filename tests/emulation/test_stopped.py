"""The deployment while it is stopped: nothing is served, by the distribution or by the API's own address.

The template is that of the setting `stopped`, which is what `make stop` makes of a running deployment. Run by
`make rehearse`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.emulation import template_changes as changes
from tests.emulation.checks import CHECK_FAILURES, Visitor
from tests.support.cloud.cloud import Cloud, Pool
from tests.support.cloud.front import Certificate
from tests.support.cloud.messages import Request
from tests.support.cloud.template import Template

pytestmark = pytest.mark.emulation

Visiting = Callable[[Template], AbstractContextManager[Visitor]]


@pytest.fixture
def visiting(processes: Pool, certificate: Certificate) -> Visiting:
    @contextmanager
    def visit(template: Template) -> Iterator[Visitor]:
        with Cloud(template, processes, certificate) as cloud, Visitor(cloud) as visitor:
            yield visitor

    return visit


def nothing_is_served(visitor: Visitor) -> None:
    for path in ("/", "/js/main.js", "/api/ping", "/api/classify?sample=ISIC_0000026"):
        answer = visitor.get(path)
        assert answer.status_code == 403, path
        assert answer.headers["x-cache"] == "Error from cloudfront"
    assert visitor.classify(content=b"x").status_code == 403
    # The function does not start for the API's own address either.
    assert visitor.cloud.api.answer(Request("GET", "/api/ping"), 10).status == 503
    assert visitor.cloud.api.event == {}


def enable(template: Template) -> None:
    changes.distribution(template)["Enabled"] = True


def reserve(template: Template) -> None:
    template.function()["ReservedConcurrentExecutions"] = 10


def test_nothing_is_served_while_stopped(visiting: Visiting, stopped: Template) -> None:
    with visiting(stopped) as visitor:
        nothing_is_served(visitor)


@pytest.mark.parametrize("change", [enable, reserve], ids=lambda change: change.__name__)
def test_check_fails_where_half_is_stopped(visiting: Visiting, stopped: Template, change: changes.Change) -> None:
    changed = stopped.copy()
    change(changed)
    with visiting(changed) as visitor, pytest.raises(CHECK_FAILURES):
        nothing_is_served(visitor)
