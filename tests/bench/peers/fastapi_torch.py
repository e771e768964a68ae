"""FastAPI around PyTorch with the network that the model file names, weights random; BENCH_COMPILE=1 for `torch.compile`."""

import io
import os
from typing import Any

import timm
import torch
from fastapi import FastAPI, UploadFile
from PIL import Image
from torchvision import transforms

torch.set_num_threads(1)
torch.set_num_interop_threads(1)

_network: Any = timm.create_model(os.environ["BENCH_NETWORK"], pretrained=False, num_classes=8).eval()
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
