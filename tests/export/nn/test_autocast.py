"""bfloat16 only where the device computes in it."""

import pytest
import torch

from export.nn.autocast import autocast


@pytest.mark.parametrize("probe", ["_is_avx512_bf16_supported", "_is_amx_tile_supported", ""])
def test_cpu_without_bfloat16_computes_in_float32(monkeypatch: pytest.MonkeyPatch, probe: str) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda found=name == probe: found)
    with autocast(torch.device("cpu")):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if probe else torch.float32)
