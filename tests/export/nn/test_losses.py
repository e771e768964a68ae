"""Training losses: labels, mixup and distillation."""

import pytest
import torch

from export.nn.lesion_net import LesionNet
from export.nn.losses import Targets, TeacherEnsemble, distillation_loss, draw_mixup_share, label_loss, mixup
from export.nn.network import Spec

SPEC = Spec("test_efficientnet", 64, ("melanoma", "nevus"), (True, False), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def test_label_loss_is_least_for_the_right_labels() -> None:
    seen = Targets(torch.tensor([0, 1]), torch.tensor([1.0, 0.0]))
    right = label_loss(torch.tensor([3.0, -3.0]), torch.tensor([[3.0, 0.0], [0.0, 3.0]]), seen)
    assert right < label_loss(torch.tensor([3.0, -3.0]), torch.tensor([[0.0, 3.0], [3.0, 0.0]]), seen)
    assert right < label_loss(torch.tensor([-3.0, 3.0]), torch.tensor([[3.0, 0.0], [0.0, 3.0]]), seen)


def test_label_loss_without_a_diagnosis_is_binary() -> None:
    classes = torch.randn(2, 2, requires_grad=True)
    logit = torch.zeros(2, requires_grad=True)
    label_loss(logit, classes, Targets(torch.tensor([-1, 1]), torch.tensor([1.0, 0.0]))).backward()
    assert classes.grad is not None and logit.grad is not None
    assert (classes.grad[0] == 0).all() and (classes.grad[1] != 0).all()
    assert (logit.grad != 0).all()
    none = label_loss(logit, classes, Targets(torch.tensor([-1, -1]), torch.tensor([1.0, 0.0])))
    assert none.item() == pytest.approx(0.6931, abs=1e-3)


def test_mixup_keeps_at_least_half_of_each_image() -> None:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    shares = []
    for _ in range(50):
        share = draw_mixup_share(0.3, generator)
        blend = mixup(pixels, share)
        assert torch.allclose(blend[0], share * pixels[0] + (1 - share) * pixels[3])
        shares.append(share)
    assert 0.5 <= min(shares) < 0.7 < max(shares) <= 1
    seen = Targets(torch.tensor([0, 1]), torch.tensor([1.0, 0.0])).flip()
    assert seen.diagnosis.tolist() == [1, 0] and seen.malignant.tolist() == [0, 1]


def test_teachers_return_mean_probabilities_and_stay_frozen() -> None:
    torch.manual_seed(1)
    networks = [LesionNet(SPEC) for _ in range(2)]
    teachers = TeacherEnsemble(networks)
    assert not teachers.train().training and not any(network.training for network in networks)
    pixels = torch.rand(3, 3, 64, 64) * 255
    malignant, classes = teachers(pixels)
    alone = [TeacherEnsemble([network])(pixels) for network in networks]
    assert torch.allclose(malignant, (alone[0][0] + alone[1][0]) / 2)
    assert torch.allclose(classes.sum(1), torch.ones(3))
    assert not any(weight.requires_grad for weight in teachers.parameters())


def test_distillation_loss_is_least_for_the_teachers_answer() -> None:
    taught = torch.tensor([0.8]), torch.tensor([[0.7, 0.3]])
    agreeing = distillation_loss(torch.tensor([0.8]).logit(), taught[1].log(), *taught)
    for other in (torch.tensor([0.5]), torch.tensor([0.95])):
        assert agreeing < distillation_loss(other.logit(), taught[1].log(), *taught)
    assert agreeing < distillation_loss(torch.tensor([0.8]).logit(), torch.tensor([[0.0, 0.0]]), *taught)
