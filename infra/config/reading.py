"""Reading of the settings from a CDK context, with a sentence for each value that is not understood."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from infra.config.settings import Settings

PREFIX = "lesion:"
"""Prefix of the keys in cdk.json, so that a misspelt key cannot be mistaken for one of CDK's own."""


class SettingError(ValueError):
    """Raised when a setting is not understood; the message says what to write instead."""


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Return the settings in a CDK context; keys without the prefix are CDK's own and ignored.

    Raises:
        SettingError: an unknown key, a value that is not understood, or values that contradict each other.
    """
    given = {key.removeprefix(PREFIX): value for key, value in context.items() if key.startswith(PREFIX)}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise _setting_error(error) from error
    _check_consistency(settings)
    return settings


def _setting_error(error: ValidationError) -> SettingError:
    """Return the first of pydantic's errors as a sentence that says what to write."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return SettingError(
            f"{PREFIX}{name} is not a setting. Remove it, or correct its name; "
            f"the settings are {', '.join(Settings.model_fields)}."
        )
    expected = _expected(Settings.model_fields[name])
    return SettingError(
        f"{PREFIX}{name} is {first['input']!r}. Set it to {expected}, in cdk.json or with -c, or leave it out."
    )


def _expected(item: FieldInfo) -> str:
    if item.annotation is bool:
        return "true or false"
    if choices := get_args(item.annotation):
        return f"one of {', '.join(map(str, choices))}"
    if item.examples:
        return f"something like {item.examples[0]}"
    least, most = (next(getattr(rule, bound) for rule in item.metadata if hasattr(rule, bound)) for bound in ("ge", "le"))
    return f"a whole number from {least} to {most}"


def _check_consistency(settings: Settings) -> None:
    if settings.domain_name and not (settings.certificate_arn or settings.hosted_zone_id):
        raise SettingError(
            f"{PREFIX}domain_name needs a certificate. Set {PREFIX}hosted_zone_id if Route 53 hosts the domain, "
            f"or else {PREFIX}certificate_arn."
        )
    if not settings.domain_name and (settings.certificate_arn or settings.hosted_zone_id):
        raise SettingError(
            f"{PREFIX}certificate_arn and {PREFIX}hosted_zone_id belong to a domain. Set {PREFIX}domain_name too, "
            "or leave them out."
        )
    if 0 < settings.reserved_concurrency < settings.provisioned_concurrency:
        raise SettingError(
            f"{PREFIX}provisioned_concurrency is more than {PREFIX}reserved_concurrency. Make the first at most the second."
        )
    if settings.flat_rate_plan and not settings.waf:
        raise SettingError(f"{PREFIX}flat_rate_plan needs a web ACL, which the plan includes. Set {PREFIX}waf to true too.")
    if settings.snap_start and settings.provisioned_concurrency:
        raise SettingError(
            f"{PREFIX}provisioned_concurrency and {PREFIX}snap_start exclude each other. "
            "Set the first to 0, or the second to false."
        )
    if settings.stopped and settings.provisioned_concurrency:
        raise SettingError(
            f"{PREFIX}provisioned_concurrency keeps environments that {PREFIX}stopped turns off. Set the first to 0."
        )
    if settings.batch_prefix and not settings.batch_bucket:
        raise SettingError(f"{PREFIX}batch_prefix belongs to a bucket. Set {PREFIX}batch_bucket too, or leave it out.")
    if settings.slow_ms >= 1000 * settings.timeout_s:
        raise SettingError(
            f"{PREFIX}slow_ms is not below {PREFIX}timeout_s, so the alarm could never be raised. "
            "Lower the first or raise the second."
        )
