"""The CDK application, which cdk.json starts: `cdk synth`, `cdk deploy`."""

import sys

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.config import SettingError, Settings, read_settings
from infra.packaging.bundle import BundleError
from infra.stacks.batch import BatchStack
from infra.stacks.edge import EdgeStack, needs_edge
from infra.stacks.service import ServiceStack


def build(app: App, settings: Settings) -> tuple[ServiceStack, EdgeStack | None]:
    """Put the stacks of one deployment into `app`, with cdk-nag watching over them."""
    edge = EdgeStack(app, f"{settings.name}Edge", settings) if needs_edge(settings) else None
    stack = ServiceStack(app, settings.name, settings, edge)
    if edge:
        stack.add_stack_dependency(edge)
    if settings.batch_bucket:
        BatchStack(app, f"{settings.name}Batch", settings)
    Tags.of(app).add("service", settings.name)
    check(app)
    return stack, edge


def check(app: App) -> None:
    """Let cdk-nag look at every resource; what nobody acknowledged ends the synthesis with an error."""
    Validations.of(app).add_plugins(AwsSolutionsChecks())


def main() -> int:
    """Synthesise; 1 with one sentence on stderr where a setting is wrong or a package of the page is missing."""
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
