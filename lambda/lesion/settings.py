"""The service's settings: environment variables, read once into a frozen object."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lesion.errors import SettingsError

_INSTALLED = Path(__file__).parent / "data"
"""Where an installed package has the model and the samples; the repository has them elsewhere."""
_REPOSITORY = Path(__file__).parents[2]
_MEMORY_PER_CPU = 1769
"""MB of memory for which Lambda grants one whole virtual CPU."""
_LAPTOP_THREADS = 4
"""More threads do not make one classification faster, and a laptop has other things to do."""
_MIN_SECRET_LENGTH = 32
"""In characters."""
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Settings:
    """Settings of the deployment; everything about the model is in the model file instead.

    Attributes:
        model: LESION_MODEL, path of the ONNX file.
        samples: LESION_SAMPLES, folder with samples.json and the sample images.
        threads: LESION_THREADS, threads that one classification may use.
        url_hosts: LESION_URL_HOSTS, hosts that `GET /api/classify?url=` may fetch from; an empty set disables it.
        max_upload_bytes: LESION_MAX_UPLOAD_BYTES, largest size of the images of a request together in bytes.
        title: LESION_TITLE, shown by the page.
        origin_secrets: LESION_ORIGIN_SECRETS, of which a request must send one on Lambda; an empty set accepts all requests.
        code_url: LESION_CODE_URL, address of the source code, or None for no link.
    """

    model: Path = (_INSTALLED if _INSTALLED.is_dir() else _REPOSITORY) / "models" / "lesion.onnx"
    samples: Path = _INSTALLED / "samples" if _INSTALLED.is_dir() else _REPOSITORY / "infra" / "site" / "samples"
    threads: int = 1
    url_hosts: frozenset[str] = frozenset()
    # Lambda's event holds 6,291,456 bytes. Base64 turns this limit into 6,000,000; the rest is for headers and the form.
    max_upload_bytes: int = 4_500_000
    origin_secrets: frozenset[str] = field(default=frozenset(), repr=False)
    title: str = "Skin-lesion classifier"
    code_url: str | None = None


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of an environment; an empty value counts as unset.

    Args:
        environment: names and values of environment variables.

    Raises:
        SettingsError: a variable has an invalid value.
    """
    variables = {name: value.strip() for name, value in environment.items() if value.strip()}
    return Settings(
        model=Path(variables.get("LESION_MODEL", Settings.model)),
        samples=Path(variables.get("LESION_SAMPLES", Settings.samples)),
        threads=_positive_int(variables, "LESION_THREADS") or _default_threads(variables),
        url_hosts=_parse_hosts(variables.get("LESION_URL_HOSTS", "")),
        max_upload_bytes=_positive_int(variables, "LESION_MAX_UPLOAD_BYTES") or Settings.max_upload_bytes,
        origin_secrets=_parse_secrets(variables.get("LESION_ORIGIN_SECRETS", "")),
        title=variables.get("LESION_TITLE", Settings.title),
        code_url=_parse_code_url(variables),
    )


def _positive_int(variables: Mapping[str, str], name: str) -> int | None:
    text = variables.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise SettingsError(f"{name} is {text!r}. Set it to a whole number of at least 1, or leave it out.")
    return int(text)


def _default_threads(variables: Mapping[str, str]) -> int:
    # In Lambda the share of the CPUs that the function may use follows from its memory, not from their number.
    memory = _positive_int(variables, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    if memory is not None:
        return max(1, memory // _MEMORY_PER_CPU)
    return min(os.cpu_count() or 1, _LAPTOP_THREADS)


def _parse_hosts(text: str) -> frozenset[str]:
    hosts = [host.strip().lower() for host in text.split(",") if host.strip()]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise SettingsError(
                f"LESION_URL_HOSTS names {host!r}, which is not a host name. "
                "Set it to names such as images.example.org, with commas between, or leave it out."
            )
    return frozenset(hosts)


def _parse_secrets(text: str) -> frozenset[str]:
    secrets = frozenset(secret.strip() for secret in text.split(",") if secret.strip())
    if any(len(secret) < _MIN_SECRET_LENGTH or not secret.isascii() for secret in secrets):
        # Without the value, which may be a real secret with a typing error.
        raise SettingsError(
            f"LESION_ORIGIN_SECRETS contains a secret that can be guessed. Set it to random letters and digits, at least "
            f"{_MIN_SECRET_LENGTH} for each, with commas between, or leave it out."
        )
    return secrets


def _parse_code_url(variables: Mapping[str, str]) -> str | None:
    url = variables.get("LESION_CODE_URL")
    # The page shows it as a link, so only web addresses are accepted: javascript: would run code.
    if url is not None and not url.startswith(("https://", "http://")):
        raise SettingsError(
            f"LESION_CODE_URL is {url!r}. Set it to a web address that starts with https://, or leave it out."
        )
    return url
