"""The loss of a batch: labels, mixup, teachers and the image type together."""

from dataclasses import dataclass

import torch

from export.checkpoints.recipe import TrainConfig
from export.nn.autocast import autocast
from export.nn.depthwise import FastDepthwiseGradients
from export.nn.lesion_net import LesionNet
from export.nn.losses import (
    Targets,
    TeacherEnsemble,
    distillation_loss,
    draw_mixup_share,
    label_loss,
    mixup,
    mixup_loss,
    type_loss,
)
from export.nn.network import Normalise


@dataclass(frozen=True)
class Objective:
    """What a network is trained for.

    Attributes:
        network: that is trained.
        teachers: whose answers it learns as well, or None.
        normalise: pixels for both.
        config: its options for mixup and teachers.
    """

    network: LesionNet
    teachers: TeacherEnsemble | None
    normalise: Normalise
    config: TrainConfig

    def loss(
        self, pixels: torch.Tensor, originals: torch.Tensor, labels: Targets, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of one batch, a scalar.

        Args:
            pixels: augmented images, float (N, 3, S, S), 0..255.
            originals: the same crops of the images without augmentation, in their own aspect, for the teachers: the network
                learns to answer for a degraded and squashed image as they do for the original.
            labels: of the N images.
            generator: draws the share of mixup, on the CPU.
        """
        share = 1.0
        if self.config.mixup:
            share = draw_mixup_share(self.config.mixup, generator)
            pixels, originals = mixup(pixels, share), mixup(originals, share)
        inputs = self.normalise(pixels).contiguous(memory_format=torch.channels_last)
        with FastDepthwiseGradients(), autocast(pixels.device):
            prediction = self.network.predict(inputs).to_float32()
            # Mixed images are of no type, or of two.
            types = labels.clinical if share == 1 else None
            taught = self.teachers(originals, types) if self.teachers is not None else None
        loss = mixup_loss(lambda targets: label_loss(prediction.malignant, prediction.classes, targets), labels, share)
        if taught is not None:
            part = self.config.teachers_share
            loss = (1 - part) * loss + part * distillation_loss(prediction.malignant, prediction.classes, *taught)
        clinical = prediction.clinical
        # Teachers may not have learnt the image type, so that the recorded one always counts.
        return loss if clinical is None else loss + mixup_loss(lambda targets: type_loss(clinical, targets), labels, share)
