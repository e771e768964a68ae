"""Mutation tests of the checks: for every change that breaks the deployment, a check must fail.

The functions are processes of this machine, because the image does not matter here. Run by `make rehearse`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.emulation import checks
from tests.emulation import template_changes as changes
from tests.emulation.browser_visit import sample_below_threshold, visit_page
from tests.emulation.checks import Visitor
from tests.support.cloud.cloud import Cloud, Pool
from tests.support.cloud.front import Certificate
from tests.support.cloud.template import NotEmulated, Template

pytestmark = pytest.mark.emulation

Check = Callable[[Visitor], None]


Visiting = Callable[[Template], AbstractContextManager[Visitor]]


@pytest.fixture(scope="session")
def visiting(processes: Pool, certificate: Certificate) -> Visiting:
    """Return a function that yields a client of the deployment of a template."""

    @contextmanager
    def visit(template: Template) -> Iterator[Visitor]:
        with Cloud(template, processes, certificate) as cloud, Visitor(cloud) as visitor:
            yield visitor

    return visit


ROUTES = checks.every_route_of_the_api_answers
OWN = checks.every_question_gets_its_own_answer
HEADERS = checks.every_answer_carries_the_security_headers
PAGE = checks.the_page_and_all_that_it_loads_come_with_their_types
EDGE = checks.the_page_comes_from_the_edge_small_and_only_once
NOTHING_ELSE = checks.nothing_else_is_published
JUDGED = checks.a_photograph_is_judged_as_a_form_and_as_the_body
TLS = checks.without_tls_the_page_redirects_and_the_api_refuses
PERSON = checks.the_function_is_told_nothing_of_a_person
TURNED_AWAY = checks.who_does_not_come_through_the_edge_is_turned_away
THROTTLED = checks.too_many_requests_are_told_so
LARGE = checks.a_photograph_of_four_and_a_half_megabytes_goes_through
TOO_LARGE = checks.a_larger_photograph_gets_a_sentence

MUTATIONS: list[tuple[changes.Change, Check]] = [
    (changes.drop_the_api_behaviour, ROUTES),
    (changes.send_the_api_to_the_bucket, ROUTES),
    (changes.send_the_page_to_the_api, PAGE),
    (changes.a_behaviour_before_the_api, ROUTES),
    (changes.without_methods("GET", "HEAD", "OPTIONS"), JUDGED),
    (changes.without_methods("GET", "HEAD"), ROUTES),
    (changes.cache_the_api_as_the_page, OWN),
    (lambda template: changes.api_behaviour(template).update(CachePolicyId=changes.CACHING_OPTIMIZED), OWN),
    (changes.keep_errors, checks.an_error_is_not_kept_for_the_next),
    (changes.another_content_security_policy, HEADERS),
    (changes.headers_for_the_page_only, HEADERS),
    (changes.short_hsts, HEADERS),
    (changes.no_permissions_policy, HEADERS),
    (lambda template: changes.origin(template, "CustomOriginConfig").pop("OriginCustomHeaders"), ROUTES),
    (changes.a_secret_that_the_function_does_not_know, ROUTES),
    (changes.the_secret_under_another_name, ROUTES),
    (changes.no_secret_for_the_function, TURNED_AWAY),
    (changes.forward_the_cookies, PERSON),
    (changes.forward_header("User-Agent"), PERSON),
    (changes.forward_header("Referer"), PERSON),
    (changes.forward_header("Host"), PERSON),
    (changes.forward_no_query, OWN),
    (changes.forward_no_content_type, JUDGED),
    (changes.another_route, ROUTES),
    (changes.one_method_on_the_route, JUDGED),
    (changes.no_right_to_call, ROUTES),
    (changes.a_right_to_call_for_another_route, JUDGED),
    (changes.throttle(ThrottlingBurstLimit=2), THROTTLED),
    (changes.throttle(ThrottlingBurstLimit=500), THROTTLED),
    (changes.no_throttle, THROTTLED),
    (changes.a_smaller_limit, LARGE),
    (changes.a_larger_limit, TOO_LARGE),
    (changes.nothing_at_the_edge, TOO_LARGE),
    (changes.a_lower_limit_at_the_edge, LARGE),
    (changes.an_impatient_function, ROUTES),
    (changes.no_default_root, PAGE),
    (changes.an_origin_path, ROUTES),
    (changes.another_host, ROUTES),
    (changes.an_origin_without_tls, ROUTES),
    (changes.an_unsigned_bucket, PAGE),
    (changes.a_bucket_for_another_distribution, PAGE),
    (changes.a_bucket_without_lists, NOTHING_ELSE),
    (changes.every_part_copies_everything, PAGE),
    (changes.thumbnails_without_a_type, PAGE),
    (changes.no_thumbnails, PAGE),
    (changes.files_that_browsers_keep, PAGE),
    (changes.no_cache_of_the_page, EDGE),
    (changes.no_compression, EDGE),
    (changes.queries_in_the_page_cache, EDGE),
    (changes.writing_to_the_bucket, TLS),
    (changes.api_without_tls, TLS),
    (changes.api_that_redirects, TLS),
]


def change_name(value: object) -> str:
    return getattr(value, "__name__", "").replace("<lambda>", "inline")


@pytest.mark.parametrize("check", checks.CHECKS, ids=change_name)
def test_checks_pass_for_the_unchanged_template(visiting: Visiting, template: Template, check: Check) -> None:
    with visiting(template) as visitor:
        check(visitor)


@pytest.mark.parametrize(("change", "check"), MUTATIONS, ids=change_name)
def test_check_fails_for_a_changed_template(
    visiting: Visiting, template: Template, change: changes.Change, check: Check
) -> None:
    changed = template.copy()
    change(changed)
    with visiting(changed) as visitor, pytest.raises(checks.NOTICED):
        check(visitor)


@pytest.mark.parametrize(
    "change",
    [
        changes.an_unknown_cache_policy,
        changes.a_managed_origin_request_policy,
        changes.another_function_at_the_edge,
        changes.a_page_for_errors,
        changes.an_authorizer,
    ],
)
def test_unsupported_template_features_raise(
    processes: Pool, certificate: Certificate, template: Template, change: changes.Change
) -> None:
    changed = template.copy()
    change(changed)
    with pytest.raises(NotEmulated):
        Cloud(changed, processes, certificate)


@pytest.fixture(scope="module")
def below(visiting: Visiting, template: Template) -> str:
    with visiting(template) as visitor:
        return sample_below_threshold(visitor)


def test_visit_passes_for_the_unchanged_template(
    browser: Browser, visiting: Visiting, template: Template, below: str, tmp_path: Path
) -> None:
    with visiting(template) as visitor:
        visit_page(browser, visitor.cloud.url, below, tmp_path)


@pytest.mark.parametrize("change", [changes.no_script, changes.no_picture_from_memory, changes.drop_the_api_behaviour])
def test_visit_fails_for_a_changed_template(
    browser: Browser,
    visiting: Visiting,
    template: Template,
    below: str,
    tmp_path: Path,
    change: changes.Change,
) -> None:
    changed = template.copy()
    change(changed)
    with visiting(changed) as visitor, pytest.raises(AssertionError):
        visit_page(browser, visitor.cloud.url, below, tmp_path)
