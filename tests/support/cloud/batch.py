"""The batch stack emulated on this machine from its template: S3, the state machine and processes of the function.

with storage() as s3, BatchEmulation(template, s3, model, home) as emulation:
    emulation.machine.start("first")
"""

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import botocore.session
from botocore.config import Config
from moto.server import ThreadedMotoServer

from tests.support.cloud.functions import Functions
from tests.support.cloud.states import Machine
from tests.support.cloud.template import ACCOUNT, Template
from tests.support.paths import REPOSITORY

KEYS = {"AWS_ACCESS_KEY_ID": "emulation", "AWS_SECRET_ACCESS_KEY": "emulation"}


@contextmanager
def storage() -> Iterator[str]:
    """Run an empty emulated S3; yield its URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        # moto keeps the state of earlier servers in this process.
        urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST")).close()
        yield address
    finally:
        server.stop()


def client(address: str) -> Any:
    """Return a client of the emulated S3."""
    session = botocore.session.get_session()
    session.set_credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
    config = Config(max_pool_connections=50)
    return session.create_client("s3", region_name="us-east-1", endpoint_url=address, config=config)


def handler() -> str:
    """Return the handler that the batch image starts, from the Dockerfile."""
    text = (REPOSITORY / "lambda" / "Dockerfile").read_text()
    (name,) = re.findall(r'AS batch\n(?:.*\n)*?CMD \["(.+?)"\]', text)
    return str(name)


class BatchEmulation:
    """Emulation of one batch template, a context manager.

    Attributes:
        machine: the state machine.
        functions: what it calls.
        s3: a client.
        source, prefix: bucket and key prefix of the images.
        target: where results go.
        at_once: batches at the same time.
    """

    def __init__(
        self,
        template: Template,
        address: str,
        model: Path,
        home: Path,
        *,
        functions: int,
        handler: str,
        seconds: float | None = None,
        pause: float = 1.0,
    ) -> None:
        """Create the buckets, the functions and the state machine.

        Args:
            template: the stack.
            address: of an S3.
            model: the model file.
            home: an empty folder.
            functions: how many there may be at once, in place of as many as the template allows.
            handler: what they run.
            seconds: how long a call may take, in place of the template's.
            pause: how long a second is to the state machine.
        """
        ((name, function),) = (template.resolve(template.named("AWS::Lambda::Function"))).items()
        (machine,) = template.resolve(template.named("AWS::StepFunctions::StateMachine")).values()
        (self.target,) = template.named("AWS::S3::Bucket")
        definition = json.loads(machine["DefinitionString"])
        reader = definition["States"]["Images"]["ItemReader"]["Parameters"]
        self.source, self.prefix = reader["Bucket"], reader["Prefix"]
        self.s3 = client(address)
        for bucket in (self.source, self.target):
            self.s3.create_bucket(Bucket=bucket)
        variables = {
            **KEYS,
            **function["Environment"]["Variables"],
            "AWS_DEFAULT_REGION": template.region,
            "AWS_ENDPOINT_URL_S3": address,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function["MemorySize"]),
            "HOME": str(home),
            "LESION_MODEL": str(model),
            "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "lambda"), str(REPOSITORY))),
        }
        self.functions = Functions(handler, variables, at_once=functions, seconds=seconds or function["Timeout"])
        arn = f"arn:aws:lambda:{template.region}:{ACCOUNT}:{name}"

        def invoke(called: str, event: Any) -> Any:
            assert called == arn
            return self.functions.invoke(event)

        self.machine = Machine(definition, invoke, self.s3, pause=pause)

    def put(self, name: str, data: bytes) -> str:
        """Upload an image and return its key."""
        key = f"{self.prefix}{name}"
        self.s3.put_object(Bucket=self.source, Key=key, Body=data)
        return key

    def fetch(self, folder: Path) -> Path:
        """Download the results into a folder and return it."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.target, Prefix="results/"):
            for found in page.get("Contents", ()):
                path = folder / found["Key"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.s3.get_object(Bucket=self.target, Key=found["Key"])["Body"].read())
        return folder / "results"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.functions.__exit__(*details)
