"""What CloudFront takes from us-east-1 only, whatever the region of the rest: the firewall and the domain's certificate."""

import json

from aws_cdk import Stack
from aws_cdk.aws_certificatemanager import Certificate, CertificateValidation
from aws_cdk.aws_route53 import HostedZone, IHostedZone
from aws_cdk.aws_wafv2 import CfnWebACL
from constructs import Construct

from infra.config import Settings

REGION = "us-east-1"
WINDOW_S = 300
"""Over which the firewall counts requests."""


def needs_edge(settings: Settings) -> bool:
    """Whether there is anything for this stack."""
    return settings.waf or _makes_certificate(settings)


def _makes_certificate(settings: Settings) -> bool:
    return bool(settings.domain_name) and not settings.certificate_arn


def hosted_zone(scope: Construct, id: str, settings: Settings) -> IHostedZone:
    """The domain's zone. Its name is only used for records at the domain itself, so the domain stands in for it."""
    return HostedZone.from_hosted_zone_attributes(
        scope, id, hosted_zone_id=settings.hosted_zone_id, zone_name=settings.domain_name
    )


class EdgeStack(Stack):
    """The stack in us-east-1.

    Attributes:
        web_acl_arn: of the firewall, or None.
        certificate: made and renewed for the own domain, or None.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:
        super().__init__(
            scope,
            id,
            env={"region": REGION},
            cross_region_references=True,
            description="Skin-lesion classifier: firewall and certificate of CloudFront",
        )
        self.web_acl_arn = _firewall(self, settings).attr_arn if settings.waf else None
        self.certificate = _certificate(self, settings) if _makes_certificate(settings) else None


def _certificate(scope: Construct, settings: Settings) -> Certificate:
    return Certificate(
        scope,
        "Certificate",
        domain_name=settings.domain_name,
        validation=CertificateValidation.from_dns(hosted_zone(scope, "Zone", settings)),
    )


def _firewall(scope: Construct, settings: Settings) -> CfnWebACL:
    """One rule, on how often; rules on content would read photographs as attacks, or stop after their first 8 KB."""
    problem = {
        "type": "about:blank",
        "title": "Too many requests",
        "status": 429,
        "detail": "Too many requests came from this address. Wait five minutes and try again.",
        "code": "too_many_requests",
    }
    return CfnWebACL(
        scope,
        "Firewall",
        scope="CLOUDFRONT",
        default_action=CfnWebACL.DefaultActionProperty(allow={}),
        visibility_config=_counted("Firewall"),
        custom_response_bodies={
            "too-many": CfnWebACL.CustomResponseBodyProperty(content_type="APPLICATION_JSON", content=json.dumps(problem))
        },
        rules=[
            CfnWebACL.RuleProperty(
                name="rate",
                priority=0,
                action=CfnWebACL.RuleActionProperty(
                    block=CfnWebACL.BlockActionProperty(
                        custom_response=CfnWebACL.CustomResponseProperty(
                            response_code=429,
                            custom_response_body_key="too-many",
                            response_headers=[CfnWebACL.CustomHTTPHeaderProperty(name="Retry-After", value=str(WINDOW_S))],
                        )
                    )
                ),
                statement=CfnWebACL.StatementProperty(
                    rate_based_statement=CfnWebACL.RateBasedStatementProperty(
                        aggregate_key_type="IP",
                        limit=settings.waf_requests,
                        evaluation_window_sec=WINDOW_S,
                        # The page's own files cost nothing, and one visit asks for thirty.
                        scope_down_statement=_starts_with("/api/"),
                    )
                ),
                visibility_config=_counted("Rate"),
            )
        ],
    )


def _starts_with(path: str) -> CfnWebACL.StatementProperty:
    return CfnWebACL.StatementProperty(
        byte_match_statement=CfnWebACL.ByteMatchStatementProperty(
            field_to_match=CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="STARTS_WITH",
            search_string=path,
            # CloudFront chooses the origin by the decoded path, so that `/%61pi/` leads to the API as well.
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
        # Samples would keep callers' addresses, user agents and queries for three hours.
        sampled_requests_enabled=False,
    )
