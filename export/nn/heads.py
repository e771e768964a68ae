"""Heads of third-party classifiers (pooling, linear layers, norms, activations) and their exact evidence maps.

In evaluation mode such a head is linear in the feature map once its gates are held at their values for the image: the mask
of a ReLU, x -> x * gate(x) of a hard-swish, SiLU or GELU, and the standard deviation of a layer norm (Ali et al. 2022, "XAI
for Transformers", hold it in layer-wise relevance propagation). Without layer norms and smooth activations this is the
gradient. The malignant-against-benign logit of C classes is logsumexp(malignant ones) - logsumexp(benign ones); with two
classes, their difference. Its derivative g with respect to the pooled features x is computed in closed form, layer by layer
backwards, the last step being softmax(malignant) - softmax(benign). With A the map, k its channels, p its cells,

    evidence(p) = sum_k A_k(p) * (g_mean_k + HW * g_max_k * [A_k(p) = max A_k] / ties)

(gradient x input: Shrikumar et al. 2017) has the mean g . x, and `bias` is the logit minus that mean. The concatenated
pooling, [max, mean], is fastai's `AdaptiveConcatPool2d`.
"""

import math
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
            layers: Linear, BatchNorm1d, LayerNorm, ReLU, Hardswish, SiLU, GELU, Dropout and Identity; they return the class
                logits.
            malignant: whether each class is malignant.

        Raises:
            HeadError: another kind of layer, or another number of classes.
        """
        super().__init__()
        self.pools, self.layers = tuple(pools), layers
        folded = fold_layers(layers)
        if (outputs := _outputs(folded)) != len(malignant):
            raise HeadError(f"The head gives {outputs} outputs for {len(malignant)} classes.")
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
        values, inputs = pooled, []
        for layer in self.folded:
            inputs.append(values)
            values = layer(values)
        class_logits = values

        gradient = torch.softmax(class_logits + self.hide_benign, 1) - torch.softmax(class_logits + self.hide_malignant, 1)
        for layer, before in zip(reversed(self.folded), reversed(inputs), strict=True):
            gradient = held_gradient(layer, before, gradient)

        cells = torch.zeros_like(last[:, 0])  # (N, R, C)
        for pool, part in zip(self.pools, gradient.chunk(len(self.pools), 1), strict=True):
            share = part[:, :, None, None]  # (N, F, 1, 1)
            if pool == "max":
                highest = (last == last.amax((2, 3), keepdim=True)).to(last.dtype)
                share = share * highest / highest.mean((2, 3), keepdim=True)
            cells = cells + (last * share).sum(1)
        return Explanation(cells, self.malignant_logit(class_logits) - cells.mean((1, 2)), class_logits, pooled)


def held_gradient(layer: nn.Module, before: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Return the derivative with respect to a layer's input, the gates of the layer held at their values.

    Args:
        layer: one of those that `fold_layers` returns.
        before: its input, (N, F).
        gradient: with respect to its output, (N, G).
    """
    if isinstance(layer, nn.Linear):
        return gradient @ layer.weight
    if isinstance(layer, nn.LayerNorm):
        if layer.elementwise_affine:
            gradient = gradient * layer.weight
        deviation = torch.sqrt(before.var(1, correction=0, keepdim=True) + layer.eps)
        return (gradient - gradient.mean(1, keepdim=True)) / deviation
    return gradient * gate(layer, before)


def gate(layer: nn.Module, before: torch.Tensor) -> torch.Tensor:
    """Return the factor by which an activation multiplies its input (N, F).

    Raises:
        HeadError: the activation is of another kind.
    """
    if isinstance(layer, nn.ReLU):
        return (before > 0).to(before.dtype)
    if isinstance(layer, nn.Hardswish):
        return torch.clamp(before + 3, 0, 6) / 6
    if isinstance(layer, nn.SiLU):
        return torch.sigmoid(before)
    if isinstance(layer, nn.GELU) and layer.approximate == "none":
        return 0.5 * (1 + torch.erf(before / math.sqrt(2)))
    raise HeadError(f"The head has a {type(layer).__name__}: its evidence is not worked out here.")


def fold_layers(layers: nn.Sequential) -> list[nn.Module]:
    """Return linear layers, layer norms and activations that equal `layers` in evaluation mode.

    Linear layers and batch norms in a row become one linear layer, computed in float64.

    Raises:
        HeadError: a layer of another kind, or no linear layer at the end.
    """
    folded: list[nn.Module] = []
    weight: torch.Tensor | None = None  # product of the layers since the last activation; None stands for the identity
    shift = torch.zeros((), dtype=torch.float64)

    def close() -> None:
        nonlocal weight, shift
        if weight is not None:
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
        elif isinstance(layer, nn.LayerNorm):
            close()
            folded.append(layer)
        elif not isinstance(layer, nn.Dropout | nn.Identity):
            close()
            gate(layer, torch.zeros(1, 1))
            folded.append(layer)
    close()
    _outputs(folded)
    return folded


def _outputs(folded: Sequence[nn.Module]) -> int:
    last = folded[-1] if folded else None
    if not isinstance(last, nn.Linear):
        raise HeadError("The head does not end with a linear layer.")
    return last.out_features


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
