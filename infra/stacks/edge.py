"""Stack of the resources that CloudFront requires in us-east-1: web ACL and certificate of the custom domain."""

from typing import cast

from aws_cdk import CfnDeletionPolicy, CfnResource, Stack
from aws_cdk.aws_certificatemanager import Certificate, CertificateValidation
from aws_cdk.aws_route53 import HostedZone, IHostedZone
from aws_cdk.aws_wafv2 import CfnWebACL
from constructs import Construct
from lesion.errors import TooManyRequests
from lesion.web.problems import problem_of

from infra.config import FIREWALL_WINDOW_S, Settings
from infra.constructs.names import EDGE_REGION


def needs_edge(settings: Settings) -> bool:
    """Return whether the settings need this stack."""
    return settings.waf or _makes_certificate(settings)


def _makes_certificate(settings: Settings) -> bool:
    return bool(settings.domain_name) and not settings.certificate_arn


def hosted_zone(scope: Construct, id: str, settings: Settings) -> IHostedZone:
    """Return the domain's hosted zone. Records are created at the domain only, so it also serves as the zone's name."""
    return HostedZone.from_hosted_zone_attributes(
        scope, id, hosted_zone_id=settings.hosted_zone_id, zone_name=settings.domain_name
    )


class EdgeStack(Stack):
    """Stack in us-east-1.

    Attributes:
        web_acl_arn: ARN of the web ACL, or None.
        certificate: certificate of the custom domain, renewed by ACM, or None.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(
            scope,
            id,
            env={"region": EDGE_REGION},
            cross_region_references=True,
            description="Skin-lesion classifier: firewall and certificate of CloudFront",
        )
        self.web_acl_arn = _firewall(self, settings).attr_arn if settings.waf else None
        self.certificate = _certificate(self, settings) if _makes_certificate(settings) else None


def _certificate(scope: Construct, settings: Settings) -> Certificate:
    certificate = Certificate(
        scope,
        "Certificate",
        domain_name=settings.domain_name,
        validation=CertificateValidation.from_dns(hosted_zone(scope, "Zone", settings)),
    )
    # When the domain changes, this stack is updated first, while the distribution still uses the previous certificate.
    options = cast(CfnResource, certificate.node.default_child).cfn_options
    options.update_replace_policy, options.deletion_policy = CfnDeletionPolicy.RETAIN, CfnDeletionPolicy.DELETE
    return certificate


def _firewall(scope: Construct, settings: Settings) -> CfnWebACL:
    """Create a web ACL with rate-based rules; content rules would match images, or stop after their first 8 KB."""
    error = TooManyRequests("Too many requests came from this address. Wait five minutes and try again.")
    body = problem_of(error).body().decode()
    return CfnWebACL(
        scope,
        "Firewall",
        scope="CLOUDFRONT",
        default_action=CfnWebACL.DefaultActionProperty(allow={}),
        visibility_config=_counted("Firewall"),
        custom_response_bodies={
            # The firewall has no content type for problems.
            "too-many": CfnWebACL.CustomResponseBodyProperty(content_type="APPLICATION_JSON", content=body)
        },
        rules=[
            _rate(0, "rate", "Rate", settings.waf_requests, error.status, _starts_with("/api/")),
            # The files of the page have no throttle: the model of private mode is the most expensive request of all.
            _rate(1, "all", "All", settings.waf_page_requests, error.status, None),
        ],
    )


def _rate(
    priority: int, name: str, metric: str, limit: int, status: int, paths: CfnWebACL.StatementProperty | None
) -> CfnWebACL.RuleProperty:
    """Return a rule that blocks an IP address above `limit` requests in the window, to `paths` or to all."""
    return CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=CfnWebACL.RuleActionProperty(
            block=CfnWebACL.BlockActionProperty(
                custom_response=CfnWebACL.CustomResponseProperty(
                    response_code=status,
                    custom_response_body_key="too-many",
                    response_headers=[CfnWebACL.CustomHTTPHeaderProperty(name="Retry-After", value=str(FIREWALL_WINDOW_S))],
                )
            )
        ),
        statement=CfnWebACL.StatementProperty(
            rate_based_statement=CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP",
                limit=limit,
                evaluation_window_sec=FIREWALL_WINDOW_S,
                scope_down_statement=paths,
            )
        ),
        visibility_config=_counted(metric),
    )


def _starts_with(path: str) -> CfnWebACL.StatementProperty:
    return CfnWebACL.StatementProperty(
        byte_match_statement=CfnWebACL.ByteMatchStatementProperty(
            field_to_match=CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="STARTS_WITH",
            search_string=path,
            # CloudFront selects the origin by the decoded path, so `/%61pi/` reaches the API as well.
            text_transformations=[
                CfnWebACL.TextTransformationProperty(priority=priority, type=kind)
                for priority, kind in enumerate(("URL_DECODE", "NORMALIZE_PATH"))
            ],
        )
    )


def _counted(name: str) -> CfnWebACL.VisibilityConfigProperty:
    return CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True,
        metric_name=name,
        # Sampled requests would keep IP addresses, user agents and queries for three hours.
        sampled_requests_enabled=False,
    )
