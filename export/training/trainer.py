"""The training loop, which writes a checkpoint after every epoch and resumes from it."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score
from timm.utils.model_ema import ModelEmaV3
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler
from tqdm import tqdm

from export.checkpoints.from_onnx import prepare_for_training
from export.checkpoints.reader import read_checkpoint
from export.checkpoints.recipe import Phase, TrainConfig, record_of
from export.checkpoints.writer import file_sha256, write_checkpoint
from export.data.augment import jitter_colour, random_crops, sample_crops
from export.data.labels import CLASSES, LabelledImage, fingerprint, target_arrays
from export.data.sampling import sampling_weights
from export.data.splits import select_split
from export.data.transforms import STORED_SIDE, load_squares
from export.errors import CheckpointError, DataError
from export.nn.depthwise import FastDepthwiseGradients
from export.nn.ensemble import Ensemble
from export.nn.imagenet import create_spec, load_imagenet_weights
from export.nn.lesion_net import LesionNet, create_lesion_net
from export.nn.losses import Targets, TeacherEnsemble, distillation_loss, draw_mixup_share, label_loss, mixup
from export.nn.network import Normalise
from export.nn.predict import predict_malignant_logits
from export.training.dataset import AugmentedImages
from export.training.schedule import epochs, learning_rate, total_steps

EMA_DECAY = 0.998
"""Of the moving average of the weights, which is what a checkpoint's network has."""
WEIGHT_DECAY = 0.05
LARGEST_GRADIENT = 5.0
"""Norm to which gradients are clipped."""


class Trainer:
    """Network, optimiser and position of one run: all state that a checkpoint holds."""

    def __init__(self, config: TrainConfig, rows: Sequence[LabelledImage], out: Path) -> None:
        """Prepare a run.

        Args:
            config: the options.
            rows: of a data folder; `train` and `val` are used.
            out: folder for checkpoint.pt.

        Raises:
            ArchitectureError: the architecture is unknown, or cannot be exported.
            CheckpointError: a start or a teacher cannot be read, or the start is of another architecture.
            DataError: `train` or `val` lacks one side, or `train` has fewer images than a batch.
        """
        self.config, self.out = config, out
        self.train_rows, self.val_rows = select_split(rows, "train"), select_split(rows, "val")
        if len(self.train_rows) < (largest := max(phase.batch for phase in config.phases)):
            raise DataError(
                f"`train` has {len(self.train_rows)} images, and a batch {largest}: nothing would be learnt. "
                "Make the batches smaller with --phases SIZE:EPOCHS:BATCH."
            )
        spec = create_spec(config.arch, config.size, CLASSES, config.colour_constancy)
        torch.manual_seed(config.seed)
        self.network = create_lesion_net(spec).to(memory_format=torch.channels_last)
        start = initialise(self.network, config.start, self.train_rows)
        print(f"{config.arch}: {start} start, {len(self.train_rows)} training images")
        networks = [read_checkpoint(path).network for path in config.teachers]
        self.teachers = TeacherEnsemble(networks).to(memory_format=torch.channels_last) if networks else None
        self.ema = ModelEmaV3(self.network, decay=EMA_DECAY, use_warmup=True)
        self.normalise = Normalise(spec)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), config.rate, weight_decay=WEIGHT_DECAY)
        self.steps = total_steps(config.phases, len(self.train_rows))
        self.epoch = self.step = 0
        self.history: list[dict[str, float]] = []

    def run(self) -> None:
        """Train the epochs that are left of all phases; print the figures of each and write the checkpoint."""
        train, val = (load_squares(rows, STORED_SIDE) for rows in (self.train_rows, self.val_rows))
        images = AugmentedImages(train, self.train_rows, self.config)
        truth = target_arrays(self.val_rows)[1]
        for number, phase in epochs(self.config.phases):
            if number < self.epoch:
                continue
            start = time.monotonic()
            loss = self.train_epoch(images, phase, number)
            size = self.network.spec.size if phase is self.config.phases[-1] else phase.size
            logits = predict_malignant_logits(self.ema.module, val, size, self.normalise)
            auc = float(roc_auc_score(truth, logits.numpy()))
            minutes = (time.monotonic() - start) / 60
            self.history.append({"epoch": number, "size": phase.size, "loss": loss, "val_auc": auc, "minutes": minutes})
            print(json.dumps(self.history[-1]), flush=True)
            self.epoch = number + 1
            self.save()

    def train_epoch(self, images: AugmentedImages, phase: Phase, number: int) -> float:
        """Draw as many images as there are, with their sampling weights; return the mean loss of the steps."""
        config = self.config
        # Every random draw of an epoch follows from its number, so that a resumed run equals an uninterrupted one.
        torch.manual_seed(config.seed * 1000 + number)
        generator = torch.Generator().manual_seed(config.seed * 1000 + number)
        weights = sampling_weights(self.train_rows, balance_datasets=config.balance == "datasets").tolist()
        sampler = WeightedRandomSampler(weights, len(images), generator=generator)
        loader = DataLoader(
            images, phase.batch, sampler=sampler, drop_last=True, num_workers=config.workers, generator=generator
        )
        self.network.train()
        total = 0.0
        bar = tqdm(loader, f"epoch {number}", unit="batch", mininterval=10)
        for augmented, squares, diagnosis, malignant in bar:
            crops = random_crops(len(augmented), generator, config.squashed, config.scale)
            pixels = jitter_colour(sample_crops(augmented.float() / 255, crops.stretched, phase.size), generator) * 255
            originals = sample_crops(squares.float(), crops.plain, phase.size) if self.teachers is not None else pixels
            loss = self.loss(pixels, originals, Targets(diagnosis, malignant), generator)
            self.update(loss)
            total += float(loss.detach())
            bar.set_postfix(loss=f"{float(loss.detach()):.3f}")
        return total / max(len(loader), 1)

    def loss(
        self, pixels: torch.Tensor, originals: torch.Tensor, labels: Targets, generator: torch.Generator
    ) -> torch.Tensor:
        """Return the loss of one batch, a scalar.

        Args:
            pixels: augmented images, float (N, 3, S, S), 0..255.
            originals: the same crops of the images without augmentation, in their own aspect, for the teachers: the network
                learns to answer for a degraded and squashed image as they do for the original.
            labels: of the N images.
            generator: draws the share of mixup.
        """
        share = 1.0
        if self.config.mixup:
            share = draw_mixup_share(self.config.mixup, generator)
            pixels, originals = mixup(pixels, share), mixup(originals, share)
        inputs = self.normalise(pixels).contiguous(memory_format=torch.channels_last)
        with FastDepthwiseGradients(), torch.autocast("cpu", torch.bfloat16):
            logit, class_logits = (output.float() for output in self.network(inputs))
            taught = self.teachers(originals) if self.teachers is not None else None
        loss = share * label_loss(logit, class_logits, labels)
        if share < 1:
            loss = loss + (1 - share) * label_loss(logit, class_logits, labels.flip())
        if taught is None:
            return loss
        part = self.config.teachers_share
        return (1 - part) * loss + part * distillation_loss(logit, class_logits, *taught)

    def update(self, loss: torch.Tensor) -> None:
        """Take one step of the optimiser, and move the average of the weights."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimiser.param_groups[0]["lr"] = learning_rate(self.step, self.steps, self.config.rate)
        self.optimiser.step()
        self.ema.update(self.network, step=self.step)
        self.step += 1

    def save(self) -> None:
        """Write the checkpoint."""
        config = self.config
        start = file_sha256(config.start) if config.start else ""
        provenance = {
            "recipe": record_of(config, start, [file_sha256(path) for path in config.teachers]),
            "images": len(self.train_rows),
            "data_sha256": fingerprint(self.train_rows),
        }
        training = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
        }
        write_checkpoint(self.out, self.network.spec, self.ema.module.state_dict(), provenance, training=training)

    def resume(self) -> None:
        """Continue from the checkpoint in the output folder, if there is one.

        Raises:
            CheckpointError: it is of another network, or training did not write it.
        """
        source = self.out / "checkpoint.pt"
        if not source.is_file():
            return
        state = torch.load(source, map_location="cpu", weights_only=True)
        training = state.get("training")
        if training is None or state["spec"] != self.network.spec.record():
            raise CheckpointError(
                f"{source} is not of this training: it has another network, or was not written by `train`. "
                "Give the options that it was begun with, or another --out."
            )
        self.network.load_state_dict(training["network"])
        self.ema.module.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(training["optimiser"])
        self.epoch, self.step, self.history = training["epoch"], training["step"], training["history"]
        print(f"resuming after epoch {self.epoch - 1}")


def initialise(network: LesionNet, start: Path | None, rows: Sequence[LabelledImage]) -> str:
    """Give a network its first weights.

    Args:
        network: with random weights.
        start: checkpoint or model file with one network of that architecture; None for ImageNet weights, if any exist.
        rows: training images, from which the batch-norm statistics of a model file are restored.

    Returns:
        Where the weights come from, for the log.

    Raises:
        CheckpointError: `start` cannot be read, or has no network of that architecture, or several.
    """
    if start is None:
        return "ImageNet" if load_imagenet_weights(network) else "random"
    source, arch = read_checkpoint(start).network, network.spec.arch
    members = source.networks if isinstance(source, Ensemble) else [source]
    matching = [member for member in members if member.spec.arch == arch]
    if len(matching) != 1:
        raise CheckpointError(f"--start is {source.spec.arch}; exactly one of its networks must be a {arch}. Check --arch.")
    network.load_state_dict(matching[0].state_dict())
    if start.suffix == ".onnx":
        prepare_for_training(network, rows)
    return str(start)
