"""CloudFront Functions: the template's JavaScript for viewer requests, executed by node before the cache."""

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.support.cloud.messages import Request, Response
from tests.support.cloud.template import NotEmulated, Template, know

# One line in, one line out: a node that is started for each request would be most of its time.
_RUN = """
require("node:readline").createInterface({ input: process.stdin }).on("line", async (line) => {
  process.stdout.write(JSON.stringify(await handler(JSON.parse(line))) + "\\n");
});
"""


class EdgeFunction:
    """One function for `viewer-request`."""

    def __init__(self, code: str) -> None:
        self._code = code

    @classmethod
    def read(cls, template: Template, associations: Sequence[Mapping[str, Any]]) -> "EdgeFunction | None":
        """Return the function associated with a behaviour, if any.

        Raises:
            NotEmulated: it is for another event, or not in the template.
        """
        if not associations:
            return None
        (association,) = associations
        every = {
            template.resolve({"Fn::GetAtt": [name, "FunctionARN"]}): template.resolve(item["Properties"])
            for name, item in template.resources.items()
            if item["Type"] == "AWS::CloudFront::Function"
        }
        properties = every.get(association["FunctionARN"])
        if association["EventType"] != "viewer-request" or properties is None:
            raise NotEmulated(f"A function at the edge: {association}.")
        know(properties, "A function at the edge", ("Name", "AutoPublish", "FunctionCode", "FunctionConfig", "Tags"))
        if not properties["AutoPublish"]:
            raise NotEmulated("A function at the edge that is not published.")
        return cls(properties["FunctionCode"])

    def run(self, request: Request) -> Request | Response:
        """Return the request to continue with, or a response instead.

        Raises:
            NotEmulated: the function changes more of the request than its path.
        """
        headers = {name.lower(): {"value": text} for name, text in request.headers}
        asked = {"method": request.method, "uri": request.path, "querystring": {}, "headers": headers, "cookies": {}}
        event = {"version": "1.0", "context": {"eventType": "viewer-request"}, "request": asked}
        said = json.loads(_node(self._code).ask(json.dumps(event)))
        if "statusCode" not in said:
            if {**said, "uri": asked["uri"]} != asked:
                raise NotEmulated("A function at the edge that changes more of the request than its path.")
            if said["uri"] == request.path:
                return request
            _, mark, query = request.target.partition("?")
            return replace(request, target=f"{said['uri']}{mark}{query}")
        sent = tuple((name, item["value"]) for name, item in said.get("headers", {}).items())
        body = said.get("body", "")
        return Response(said["statusCode"], sent, (body if isinstance(body, str) else body["data"]).encode())


class _Node:
    """A node process that runs the function until this process ends."""

    def __init__(self, code: str) -> None:
        self._lock = threading.Lock()
        # Importing `infra` sets the node of the requirements.
        command = [os.environ["JSII_NODE"], "-e", code + _RUN]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line: str) -> str:
        with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()

    def close(self) -> None:
        """Stop the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


_nodes: dict[str, _Node] = {}
_starting = threading.Lock()


def _node(code: str) -> _Node:
    # Copies of a template with the same function share the process.
    with _starting:
        if code not in _nodes:
            _nodes[code] = _Node(code)
        return _nodes[code]


def close_all() -> None:
    """Stop all node processes."""
    while _nodes:
        _nodes.popitem()[1].close()
