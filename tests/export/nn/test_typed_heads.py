"""Heads for each image type: each image gets the answer of its type's heads, and the evidence of each sums to it."""

import numpy as np
import pytest
import torch

from export.nn.ensemble import Ensemble
from export.nn.imagenet import create_spec
from export.nn.lesion_net import LesionNet
from export.nn.typed_heads import LinearHeads, TypedHeads

CLASSES = {"melanoma": True, "nevus": False, "dermatofibroma": False}
TYPES = torch.tensor([0.0, 1.0, 1.0])


def lesion_net(seed: int) -> LesionNet:
    torch.manual_seed(seed)
    return LesionNet(create_spec("test_efficientnet", 96, CLASSES)).eval()


@pytest.fixture(params=[1, 2])
def network(request: pytest.FixtureRequest) -> TypedHeads:
    """Return heads on one network, and on two."""
    members = [lesion_net(seed) for seed in range(request.param)]
    return TypedHeads(Ensemble(members) if len(members) > 1 else members[0]).eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 3, 96, 96, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_evidence_of_each_type_sums_to_its_logit(network: TypedHeads, images: torch.Tensor) -> None:
    network.malignant.bias[1] += 1
    network.diagnosis.bias[3:] += 1
    explanation = network.explain(network.feature_maps(images)[0])
    assert explanation.cells.shape == (3, 2, 3, 3) and explanation.class_logits.shape == (3, 2, 3)
    by_type = explanation.cells.mean((2, 3)) + explanation.bias
    logit, class_logits = network(images, TYPES)
    torch.testing.assert_close(logit, by_type[[0, 1, 2], [0, 1, 1]])
    torch.testing.assert_close(class_logits, explanation.class_logits[[0, 1, 2], [0, 1, 1]])
    assert (by_type[:, 0] - by_type[:, 1]).abs().min() > 1e-3


@torch.inference_mode()
def test_heads_are_those_of_the_network_until_others_are_set(network: TypedHeads, images: torch.Tensor) -> None:
    for found, of_base in zip(network(images, TYPES), network.base(images), strict=True):
        torch.testing.assert_close(found, of_base)
    before = network.heads()
    network.set_heads(before)
    assert all(np.array_equal(one.diagnosis, other.diagnosis) for one, other in zip(before, network.heads(), strict=True))


@torch.inference_mode()
def test_unknown_type_gets_the_mean_of_the_heads(network: TypedHeads, images: torch.Tensor) -> None:
    network.malignant.bias[1] += 1
    network.diagnosis.bias[3:] += 1
    as_each = [network(images, torch.full((3,), value)) for value in (0.0, 1.0)]
    for found, one, other in zip(network(images), *as_each, strict=True):
        torch.testing.assert_close(found, (one + other) / 2)


@torch.inference_mode()
def test_base_gets_the_mean_of_the_heads(network: TypedHeads, images: torch.Tensor) -> None:
    """A training starts from it."""
    rng, features = np.random.default_rng(1), network.malignant.in_features
    heads = [
        LinearHeads(
            rng.normal(size=features).astype(np.float32),
            float(place),
            rng.normal(size=(3, features)).astype(np.float32),
            rng.normal(size=3).astype(np.float32),
        )
        for place in range(2)
    ]
    network.set_heads((heads[0], heads[1]))
    pooled = network.feature_maps(images)[0].mean((2, 3)).numpy()
    logit, class_logits = network(images, TYPES)
    for place, own in enumerate((heads[0], heads[1], heads[1])):
        assert logit[place].item() == pytest.approx(float(pooled[place] @ own.malignant) + own.malignant_bias, abs=1e-4)
        np.testing.assert_allclose(class_logits[place], own.diagnosis @ pooled[place] + own.diagnosis_bias, atol=1e-4)
    for of_base, mean in zip(network.base(images), network(images), strict=True):
        torch.testing.assert_close(of_base, mean, rtol=0, atol=1e-4)
