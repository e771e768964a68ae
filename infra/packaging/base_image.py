"""Base image of the functions, pinned by digest in lambda/base-image.json. Only the standard library.

`PYTHONPATH=lambda python -m infra.packaging.base_image` reads the current digest from the registry, which needs no account,
and writes it. The digest is an argument of the build, so that a new one gives a new image although no file of the context
changed; a tag alone would keep the packages of the first build. `.github/workflows/base-image.yml` runs it every week.
"""

import json
import re
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.packaging.buildah import REPOSITORY

FILE = REPOSITORY / "lambda" / "base-image.json"
SECONDS = 60
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_INDEX = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"

Answer = tuple[Mapping[str, str], bytes]
Ask = Callable[[str, Mapping[str, str], str], Answer]
"""Sends a request of a method to a URL with headers, and returns the headers and the body of the answer."""


class DigestError(Exception):
    """Raised if the digest is malformed or cannot be read; the message says what to do."""


@dataclass(frozen=True)
class BaseImage:
    """Base image of lambda/Dockerfile.

    Attributes:
        image: registry, name and tag.
        digest: of the image for every architecture; empty if none was read yet.
    """

    image: str
    digest: str

    @classmethod
    def read(cls, file: Path = FILE) -> "BaseImage":
        """Return the base image that the file names.

        Raises:
            DigestError: the digest is malformed.
        """
        found = cls(**json.loads(file.read_text()))
        if found.digest and not DIGEST.fullmatch(found.digest):
            raise DigestError(f"{file.name} has the digest {found.digest!r}. Run `python -m infra.packaging.base_image`.")
        return found

    @property
    def reference(self) -> str:
        """Return what the Dockerfile starts from: by digest if one is known, otherwise by tag."""
        return f"{self.image}@{self.digest}" if self.digest else self.image


def current_digest(image: str, ask: Ask) -> str:
    """Return the digest of an image in a registry that gives anonymous tokens.

    Raises:
        DigestError: the registry answers without a digest.
        OSError: it cannot be reached.
    """
    host, _, path = image.partition("/")
    name, _, tag = path.rpartition(":")
    _, body = ask(f"https://{host}/token/?service={host}&scope=repository:{name}:pull", {}, "GET")
    token = json.loads(body)["token"]
    headers, _ = ask(
        f"https://{host}/v2/{name}/manifests/{tag}", {"Authorization": f"Bearer {token}", "Accept": _INDEX}, "HEAD"
    )
    digest = {key.lower(): value for key, value in headers.items()}.get("docker-content-digest", "")
    if not DIGEST.fullmatch(digest):
        raise DigestError(f"{host} names no digest of {image}.")
    return digest


def _ask(url: str, headers: Mapping[str, str], method: str) -> Answer:
    with urllib.request.urlopen(
        urllib.request.Request(url, headers=dict(headers), method=method), timeout=SECONDS
    ) as answer:
        return dict(answer.headers), answer.read()


def main(ask: Ask = _ask, file: Path = FILE) -> int:
    """Write the current digest. Return 1, with a sentence on stderr, if it cannot be read."""
    known: dict[str, Any] = json.loads(file.read_text())
    try:
        digest = current_digest(known["image"], ask)
    except (DigestError, OSError) as error:
        print(f"The digest stays as it is: {error}", file=sys.stderr)
        return 1
    print(f"{known['image']}: {'unchanged' if digest == known['digest'] else digest}")
    file.write_text(json.dumps({**known, "digest": digest}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
