"""The secret with which CloudFront proves to the function that a request came through it.

What it guards: the HTTP API has an address of its own that the whole world can reach, and that would get past the
firewall, the security headers and the limits of CloudFront. A request without the secret is answered 403 before its
photograph is looked at. What it does not guard: such a request still starts the function, for about a millisecond; the
stage's throttle and the reserved concurrency bound how often. It is no password of a person and opens nothing else.

It is made in the account at the first deployment and stands in no template: CloudFormation resolves the reference. Whoever
may read the function's or the distribution's configuration in this account can read it.
"""

from aws_cdk import Fn, RemovalPolicy
from aws_cdk.aws_secretsmanager import Secret, SecretStringGenerator
from constructs import Construct

from infra.constructs.nag import acknowledge

LENGTH = 48
"""Letters and digits, which are 285 bits."""


class OriginSecret(Construct):
    """The current secret and, after a change, the one before it.

    Attributes:
        current: reference that CloudFormation resolves; what CloudFront sends.
        accepted: references with a comma between; what the function takes. The one before stays valid, because the
            function and CloudFront cannot change in the same instant.
    """

    def __init__(self, scope: Construct, id: str, generation: int) -> None:
        super().__init__(scope, id)
        self.current = self._secret(generation)
        self.accepted = Fn.join(",", [self.current, self._secret(generation - 1)]) if generation > 1 else self.current

    def _secret(self, generation: int) -> str:
        secret = Secret(
            self,
            # A new name makes a new secret, which is the only change of a secret that its readers hear of.
            f"Generation{generation}",
            description="Shown by CloudFront to the function, so that nothing else reaches it.",
            generate_secret_string=SecretStringGenerator(password_length=LENGTH, exclude_punctuation=True),
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            secret,
            {
                "AwsSolutions-SMG4": "Its readers take it at a deployment only, so a rotation on a schedule would shut the "
                "service. It is changed by raising the setting origin_secret, without an interruption."
            },
        )
        reference: str = secret.secret_value.unsafe_unwrap()
        return reference
