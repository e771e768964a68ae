"""Environment variables become settings, or an error that says how to set them."""

import os
from pathlib import Path

import pytest
from lesion.errors import SettingsError
from lesion.settings import Settings, read_settings


def test_defaults_serve_the_repository() -> None:
    settings = read_settings({})
    repository = Path(__file__).parents[2]
    assert settings == Settings(threads=min(os.cpu_count() or 1, 4))
    assert settings.model == repository / "models" / "lesion.onnx"
    assert settings.samples == repository / "infra" / "site" / "samples"
    assert settings.url_hosts == frozenset()


def test_read_settings_reads_every_variable() -> None:
    settings = read_settings(
        {
            "LESION_MODEL": "/opt/model.onnx",
            "LESION_SAMPLES": "/opt/samples",
            "LESION_THREADS": "3",
            "LESION_URL_HOSTS": " Images.Example.org, other.example.com ,",
            "LESION_MAX_UPLOAD_BYTES": "1000",
            "LESION_ORIGIN_SECRETS": f"{'a' * 48}, {'b' * 32}",
            "LESION_TITLE": "Moles",
            "LESION_CODE_URL": "https://example.org/code",
        }
    )
    assert settings == Settings(
        model=Path("/opt/model.onnx"),
        samples=Path("/opt/samples"),
        threads=3,
        url_hosts=frozenset({"images.example.org", "other.example.com"}),
        max_upload_bytes=1000,
        origin_secrets=frozenset({"a" * 48, "b" * 32}),
        title="Moles",
        code_url="https://example.org/code",
    )


def test_empty_variable_counts_as_unset() -> None:
    assert read_settings({"LESION_TITLE": "", "LESION_THREADS": " "}) == read_settings({})


@pytest.mark.parametrize(("memory", "threads"), [("512", 1), ("1769", 1), ("3537", 1), ("3538", 2), ("10240", 5)])
def test_threads_follow_the_memory_on_lambda(memory: str, threads: int) -> None:
    assert read_settings({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory}).threads == threads


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LESION_THREADS", "two"),
        ("LESION_THREADS", "0"),
        ("LESION_THREADS", "\u0663"),
        ("LESION_MAX_UPLOAD_BYTES", "4.5 MB"),
        ("LESION_URL_HOSTS", "https://example.org"),
        ("LESION_URL_HOSTS", "example.org:8443"),
        ("LESION_URL_HOSTS", "127.0.0.1"),
        ("LESION_URL_HOSTS", "*.example.org"),
        ("LESION_URL_HOSTS", "localhost"),
        ("LESION_CODE_URL", "javascript:alert(1)"),
        ("LESION_ORIGIN_SECRETS", "password"),
        ("LESION_ORIGIN_SECRETS", f"{'a' * 48},b"),
        ("LESION_ORIGIN_SECRETS", "ä" * 48),
    ],
)
def test_invalid_value_is_named_with_its_remedy(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name}.*(or leave it out)\."):
        read_settings({name: value})


def test_secrets_are_never_printed() -> None:
    assert "a" * 48 not in repr(read_settings({"LESION_ORIGIN_SECRETS": "a" * 48}))
    with pytest.raises(SettingsError) as caught:
        read_settings({"LESION_ORIGIN_SECRETS": f"{'a' * 48},halfway"})
    assert "aaa" not in str(caught.value) and "halfway" not in str(caught.value)


def test_largest_upload_fits_a_lambda_event() -> None:
    encoded = (Settings.max_upload_bytes + 2) // 3 * 4
    assert encoded + 100_000 < 6 * 1024 * 1024
