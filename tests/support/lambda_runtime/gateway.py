"""API Gateway in front of a function: converts HTTP requests to events and the function's results to responses."""

import json

from tests.support.lambda_runtime import events
from tests.support.lambda_runtime.emulator import FunctionFailed, PayloadTooLarge, RuntimeApi
from tests.support.lambda_runtime.server import Handler, Server


class Gateway(Server):
    """HTTP server that forwards requests to the functions that poll `runtime`; a context manager."""

    def __init__(self, runtime: RuntimeApi, *, payload_format: str = "2.0", seconds: float = 30.0, port: int = 0) -> None:
        """Configure the server.

        Args:
            runtime: where events go.
            payload_format: "2.0" as an HTTP API sends it, or "1.0" as a REST API with binary media types.
            seconds: until it gives up waiting for the function.
            port: 0 for any free one.
        """
        super().__init__(_GatewayHandler, port)
        self.url = f"http://{self.address}"
        self.runtime = runtime
        self.payload_format = payload_format
        self.seconds = seconds


class _GatewayHandler(Handler):
    server: Gateway

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > events.REQUEST_BYTES:
            self.close_connection = True
            return self._refuse(413, "Request Entity Too Large")
        request = events.Request(self.command, self.path, self.headers.items(), self.body(), self.client_address[0])
        make = events.version_2 if self.server.payload_format == "2.0" else events.version_1
        try:
            result = self.server.runtime.invoke(make(request), seconds=self.server.seconds)
            status, headers, body = events.response(result)
        except PayloadTooLarge:
            return self._refuse(413, "Request Too Long")
        except (FunctionFailed, ValueError):
            return self._refuse(500, "Internal Server Error")
        return self.reply(status, body, headers)

    def _refuse(self, status: int, message: str) -> None:
        self.reply(status, json.dumps({"message": message}).encode(), {"Content-Type": "application/json"})

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = answer
