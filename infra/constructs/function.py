"""The function: what runs, with how much, under which rights, and where it writes its log."""

from aws_cdk import Annotations, Duration, RemovalPolicy
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    Alias,
    ApplicationLogLevel,
    Architecture,
    DockerImageFunction,
    LoggingFormat,
    SnapStartConf,
    SystemLogLevel,
    Tracing,
    VersionOptions,
)
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from infra.config import LogDays, Settings
from infra.constructs.image_asset import image_code
from infra.constructs.nag import acknowledge

_RETENTION: dict[LogDays, RetentionDays] = {
    1: RetentionDays.ONE_DAY,
    3: RetentionDays.THREE_DAYS,
    5: RetentionDays.FIVE_DAYS,
    7: RetentionDays.ONE_WEEK,
    14: RetentionDays.TWO_WEEKS,
    30: RetentionDays.ONE_MONTH,
    60: RetentionDays.TWO_MONTHS,
    90: RetentionDays.THREE_MONTHS,
    120: RetentionDays.FOUR_MONTHS,
    150: RetentionDays.FIVE_MONTHS,
    180: RetentionDays.SIX_MONTHS,
    365: RetentionDays.ONE_YEAR,
}


def log_group(scope: Construct, id: str, settings: Settings) -> LogGroup:
    """Create a log group with the retention of the settings, deleted with its stack."""
    return LogGroup(scope, id, retention=_RETENTION[settings.log_days], removal_policy=RemovalPolicy.DESTROY)


def processor(settings: Settings) -> Architecture:
    """Return the architecture of the settings. ONNX Runtime starts on Lambda's ARM processors since its release 1.32."""
    return Architecture.ARM_64 if settings.architecture == "arm64" else Architecture.X86_64


class ClassifierFunction(Construct):
    """Lambda function and the alias that receives traffic.

    Attributes:
        function: the function; its current version is published.
        variables_without_secret: its environment, but for the origin secrets.
        alias: `live`, shifted to a new version by `infra.constructs.rollout`.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings, origin_secrets: str) -> None:
        super().__init__(scope, id)
        log = log_group(self, "Log", settings)
        # CDK's default role may create and write any log group of the account.
        role = Role(self, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(role)
        self.variables_without_secret = _environment(settings)
        self.function = DockerImageFunction(
            self,
            "Function",
            code=image_code(settings),
            architecture=processor(settings),
            role=role,
            memory_size=settings.memory_mb,
            timeout=Duration.seconds(settings.timeout_s),
            # A reservation of zero refuses every call.
            reserved_concurrent_executions=0 if settings.stopped else settings.reserved_concurrency or None,
            environment={**self.variables_without_secret, "LESION_ORIGIN_SECRETS": origin_secrets},
            log_group=log,
            logging_format=LoggingFormat.JSON,
            application_log_level_v2=ApplicationLogLevel.INFO,
            # Start, end and report of each invocation: the cheapest record of the billed duration.
            system_log_level_v2=SystemLogLevel.INFO,
            tracing=Tracing.ACTIVE if settings.tracing else Tracing.DISABLED,
            # The image's client of the Runtime API asks for /restore/next, so it needs no label.
            snap_start=SnapStartConf.ON_PUBLISHED_VERSIONS if settings.snap_start else None,
            # A roll-back needs the previous version, which CDK would delete.
            current_version_options=VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            description="Classifies one image of a skin lesion; keeps nothing.",
        )
        if settings.snap_start:
            # A warning that only published versions start from a snapshot; the alias always names one.
            Annotations.of(self.function).acknowledge_warning("@aws-cdk/aws-lambda:snapStartRequirePublish")
        if settings.tracing:
            acknowledge(
                role, {"AwsSolutions-IAM5[Resource::*]": "X-Ray supports no resource-level permissions for writing traces."}
            )
        self.alias = Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=settings.provisioned_concurrency or None,
        )


def _environment(settings: Settings) -> dict[str, str]:
    given = {
        "LESION_TITLE": settings.title,
        "LESION_CODE_URL": settings.code_url,
        "LESION_URL_HOSTS": settings.url_hosts,
    }
    return {
        # The image sets it too; here it also applies to an image that replaces it.
        "ORT_DISABLE_TELEMETRY": "1",
        **{name: value for name, value in given.items() if value},
    }
