"""The function: what runs, with how much, under which rights, and where it writes its log."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    Alias,
    ApplicationLogLevel,
    Architecture,
    DockerImageFunction,
    LoggingFormat,
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
    """A log group that forgets after the chosen days and goes when its stack goes."""
    return LogGroup(scope, id, retention=_RETENTION[settings.log_days], removal_policy=RemovalPolicy.DESTROY)


class ClassifierFunction(Construct):
    """The function and the alias that traffic goes to.

    Attributes:
        function: every version of it.
        alias: `live`, which moves to a new version step by step.
    """

    def __init__(self, scope: Construct, id: str, settings: Settings, origin_secrets: str) -> None:
        super().__init__(scope, id)
        log = log_group(self, "Log", settings)
        # A role of its own: the one that CDK makes may create and write any log in the account.
        role = Role(self, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(role)
        self.function = DockerImageFunction(
            self,
            "Function",
            code=image_code(),
            # On ARM, ONNX Runtime stops at a file that Lambda does not have.
            architecture=Architecture.X86_64,
            role=role,
            memory_size=settings.memory_mb,
            timeout=Duration.seconds(settings.timeout_s),
            reserved_concurrent_executions=settings.reserved_concurrency or None,
            environment=_environment(settings, origin_secrets),
            log_group=log,
            logging_format=LoggingFormat.JSON,
            application_log_level_v2=ApplicationLogLevel.INFO,
            # Starts, ends and reports of each call; there is no cheaper place to read what was billed.
            system_log_level_v2=SystemLogLevel.INFO,
            tracing=Tracing.ACTIVE if settings.tracing else Tracing.DISABLED,
            # Rolling back needs the version before, and the deployment that made it does not keep it.
            current_version_options=VersionOptions(removal_policy=RemovalPolicy.RETAIN),
            description="Judges one photograph of a skin lesion; keeps nothing.",
        )
        if settings.tracing:
            acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": "X-Ray has no resources that writing could be limited to."})
        self.alias = Alias(
            self,
            "Live",
            alias_name="live",
            version=self.function.current_version,
            provisioned_concurrent_executions=settings.provisioned_concurrency or None,
        )


def _environment(settings: Settings, origin_secrets: str) -> dict[str, str]:
    given = {
        "LESION_TITLE": settings.title,
        "LESION_CODE_URL": settings.code_url,
        "LESION_URL_HOSTS": settings.url_hosts,
    }
    return {
        # In the image too; here it holds for whatever image is put in its place.
        "ORT_DISABLE_TELEMETRY": "1",
        "LESION_ORIGIN_SECRETS": origin_secrets,
        **{name: value for name, value in given.items() if value},
    }
