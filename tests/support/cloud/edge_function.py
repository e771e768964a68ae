"""CloudFront's functions: JavaScript of the template that sees a viewer's request before the cache does, run by node."""

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
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
        """The function that a behaviour names, if it names any.

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
        found = every.get(association["FunctionARN"])
        if association["EventType"] != "viewer-request" or found is None:
            raise NotEmulated(f"A function at the edge: {association}.")
        know(found, "A function at the edge", ("Name", "AutoPublish", "FunctionCode", "FunctionConfig", "Tags"))
        if not found["AutoPublish"]:
            raise NotEmulated("A function at the edge that is not published.")
        return cls(found["FunctionCode"])

    def run(self, request: Request) -> Request | Response:
        """The request to go on with, or an answer in its place.

        Raises:
            NotEmulated: the function changes the request.
        """
        headers = {name.lower(): {"value": text} for name, text in request.headers}
        asked = {"method": request.method, "uri": request.path, "querystring": {}, "headers": headers, "cookies": {}}
        event = {"version": "1.0", "context": {"eventType": "viewer-request"}, "request": asked}
        said = json.loads(_node(self._code).ask(json.dumps(event)))
        if "statusCode" not in said:
            if said != asked:
                raise NotEmulated("A function at the edge that changes the request.")
            return request
        sent = tuple((name, item["value"]) for name, item in said.get("headers", {}).items())
        body = said.get("body", "")
        return Response(said["statusCode"], sent, (body if isinstance(body, str) else body["data"]).encode())


class _Node:
    """A node with the function in it, until this process ends."""

    def __init__(self, code: str) -> None:
        self._lock = threading.Lock()
        # `infra` names the node that comes with the requirements.
        command = [os.environ["JSII_NODE"], "-e", code + _RUN]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line: str) -> str:
        with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


_nodes: dict[str, _Node] = {}
_starting = threading.Lock()


def _node(code: str) -> _Node:
    # Templates that are changed elsewhere share it.
    with _starting:
        if code not in _nodes:
            _nodes[code] = _Node(code)
        return _nodes[code]


def close_all() -> None:
    """End every node that was started."""
    while _nodes:
        _nodes.popitem()[1].close()
