"""The device that is trained on, and the preparation of images there."""

import pytest
import torch

from export.commands.train import config_of, options
from export.training.device import select_device, to_cpu

REQUIRED = ["--data", "x", "--out", "y"]


@pytest.mark.parametrize("name", ["gpu", "cuda"])
def test_select_device_refuses_what_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"auto(, | and )cpu"):
        select_device(name)
    assert select_device("auto") == "cpu"


def test_select_device_prefers_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert [select_device(name) for name in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]


@pytest.mark.parametrize(
    ("name", "environment", "found"),
    [
        ("cuda:1", {}, "cuda:1"),
        ("auto", {"LOCAL_RANK": "1"}, "cuda:1"),
        ("cuda", {"LOCAL_RANK": "0"}, "cuda:0"),
        ("cuda:0", {"LOCAL_RANK": "1"}, "cuda:0"),
        ("cpu", {"LOCAL_RANK": "1"}, "cpu"),
    ],
)
def test_select_device_numbers_gpus(
    name: str, environment: dict[str, str], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert select_device(name, environment) == found
    with pytest.raises(ValueError, match="there is no cuda:2: PyTorch finds 2 GPUs, numbered from 0"):
        select_device("cuda:2", environment)


@pytest.mark.parametrize(
    ("given", "has_gpu", "found"),
    [
        ([], False, ("cpu", "workers")),
        ([], True, ("cuda", "device")),
        (["--device", "cpu"], True, ("cpu", "workers")),
        (["--prepare", "device"], False, ("cpu", "device")),
        (["--prepare", "workers"], True, ("cuda", "workers")),
    ],
)
def test_config_of_prepares_on_a_gpu_by_default(
    given: list[str], has_gpu: bool, found: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(has_gpu))
    config = config_of(options().parse_args([*REQUIRED, *given]))
    assert (config.device, config.prepare) == found


def test_device_option_refuses_a_missing_gpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        options().parse_args([*REQUIRED, "--device", "cuda"])
    assert "PyTorch finds no GPU here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "balance"),
    [
        ([], "datasets"),
        (["--no-balance-datasets"], "classes"),
        (["--balance-datasets"], "datasets"),
        (["--balance", "sources"], "sources"),
    ],
)
def test_balance_options_name_one_setting(given: list[str], balance: str) -> None:
    assert config_of(options().parse_args([*REQUIRED, *given])).balance == balance


def test_to_cpu_copies_nested_states() -> None:
    state = {"a": torch.ones(1), "b": [{"c": torch.zeros(2), "d": 0.1}], "e": None}
    found = to_cpu(state)
    assert found["b"][0]["c"].device.type == "cpu" and found["b"][0]["d"] == 0.1 and found["e"] is None
