"""FastAPI around PyTorch with the networks of the model file, weights random; BENCH_COMPILE=1 for `torch.compile`."""

import io
import os
from typing import Any

import timm
import torch
from fastapi import FastAPI, UploadFile
from PIL import Image
from torch import nn
from torchvision import transforms

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Mean(nn.Module):
    """The mean of what several networks say."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(timm.create_model(name, pretrained=False, num_classes=8) for name in names)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([network(images) for network in self.networks]).mean(0)


_network: Any = Mean(os.environ["BENCH_NETWORK"].split(" + ")).eval()
if os.environ.get("BENCH_COMPILE") == "1":
    _network = torch.compile(_network)
_side = int(os.environ["BENCH_SIDE"])
_prepare = transforms.Compose(
    [
        transforms.Resize(_side),
        transforms.CenterCrop(_side),
        transforms.ToTensor(),
        transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ]
)
app = FastAPI()


@app.post("/predict")
def predict(file: UploadFile) -> dict[str, list[float]]:
    image = Image.open(io.BytesIO(file.file.read())).convert("RGB")
    with torch.inference_mode():
        return {"classes": _network(_prepare(image)[None])[0].sigmoid().tolist()}
