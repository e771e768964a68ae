"""CDK application, started by cdk.json: `cdk synth`, `cdk deploy`."""

import sys

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.config import SettingError, Settings, read_settings
from infra.constructs.names import EDGE_REGION, edge_stack_name
from infra.packaging.bundle import BundleError
from infra.stacks.batch import BatchStack
from infra.stacks.delivery import DeliveryStack
from infra.stacks.edge import EdgeStack, needs_edge
from infra.stacks.service import ServiceStack


def build(app: App, settings: Settings) -> tuple[ServiceStack, EdgeStack | None]:
    """Add the stacks of one deployment to `app`, checked by cdk-nag, and return them."""
    edge = EdgeStack(app, edge_stack_name(settings, "Edge"), settings) if needs_edge(settings) else None
    stack = ServiceStack(app, settings.name, settings, edge)
    if edge:
        stack.add_stack_dependency(edge)
    if settings.region != EDGE_REGION:
        web_acl = edge.web_acl_arn if edge else None
        DeliveryStack(app, edge_stack_name(settings, "Delivery"), settings, stack.distribution, web_acl)
    if settings.batch_bucket:
        BatchStack(app, f"{settings.name}Batch", settings, stack.topic)
    Tags.of(app).add("service", settings.name)
    check(app)
    return stack, edge


def check(app: App) -> None:
    """Check every resource with cdk-nag; a finding that is not acknowledged fails the synthesis."""
    Validations.of(app).add_plugins(AwsSolutionsChecks())


def main() -> int:
    """Synthesise the templates. Return 1, with a sentence on stderr, if a setting or the page's packages are wrong."""
    app = App(analytics_reporting=False)
    try:
        build(app, read_settings(app.node.get_all_context()))
    except (SettingError, BundleError) as error:
        print(error, file=sys.stderr)
        return 1
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
