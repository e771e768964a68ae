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
from tests.emulation.browser_visit import sample_below_threshold, view_page, visit_page
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


ROUTES = checks.api_routes_respond
FACTS = checks.facts_are_the_answers_of_the_api
UNCACHED = checks.api_responses_are_not_cached
HEADERS = checks.responses_have_the_security_headers
PAGE = checks.page_files_have_their_content_types
VIEWS = checks.page_has_views_and_a_404
CACHED = checks.page_is_compressed_and_cached_at_the_edge
NOTHING_ELSE = checks.nothing_else_is_published
CLASSIFIED = checks.image_is_classified_as_form_and_as_body
TLS = checks.plain_http_is_redirected_or_refused
PERSONAL = checks.function_receives_no_personal_headers
BYPASS = checks.requests_that_bypass_the_edge_are_refused
THROTTLED = checks.excess_requests_get_429
LARGE = checks.largest_upload_is_accepted
TOO_LARGE = checks.larger_uploads_get_a_problem

MUTATIONS: list[tuple[changes.Change, Check]] = [
    (changes.drop_the_api_behaviour, ROUTES),
    (changes.route_the_api_to_the_bucket, ROUTES),
    (changes.route_the_page_to_the_api, PAGE),
    (changes.insert_a_behaviour_before_the_api, ROUTES),
    (changes.restrict_methods("GET", "HEAD", "OPTIONS"), CLASSIFIED),
    (changes.restrict_methods("GET", "HEAD"), ROUTES),
    (changes.cache_the_api_as_the_page, UNCACHED),
    (lambda template: changes.api_behaviour(template).update(CachePolicyId=changes.CACHING_OPTIMIZED), UNCACHED),
    (changes.cache_errors, checks.api_errors_are_not_cached),
    (changes.change_the_content_security_policy, HEADERS),
    (changes.drop_the_response_headers_of_the_api, HEADERS),
    (changes.shorten_hsts, HEADERS),
    (changes.drop_the_permissions_policy, HEADERS),
    (lambda template: changes.origin(template, "CustomOriginConfig").pop("OriginCustomHeaders"), ROUTES),
    (changes.change_the_origin_secret, ROUTES),
    (changes.rename_the_secret_header, ROUTES),
    (changes.drop_the_secret_of_the_function, BYPASS),
    (changes.forward_the_cookies, PERSONAL),
    (changes.forward_header("User-Agent"), PERSONAL),
    (changes.forward_header("Referer"), PERSONAL),
    (changes.forward_header("Host"), PERSONAL),
    (changes.forward_no_query, UNCACHED),
    (changes.forward_no_content_type, CLASSIFIED),
    (changes.change_the_route, ROUTES),
    (changes.restrict_the_route_to_get, CLASSIFIED),
    (changes.drop_the_permission, ROUTES),
    (changes.restrict_the_permission_to_get, CLASSIFIED),
    (changes.throttle(ThrottlingBurstLimit=2), THROTTLED),
    (changes.throttle(ThrottlingBurstLimit=500), THROTTLED),
    (changes.drop_the_throttle, THROTTLED),
    (changes.lower_the_upload_limit, LARGE),
    (changes.raise_the_upload_limit, TOO_LARGE),
    (changes.drop_the_edge_function, TOO_LARGE),
    (changes.lower_the_limit_at_the_edge, LARGE),
    (changes.set_the_timeout_to_zero, ROUTES),
    (changes.drop_the_default_root, PAGE),
    (changes.drop_the_addresses_of_the_page, VIEWS),
    (changes.drop_the_views_of_the_page, VIEWS),
    (changes.add_an_origin_path, ROUTES),
    (changes.change_the_host_of_the_origin, ROUTES),
    (changes.use_an_origin_without_tls, ROUTES),
    (changes.drop_the_origin_access_control, PAGE),
    (changes.allow_another_distribution, PAGE),
    (changes.drop_the_list_permission, NOTHING_ELSE),
    (changes.drop_the_exclusions_of_the_deployment, PAGE),
    (changes.drop_the_content_types, PAGE),
    (changes.drop_the_thumbnails, PAGE),
    (changes.set_a_long_max_age, PAGE),
    (changes.disable_the_page_cache, CACHED),
    (changes.disable_compression, CACHED),
    (changes.cache_by_query, CACHED),
    (changes.serve_the_facts_from_the_function, FACTS),
    (changes.serve_one_fact_from_the_function, FACTS),
    (changes.drop_the_method_check, FACTS),
    (changes.publish_no_facts, FACTS),
    (changes.publish_facts_of_another_type, FACTS),
    (changes.cache_the_facts_in_browsers, FACTS),
    (changes.change_the_title_of_the_function, FACTS),
    (changes.allow_plain_http_to_the_bucket, TLS),
    (changes.allow_plain_http_to_the_api, TLS),
    (changes.redirect_plain_http_of_the_api, TLS),
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
    with visiting(changed) as visitor, pytest.raises(checks.CHECK_FAILURES):
        check(visitor)


@pytest.mark.parametrize(
    "change",
    [
        changes.use_an_unknown_cache_policy,
        changes.use_a_managed_origin_request_policy,
        changes.use_a_viewer_response_function,
        changes.add_an_error_page,
        changes.add_an_authorizer,
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


def test_first_view_starts_no_function(browser: Browser, visiting: Visiting, template: Template) -> None:
    with visiting(template) as visitor:
        view_page(browser, visitor)


@pytest.mark.parametrize("change", [changes.serve_the_facts_from_the_function, changes.serve_one_fact_from_the_function])
def test_first_view_fails_for_a_changed_template(
    browser: Browser, visiting: Visiting, template: Template, change: changes.Change
) -> None:
    changed = template.copy()
    change(changed)
    with visiting(changed) as visitor, pytest.raises(AssertionError):
        view_page(browser, visitor)


@pytest.mark.parametrize("change", [changes.forbid_scripts, changes.forbid_blob_images, changes.drop_the_api_behaviour])
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
