"""The CDK application, which cdk.json starts: `cdk synth`, `cdk deploy`."""

import sys

from aws_cdk import App, RemovalPolicy, Tags, Validations
from aws_cdk.aws_logs import RetentionDays
from aws_cdk.custom_resources import CustomResourceConfig
from cdk_nag import AwsSolutionsChecks

from infra.edge import Edge, needs_edge
from infra.settings import SettingError, Settings, read_settings
from infra.stack import Lesion


def build(app: App, settings: Settings) -> tuple[Lesion, Edge | None]:
    """Put the stacks of one deployment into `app`, with cdk-nag watching over them."""
    edge = Edge(app, f"{settings.name}Edge", settings) if needs_edge(settings) else None
    stack = Lesion(app, settings.name, settings, edge)
    if edge:
        stack.add_dependency(edge)
    Tags.of(app).add("service", settings.name)
    # The logs of CDK's helper functions would outlive the stack, for ever.
    helpers = CustomResourceConfig.of(app)
    helpers.add_log_retention_lifetime(RetentionDays.ONE_MONTH)
    helpers.add_removal_policy(RemovalPolicy.DESTROY)
    Validations.of(app).add_plugins(AwsSolutionsChecks())
    return stack, edge


def main() -> int:
    """Synthesise; 1 with one sentence on stderr where a setting is wrong."""
    app = App(analytics_reporting=False)
    try:
        settings = read_settings(app.node.get_all_context())
    except SettingError as error:
        print(error, file=sys.stderr)
        return 1
    build(app, settings)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
