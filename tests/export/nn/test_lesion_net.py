"""The network that is trained here: its image-type head, and starting from a network with other classes."""

import pytest
import torch

from export.nn.imagenet import create_spec
from export.nn.lesion_net import TYPE_GRADIENT, LesionNet, create_lesion_net
from export.nn.losses import TYPE_WEIGHT, Targets, type_loss
from export.nn.network import Spec

CLASSES = {"melanoma": True, "nevus": False}


def network(classes: dict[str, bool] = CLASSES, *, detects_type: bool = True) -> LesionNet:
    return create_lesion_net(create_spec("test_efficientnet", 96, classes, detects_type=detects_type))


def test_predict_has_an_image_type_only_with_the_head() -> None:
    images = torch.rand(2, 3, 96, 96)
    assert network(detects_type=False).predict(images).clinical is None
    clinical = network().predict(images).clinical
    assert clinical is not None and clinical.shape == (2,)


def test_spec_parse_accepts_records_without_the_head() -> None:
    """Checkpoints of earlier versions do not have the field."""
    spec = network(detects_type=False).spec
    record = spec.record()
    del record["detects_type"]
    assert Spec.parse(record) == spec


def test_image_type_gradient_in_the_body_is_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head has all of the gradient, the body `TYPE_GRADIENT` of it."""
    one, images = network().eval(), torch.rand(2, 3, 96, 96)
    targets = Targets(torch.zeros(2).long(), torch.zeros(2), torch.tensor([0.0, 1.0]))

    def gradients() -> tuple[torch.Tensor, torch.Tensor]:
        one.zero_grad()
        clinical = one.predict(images).clinical
        assert clinical is not None and one.clinical is not None
        type_loss(clinical, targets).backward()
        first, head = next(one.body.parameters()).grad, one.clinical.weight.grad
        assert first is not None and head is not None
        return first.clone(), head.clone()

    body, head = gradients()
    monkeypatch.setattr("export.nn.lesion_net.TYPE_GRADIENT", 1.0)
    full_body, full_head = gradients()
    assert full_body.abs().max() > 0
    torch.testing.assert_close(body, TYPE_GRADIENT * full_body, rtol=1e-3, atol=1e-3 * float(full_body.abs().max()))
    torch.testing.assert_close(head, full_head)


def test_type_loss_is_least_for_the_right_type() -> None:
    targets = Targets(torch.zeros(2).long(), torch.zeros(2), torch.tensor([0.0, 1.0]))
    undecided, logits = type_loss(torch.zeros(2), targets), torch.tensor([-3.0, 3.0])
    assert undecided.item() == pytest.approx(0.6931 * TYPE_WEIGHT, abs=1e-4)
    assert type_loss(logits, targets) < undecided < type_loss(logits, targets.flip())
    with pytest.raises(ValueError, match="no image type"):
        type_loss(logits, Targets(targets.diagnosis, targets.malignant))


def test_load_shared_weights_matches_classes_by_code() -> None:
    old = network(detects_type=False)
    new = network({"nevus": False, "other_benign": False, "melanoma": True})
    kept = new.diagnosis.weight[1].clone()
    new.load_shared_weights(old)
    assert torch.equal(new.diagnosis.weight, torch.stack([old.diagnosis.weight[1], kept, old.diagnosis.weight[0]]))
    assert torch.equal(new.malignant.weight, old.malignant.weight)
    assert all(torch.equal(value, new.body.state_dict()[name]) for name, value in old.body.state_dict().items())
