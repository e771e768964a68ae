"""Settings are read with their types, or refused with a sentence that says what to write instead."""

import json
import re
from typing import Any

import pytest

from infra.config import PREFIX, SettingError, Settings, read_settings, settings_table
from tests.support.paths import REPOSITORY


def read(**changed: Any) -> Settings:
    return read_settings({PREFIX + name: value for name, value in changed.items()})


def test_cdk_json_lists_every_setting_with_its_default() -> None:
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    listed = {key: value for key, value in context.items() if key.startswith(PREFIX)}
    assert listed == {PREFIX + name: item.default for name, item in Settings.model_fields.items()}
    assert read_settings(context) == Settings()


def test_default_is_accepted_as_value() -> None:
    for name, item in Settings.model_fields.items():
        assert read(**{name: item.default}) == Settings()


def test_every_setting_is_documented() -> None:
    for name, item in Settings.model_fields.items():
        assert (item.description or "").endswith("."), name
    assert settings_table() in (REPOSITORY / "docs" / "operations.md").read_text()


def test_command_line_text_is_converted() -> None:
    given = read(memory_mb="2048", waf="true", tracing="false", log_days="7", price_class=200, name="Moles2")
    assert given == Settings(memory_mb=2048, waf=True, log_days=7, price_class="200", name="Moles2")


def test_cdk_keys_are_ignored() -> None:
    assert read_settings({"@aws-cdk/core:checkSecretUsage": True, "hosted-zone:example": {}}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory_mb", 128),
        ("memory_mb", 20_000),
        ("memory_mb", 1769.5),
        ("memory_mb", "lots"),
        ("memory_mb", True),
        ("memory_mb", None),
        ("timeout_s", 29),
        ("waf", "yes"),
        ("waf", 1),
        ("log_days", 31),
        ("log_days", True),
        ("log_days", "a month"),
        ("rollout", "slowly"),
        ("price_class", True),
        ("price_class", "300"),
        ("region", "Frankfurt"),
        ("region", ""),
        ("name", "9 lives"),
        ("name", "Lesion\n"),
        ("domain_name", "https://example.org"),
        ("domain_name", "localhost"),
        ("certificate_arn", "arn:aws:acm:eu-central-1:111122223333:certificate/0a"),
        ("hosted_zone_id", "example.org"),
        ("alarm_email", "me"),
        ("code_url", "javascript:alert(1)"),
        ("url_hosts", "example.org:8443"),
        ("url_hosts", "example.org, other.example.org"),
        ("title", "two\nlines"),
        ("origin_secret", 0),
        ("batch_bucket", "s3://images"),
        ("batch_prefix", "no-slash"),
        ("batch_prefix", "every*/"),
        ("batch_concurrency", 0),
    ],
)
def test_wrong_value_is_refused_with_instruction(name: str, value: Any) -> None:
    with pytest.raises(SettingError) as caught:
        read(**{name: value})
    assert re.fullmatch(
        rf"{PREFIX}{name} is .+\. Set it to .+, in cdk\.json or with -c, or leave it out\.", str(caught.value), re.DOTALL
    )


def test_misspelt_setting_is_refused() -> None:
    with pytest.raises(SettingError, match=f"{PREFIX}wfa is not a setting.*correct its name.*waf"):
        read(wfa=True)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"domain_name": "moles.example.org"}, "needs a certificate. Set lesion:hosted_zone_id"),
        ({"hosted_zone_id": "Z0123456789"}, "Set lesion:domain_name too"),
        ({"certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/0a1b"}, "Set lesion:domain_name too"),
        ({"batch_prefix": "clinic/"}, "Set lesion:batch_bucket too"),
        ({"provisioned_concurrency": 11}, "Make the first at most the second"),
        ({"timeout_s": 5, "slow_ms": 5000}, "Lower the first or raise the second"),
    ],
)
def test_contradicting_values_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=re.escape(sentence)):
        read(**changed)


def test_provisioned_concurrency_needs_no_reservation() -> None:
    assert read(reserved_concurrency=0, provisioned_concurrency=50).provisioned_concurrency == 50
