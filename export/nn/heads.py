"""Heads of third-party classifiers (pooling, linear layers, batch norms, ReLUs) and their exact evidence maps.

In evaluation mode such a head is piecewise linear in the feature map, and so is each class logit. The malignant-against-
benign logit of C classes is logsumexp(malignant ones) - logsumexp(benign ones); with two classes, their difference. Its
gradient g with respect to the pooled features x is computed in closed form, layer by layer backwards: a linear layer is its
matrix, a ReLU a mask, the last step softmax(malignant) - softmax(benign). With A the map, k its channels, p its cells,

    evidence(p) = sum_k A_k(p) * (g_mean_k + HW * g_max_k * [A_k(p) = max A_k] / ties)

(gradient x input: Shrikumar et al. 2017) has the mean g . x, and `bias` is the logit minus that mean. The concatenated
pooling, [max, mean], is fastai's `AdaptiveConcatPool2d`.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from export.errors import HeadError
from export.nn.network import Explanation

Pool = Literal["max", "mean"]


class Head(nn.Module):
    """Pooling and layers: as they were trained for `forward`, folded for `explain`."""

    def __init__(self, pools: Sequence[Pool], layers: nn.Sequential, malignant: Sequence[bool]) -> None:
        """Create a head.

        Args:
            pools: kinds of pooling whose results are concatenated, in order.
            layers: Linear, BatchNorm1d, ReLU, Dropout and Identity; they return the class logits.
            malignant: whether each class is malignant.

        Raises:
            HeadError: another kind of layer, or another number of classes.
        """
        super().__init__()
        self.pools, self.layers = tuple(pools), layers
        folded = fold_layers(layers)
        if folded[-1].out_features != len(malignant):
            raise HeadError(f"The head gives {folded[-1].out_features} outputs for {len(malignant)} classes.")
        self.folded = nn.ModuleList(folded)
        # Adding a large negative logit removes a class from a softmax.
        self.hide_benign = nn.Buffer(torch.tensor([0.0 if own else -1e9 for own in malignant]))
        self.hide_malignant = nn.Buffer(torch.tensor([-1e9 if own else 0.0 for own in malignant]))

    def pool(self, last: torch.Tensor) -> torch.Tensor:
        """Return the pooled features, (N, F) or, concatenated, (N, 2 F), of a feature map (N, F, R, C)."""
        return torch.cat([last.amax((2, 3)) if pool == "max" else last.mean((2, 3)) for pool in self.pools], 1)

    def malignant_logit(self, class_logits: torch.Tensor) -> torch.Tensor:
        """Return the malignant-against-benign logit (N,) of class logits (N, K)."""
        malignant = torch.logsumexp(class_logits + self.hide_benign, 1)
        return malignant - torch.logsumexp(class_logits + self.hide_malignant, 1)

    def forward(self, last: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the malignant-against-benign logit (N,) and class logits (N, K) of the last feature map (N, F, R, C)."""
        class_logits = self.layers(self.pool(last))
        return self.malignant_logit(class_logits), class_logits

    def explain(self, last: torch.Tensor) -> Explanation:
        """Return logits and evidence of the last feature map (N, F, R, C) by the formula of the module's docstring."""
        pooled = self.pool(last)
        values, masks = pooled, []
        for linear in self.folded[:-1]:
            before = linear(values)
            values = torch.relu(before)
            masks.append((before > 0).to(before.dtype))
        class_logits = self.folded[-1](values)

        gradient = torch.softmax(class_logits + self.hide_benign, 1) - torch.softmax(class_logits + self.hide_malignant, 1)
        for linear, mask in zip(reversed(self.folded), [*reversed(masks), None], strict=True):
            gradient = gradient @ linear.weight  # type: ignore[operator]  # ModuleList does not declare its items
            gradient = gradient if mask is None else gradient * mask

        cells = torch.zeros_like(last[:, 0])  # (N, R, C)
        for pool, part in zip(self.pools, gradient.chunk(len(self.pools), 1), strict=True):
            share = part[:, :, None, None]  # (N, F, 1, 1)
            if pool == "max":
                highest = (last == last.amax((2, 3), keepdim=True)).to(last.dtype)
                share = share * highest / highest.mean((2, 3), keepdim=True)
            cells = cells + (last * share).sum(1)
        return Explanation(cells, self.malignant_logit(class_logits) - cells.mean((1, 2)), class_logits, pooled)


def fold_layers(layers: nn.Sequential) -> list[nn.Linear]:
    """Return linear layers that, with a ReLU between each two, equal `layers` in evaluation mode; computed in float64.

    Raises:
        HeadError: a layer of another kind.
    """
    folded: list[nn.Linear] = []
    weight: torch.Tensor | None = None  # product of the layers since the last ReLU; None stands for the identity
    shift = torch.zeros((), dtype=torch.float64)

    def close() -> None:
        nonlocal weight, shift
        if weight is None:
            raise HeadError("The head has a ReLU or an end without a linear layer before it.")
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data, linear.bias.data = weight.float(), shift.expand(len(weight)).float()
        folded.append(linear)
        weight, shift = None, torch.zeros((), dtype=torch.float64)

    for layer in layers:
        if isinstance(layer, nn.Linear):
            own = layer.weight.detach().double()
            bias = layer.bias.detach().double() if layer.bias is not None else 0.0
            shift = own @ shift.expand(own.shape[1]) + bias
            weight = own if weight is None else own @ weight
        elif isinstance(layer, nn.BatchNorm1d):
            scale, offset = batch_norm_affine(layer)
            shift = scale * shift + offset
            weight = torch.diag(scale) if weight is None else scale[:, None] * weight
        elif isinstance(layer, nn.ReLU):
            close()
        elif not isinstance(layer, nn.Dropout | nn.Identity):
            raise HeadError(f"The head has a {type(layer).__name__}: its evidence is not worked out here.")
    close()
    return folded


def batch_norm_affine(layer: nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scale and offset, float64 (F,), of a batch norm in evaluation mode.

    Raises:
        HeadError: the layer has no running statistics.
    """
    if layer.running_mean is None or layer.running_var is None:
        raise HeadError("A batch norm of the head has no statistics.")
    scale = 1 / torch.sqrt(layer.running_var.double() + layer.eps)
    if layer.affine:
        scale = scale * layer.weight.detach().double()
    offset = -layer.running_mean.double() * scale
    return scale, offset + (layer.bias.detach().double() if layer.affine else 0.0)
