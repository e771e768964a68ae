"""The 2019 application: Flask, default PyTorch, DenseNet161 and the preprocessing of fastai's `predict`.

The weights are random, because the times do not depend on them.
"""

import io
from typing import Any

import torch
from flask import Flask, request
from PIL import Image
from torch import nn
from torchvision import models, transforms

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class _ConcatPool(nn.Module):
    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return torch.cat((maps.amax((2, 3)), maps.mean((2, 3))), 1)


# fastai's body is the convolutions, its head two layers over both poolings.
_network = nn.Sequential(
    models.densenet161(weights=None).features,
    _ConcatPool(),
    nn.BatchNorm1d(4416),
    nn.Linear(4416, 512),
    nn.ReLU(),
    nn.BatchNorm1d(512),
    nn.Linear(512, 2),
).eval()
# fastai resizes the shorter side to 224 pixels and crops the centre.
_prepare = transforms.Compose(
    [
        transforms.Resize(224),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
)
app = Flask(__name__)


@app.post("/predict")
def predict() -> dict[str, Any]:
    image = Image.open(io.BytesIO(request.files["file"].read())).convert("RGB")
    with torch.no_grad():
        benign, malignant = _network(_prepare(image)[None]).softmax(1)[0].tolist()
    return {"benign": benign, "malignant": malignant}
