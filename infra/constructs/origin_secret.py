"""Secret header with which CloudFront proves to the function that a request came through it.

It protects against requests to the HTTP API's own public address, which bypass the web ACL, the security headers and the
limits of CloudFront: a request without the secret is answered 403 before its image is decoded. It does not protect against
the invocation itself, about a millisecond each, which the stage's throttle and the reserved concurrency bound. It is no
user's password and grants nothing else.

Secrets Manager generates it at the first deployment. No template contains it: CloudFormation resolves the reference. Anybody
who may read the function's or the distribution's configuration in this account can read it.
"""

from aws_cdk import Fn, RemovalPolicy
from aws_cdk.aws_secretsmanager import Secret, SecretStringGenerator
from constructs import Construct

from infra.constructs.nag import acknowledge

LENGTH = 48
"""Letters and digits: 285 bits."""


class OriginSecret(Construct):
    """Current secret and, after a rotation, the previous one.

    Attributes:
        current: CloudFormation reference of the secret that CloudFront sends.
        accepted: comma-separated references of the secrets that the function accepts. The previous one stays valid,
            because the function and CloudFront cannot change at the same instant.
    """

    def __init__(self, scope: Construct, id: str, generation: int) -> None:
        super().__init__(scope, id)
        self.current = self._secret(generation)
        self.accepted = Fn.join(",", [self.current, self._secret(generation - 1)]) if generation > 1 else self.current

    def _secret(self, generation: int) -> str:
        secret = Secret(
            self,
            # A new construct ID creates a new secret: its readers do not notice a changed value.
            f"Generation{generation}",
            description="Sent by CloudFront to the function, which refuses other requests.",
            generate_secret_string=SecretStringGenerator(password_length=LENGTH, exclude_punctuation=True),
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            secret,
            {
                "AwsSolutions-SMG4": "It is read at deployments only, so a scheduled rotation would make the service refuse "
                "every request. Raising the setting origin_secret rotates it without an interruption."
            },
        )
        reference: str = secret.secret_value.unsafe_unwrap()
        return reference
