"""Message when a scan of the function's image finds vulnerabilities.

ECR scans an image when it is pushed, if its repository is set to (`infra.operate.image_repository`). The repository belongs
to CDK's bootstrap, so that other stacks of the account may be reported too.
"""

from aws_cdk.aws_events import EventPattern, Match, Rule
from aws_cdk.aws_events_targets import SnsTopic
from aws_cdk.aws_sns import Topic
from constructs import Construct

REPOSITORIES = "cdk-hnb659fds-container-assets-"
"""Start of the name of the repositories of CDK's bootstrap."""
SEVERITIES = ("CRITICAL", "HIGH")


class ImageScans(Construct):
    """Rule that sends a complete scan with findings of `SEVERITIES` to a topic."""

    def __init__(self, scope: Construct, id: str, topic: Topic) -> None:
        super().__init__(scope, id)
        for severity in SEVERITIES:
            Rule(
                self,
                severity.title(),
                description=f"Scans of images that find {severity.lower()} vulnerabilities. See docs/operations.md.",
                event_pattern=EventPattern(
                    source=["aws.ecr"],
                    detail_type=["ECR Image Scan"],
                    detail={
                        "scan-status": ["COMPLETE"],
                        "repository-name": Match.prefix(REPOSITORIES),
                        "finding-severity-counts": {severity: Match.greater_than(0)},
                    },
                ),
                # It adds the right to publish to the topic's policy.
                targets=[SnsTopic(topic)],
            )
