"""The training loop, which writes a checkpoint after every epoch and resumes from it."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import nn
from tqdm import tqdm

from export.checkpoints.recipe import Phase, TrainConfig, record_of
from export.checkpoints.same_run import require_same_run
from export.checkpoints.writer import file_sha256, write_checkpoint
from export.data.augment import jitter_colour, random_crops, sample_crops
from export.data.labels import LabelledImage, fingerprint, training_classes
from export.data.splits import select_split
from export.data.transforms import STORED_SIDE, load_squares
from export.errors import CheckpointError, DataError
from export.nn.imagenet import create_spec
from export.nn.lesion_net import create_lesion_net
from export.nn.losses import Targets, TeacherEnsemble
from export.nn.network import Normalise
from export.nn.predict import predict_logits
from export.training.batches import create_batches
from export.training.dataset import AugmentedImages
from export.training.device import to_cpu
from export.training.objective import Objective
from export.training.parallel import Processes
from export.training.records import TensorBoard, best_epoch, score, stops_early, write_records
from export.training.schedule import epochs, learning_rate, total_steps
from export.training.selection import validation_figures
from export.training.start import initialise, read_teachers

EMA_DECAY = 0.998
"""Of the moving average of the weights, which is what a checkpoint's network has."""
WEIGHT_DECAY = 0.05
LARGEST_GRADIENT = 5.0
"""Norm to which gradients are clipped."""


def stored_side(config: TrainConfig) -> int:
    """Return the side in pixels at which images are kept in memory: at least that of the largest phase."""
    return max(STORED_SIDE, config.size, *(phase.size for phase in config.phases))


class Trainer:
    """Network, optimiser and position of one run: all state that a checkpoint holds."""

    def __init__(self, config: TrainConfig, rows: Sequence[LabelledImage], out: Path) -> None:
        """Prepare a run.

        Args:
            config: the options.
            rows: of data folders; `train` and `val` are used. Images of both types add a head that distinguishes them.
            out: folder for checkpoint.pt.

        Raises:
            ArchitectureError: the architecture is unknown, or cannot be exported.
            CheckpointError: a start or a teacher cannot be read; the start has another architecture, or a teacher other
                classes; or a body without a start is to be frozen.
            DataError: `train` or `val` lacks one side, or `train` has fewer images than a batch.
        """
        self.config, self.out, self.device = config, out, torch.device(config.device)
        self.processes = Processes.join(self.device)
        self.train_rows, self.val_rows = select_split(rows, "train"), select_split(rows, "val")
        if len(self.train_rows) < (largest := max(phase.batch for phase in config.phases)):
            raise DataError(
                f"`train` has {len(self.train_rows)} images, and a batch {largest}: nothing would be learnt. "
                "Make the batches smaller with --phases SIZE:EPOCHS:BATCH."
            )
        classes = training_classes(self.train_rows)
        both_types = len({row.image_type for row in self.train_rows}) > 1
        spec = create_spec(config.arch, config.size, classes, config.colour_constancy, detects_type=both_types)
        torch.manual_seed(config.seed)
        self.network = create_lesion_net(spec).to(memory_format=torch.channels_last)
        start = initialise(self.network, config.start, self.train_rows)
        self.first_weights = "checkpoint" if config.start else start
        if config.freeze_body and self.first_weights == "random":
            raise CheckpointError("--freeze-body needs a trained network, or random weights stay. Give one with --start.")
        if self.processes.is_first:
            several = f", {self.processes.count} processes" if self.processes.count > 1 else ""
            print(f"{config.arch}: {start} start, {len(self.train_rows)} training images, {self.device}{several}")
        self.network.to(self.device)
        self.teachers: TeacherEnsemble | None = None
        if networks := read_teachers(config.teachers, spec.classes):
            self.teachers = TeacherEnsemble(networks).to(memory_format=torch.channels_last).to(self.device)
        self.normalise = Normalise(spec).to(self.device)
        self.objective = Objective(self.network, self.teachers, self.normalise, config)
        self.ema = ModelEmaV3(self.network, decay=EMA_DECAY, use_warmup=True)
        if config.freeze_body:
            self.network.body.requires_grad_(requires_grad=False)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), config.rate, weight_decay=WEIGHT_DECAY)
        self.steps = total_steps(config.phases, len(self.train_rows))
        self.epoch = self.step = 0
        self.history: list[dict[str, Any]] = []

    def run(self) -> None:
        """Train the epochs that are left of all phases; print the figures of each and write the checkpoint."""
        if self.epoch >= sum(phase.epochs for phase in self.config.phases):
            print(f"nothing is left to do: all epochs ({self.epoch}) are finished")
            return
        if self._has_stopped():
            return
        board = TensorBoard(self.out, self.history) if self.config.tensorboard and self.processes.is_first else None
        side = stored_side(self.config)
        train, val = (load_squares(rows, side) for rows in (self.train_rows, self.val_rows))
        classes = self.network.spec.classes
        images = AugmentedImages(train, self.train_rows, classes, self.config)
        if self.config.prepare == "device":
            images.to(self.device)
        for number, phase in epochs(self.config.phases):
            if number < self.epoch:
                continue
            start = time.monotonic()
            loss = self.train_epoch(images, phase, number)
            size = self.network.spec.size if phase is self.config.phases[-1] else phase.size
            figures = None
            if self.processes.is_first:
                logits = predict_logits(self.ema.module, val, size, self.normalise)
                figures = validation_figures(self.val_rows, logits, classes)
            minutes = (time.monotonic() - start) / 60
            epoch = {"epoch": number, "size": phase.size, "loss": loss, **(figures or {}), "minutes": minutes}
            self.history.append(self.processes.first_says(epoch))
            self.epoch = number + 1
            if self.processes.is_first:
                print(json.dumps(self.history[-1]), flush=True)
                self.save()
                write_records(self.out, self.history)
                if board is not None:
                    board.add(self.history[-1])
            if self._has_stopped():
                return

    def _has_stopped(self) -> bool:
        if not stops_early(self.history, self.config.patience):
            return False
        best = best_epoch(self.history)
        if self.processes.is_first:
            highest = score(self.history[best])
            print(f"stopped: no epoch since {best} has a higher score than {highest:.4f} ({self.out}/best.pt)")
        return True

    def train_epoch(self, images: AugmentedImages, phase: Phase, number: int) -> float:
        """Draw as many images as there are, with their sampling weights; return the mean loss of the steps."""
        config = self.config
        # Every random draw of an epoch follows from its number, so that a resumed run equals an uninterrupted one.
        seed = config.seed * 1000 + number
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        drawing = generator if self.device.type == "cpu" else torch.Generator(self.device).manual_seed(seed)
        if self.processes.count > 1:
            # The same images for all processes, other changes of each process's share.
            drawing = torch.Generator(self.device).manual_seed(seed + 1_000_003 * (1 + self.processes.rank))
        batches = create_batches(images, self.train_rows, phase.batch, drawing, generator, self.processes)
        self.network.train()
        if config.freeze_body:
            # Its batch-norm statistics stay as well.
            self.network.body.eval()
        total = torch.zeros((), dtype=torch.double, device=self.device)
        bar = tqdm(batches, f"epoch {number}", unit="batch", mininterval=10, disable=not self.processes.is_first)
        for batch in bar:
            augmented, squares, *labels = (part.to(self.device, non_blocking=True) for part in batch)
            crops = random_crops(len(augmented), drawing, config.squashed, config.scale)
            pixels = jitter_colour(sample_crops(augmented.float() / 255, crops.stretched, phase.size), drawing) * 255
            originals = sample_crops(squares.float(), crops.plain, phase.size) if self.teachers is not None else pixels
            loss = self.objective.loss(pixels, originals, Targets(*labels), generator)
            self.update(loss)
            total += loss.detach()
            # Reading a number waits for the device.
            if self.step % 20 == 0:
                bar.set_postfix(loss=f"{float(loss.detach()):.3f}", refresh=False)
        return float(total) / max(len(batches), 1)

    def update(self, loss: torch.Tensor) -> None:
        """Take one step of the optimiser, and move the average of the weights."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.processes.average_gradients(self.network)
        nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimiser.param_groups[0]["lr"] = learning_rate(self.step, self.steps, self.config.rate)
        self.optimiser.step()
        self.processes.average_statistics(self.network)
        self.ema.update(self.network, step=self.step)
        self.step += 1

    def provenance(self) -> dict[str, Any]:
        """Return the record of the run, JSON values: recipe, and number and hash of the training images."""
        start = file_sha256(self.config.start) if self.config.start else ""
        recipe = record_of(self.config, start, [file_sha256(path) for path in self.config.teachers])
        recipe["first_weights"] = self.first_weights
        return {"recipe": recipe, "images": len(self.train_rows), "data_sha256": fingerprint(self.train_rows)}

    def save(self) -> None:
        """Write the checkpoint."""
        training = {
            "network": to_cpu(self.network.state_dict()),
            "optimiser": to_cpu(self.optimiser.state_dict()),
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
        }
        weights = to_cpu(self.ema.module.state_dict())
        write_checkpoint(self.out, self.network.spec, weights, self.provenance(), training=training)

    def resume(self) -> None:
        """Continue from the checkpoint in the output folder, if there is one.

        Raises:
            CheckpointError: it is of another network, other images or other options, or training did not write it.
        """
        source = self.out / "checkpoint.pt"
        if not source.is_file():
            return
        state = torch.load(source, map_location="cpu", weights_only=True)
        training = state.get("training")
        if training is None or not self.network.spec.is_recorded_as(state["spec"]):
            raise CheckpointError(
                f"{source} is not of this training: it has another network, or was not written by `train`. "
                "Give the options that it was begun with, or another --out."
            )
        require_same_run(source, state["provenance"], self.provenance())
        self.network.load_state_dict(training["network"])
        self.ema.module.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(training["optimiser"])
        self.epoch, self.step, self.history = training["epoch"], training["step"], training["history"]
        print(f"resuming after epoch {self.epoch - 1}")
