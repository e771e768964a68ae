"""Clients of boto3 that answer what a test recorded; botocore checks each request and answer against AWS's own models."""

from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.stub import Stubber

CONFIG: dict[str, Any] = {
    "CallerReference": "cdk",
    "Comment": "page",
    "Enabled": True,
    "Origins": {"Quantity": 1, "Items": [{"Id": "bucket", "DomainName": "bucket.s3.amazonaws.com"}]},
    "DefaultCacheBehavior": {"TargetOriginId": "bucket", "ViewerProtocolPolicy": "https-only"},
}
OUTPUTS = [
    {"OutputKey": "FunctionName", "OutputValue": "lesion-function"},
    {"OutputKey": "DistributionId", "OutputValue": "E1"},
]


@dataclass
class Recorded:
    """Clients by service; `__call__` is `infra.operate.aws.Clients`."""

    stubs: dict[tuple[str, str], tuple[Any, Stubber]] = field(default_factory=dict)

    def __call__(self, service: str, region: str) -> Any:
        return self._stub(service, region)[0]

    def answer(self, service: str, region: str, method: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Expect this request next, and answer it."""
        self._stub(service, region)[1].add_response(method, answer, asked)

    def refuse(self, service: str, region: str, method: str, code: str, message: str = "no") -> None:
        """Expect a request of this method next, and answer it with an error."""
        self._stub(service, region)[1].add_client_error(method, code, message)

    def assert_all_asked(self) -> None:
        for _, stub in self.stubs.values():
            stub.assert_no_pending_responses()

    def _stub(self, service: str, region: str) -> tuple[Any, Stubber]:
        if (service, region) not in self.stubs:
            client = boto3.client(service, region_name=region, aws_access_key_id="none", aws_secret_access_key="none")
            stub = Stubber(client)
            stub.activate()
            self.stubs[service, region] = client, stub
        return self.stubs[service, region]
