"""Images + metadata.csv -> checkpoint.

    python -m export train --data DATA --out runs/lite2                 the default phases, about two hours on two cores
    python -m export train --data DATA --out runs/lite2 --resume        goes on after the last finished epoch
    python -m export train --data DATA --out runs/x --phases 128:2:48 --arch tf_efficientnet_lite0

A phase is SIZE:EPOCHS:BATCH. The learning rate warms up and falls along one cosine over all phases. Training starts small,
where two cores see 70 images a second. Random crops make lesions look larger in training than they are when the whole
square is classified; serving at a larger size than most of the training had makes up for that, and the last phase gets
used to it (Touvron et al. 2019). A checkpoint is written after every epoch; it holds everything that `--resume` and
`export.commands.convert` need, the moving average of the weights being what is converted. What was tried, and what it brought:
models/experiments.md.
"""

import argparse
import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from timm.utils.model_ema import ModelEmaV3
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from tqdm import tqdm

from export.checkpoints.from_onnx import unfold
from export.checkpoints.reader import read_checkpoint
from export.checkpoints.writer import digest, write_checkpoint
from export.data.augment import cut_out, degrade, occlude, random_crops, recolour
from export.data.isic import CLASSES, Labelled, fingerprint, of_split, read_table, targets
from export.data.sampling import sampling_weights
from export.data.transforms import STORED_SIDE, load_squares
from export.errors import CheckpointError, DataError
from export.nn.depthwise import FastDepthwise
from export.nn.losses import Targets, Teachers, label_loss, mix, mixing_share, teacher_loss
from export.nn.network import Ensemble, Normalise, load_imagenet, spec_for, untrained
from export.nn.predict import malignant_logits

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]

RECIPE = (
    "arch",
    "seed",
    "rate",
    "balance_datasets",
    "colour_constancy",
    "mixup",
    "teachers_share",
    "degraded",
    "drawn_on",
    "squashed",
)
"""Options that a checkpoint remembers, beside the phases."""

WARM_UP = 0.05
"""Share of all steps during which the learning rate rises."""


@dataclass(frozen=True)
class Phase:
    """One stretch of training at one input size (pixels)."""

    size: int
    epochs: int
    batch: int

    @classmethod
    def parse(cls, text: str) -> "Phase":
        """Read SIZE:EPOCHS:BATCH, three whole numbers above zero.

        Raises:
            argparse.ArgumentTypeError: it is something else.
        """
        if not re.fullmatch(r"[1-9]\d*:[1-9]\d*:[1-9]\d*", text):
            raise argparse.ArgumentTypeError(f"{text!r} is not SIZE:EPOCHS:BATCH, as in 224:4:32")
        return cls(*map(int, text.split(":")))


PHASES = [Phase(128, 8, 48), Phase(160, 8, 48), Phase(224, 4, 32)]


class Degraded(Dataset[Batch]):
    """Stored squares, each drawn on and degraded with a random state of its own epoch and index, and as they are."""

    def __init__(self, squares: torch.Tensor, rows: list[Labelled], args: argparse.Namespace) -> None:
        self.squares = squares  # uint8 (N, 3, 256, 256)
        diagnosis, malignant = targets(rows)
        self.diagnosis, self.malignant = torch.from_numpy(diagnosis), torch.from_numpy(malignant)
        self.args = args

    def __len__(self) -> int:
        return len(self.squares)

    def __getitem__(self, index: int) -> Batch:
        square = self.squares[index]
        rng = np.random.default_rng((self.args.seed, index, int(torch.randint(2**31, ()))))
        drawn_on = occlude(square.permute(1, 2, 0).numpy(), rng, self.args.drawn_on)
        degraded = degrade(drawn_on, rng, self.args.degraded)
        copy = torch.from_numpy(np.ascontiguousarray(degraded.transpose(2, 0, 1)))
        return copy, square, self.diagnosis[index], self.malignant[index]


class Trainer:
    """Everything that changes while training, so that one file holds it."""

    def __init__(self, args: argparse.Namespace, phases: list[Phase], rows: list[Labelled]) -> None:
        self.args, self.phases = args, phases
        self.train_rows, self.val_rows = of_split(rows, "train"), of_split(rows, "val")
        if len(self.train_rows) < (largest := max(phase.batch for phase in phases)):
            raise DataError(
                f"`train` has {len(self.train_rows)} images, and a batch {largest}: nothing would be learnt. "
                "Make the batches smaller with --phases SIZE:EPOCHS:BATCH."
            )
        spec = spec_for(args.arch, args.size, CLASSES, args.colour_constancy)
        torch.manual_seed(args.seed)
        self.network = untrained(spec).to(memory_format=torch.channels_last)
        start = self._start()
        print(f"{args.arch}: {start} start, {len(self.train_rows)} training images")
        networks = [read_checkpoint(path).network for path in args.teachers]
        self.teachers = Teachers(networks).to(memory_format=torch.channels_last) if networks else None
        self.ema = ModelEmaV3(self.network, decay=0.998, use_warmup=True)
        self.normalise = Normalise(spec)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), args.rate, weight_decay=0.05)
        self.epoch = self.step = 0
        self.history: list[dict[str, float]] = []

    def _start(self) -> str:
        if self.args.start is None:
            return "ImageNet" if load_imagenet(self.network) else "random"
        network, arch = read_checkpoint(self.args.start).network, self.network.spec.arch
        found = network.networks if isinstance(network, Ensemble) else [network]
        own = [member for member in found if member.spec.arch == arch]
        if len(own) != 1:
            raise CheckpointError(f"--start is {network.spec.arch}, of which not one alone can go on as a {arch}.")
        self.network.load_state_dict(own[0].state_dict())
        if self.args.start.suffix == ".onnx":
            unfold(self.network, self.train_rows)
        return str(self.args.start)

    def epochs(self) -> Iterator[tuple[Phase, int]]:
        """The phase of each epoch and the epoch's number."""
        phases = (phase for phase in self.phases for _ in range(phase.epochs))
        return zip(phases, count(), strict=False)

    def rate(self) -> float:
        """Learning rate of the next step: a linear rise, then one cosine down to nothing, over all phases."""
        steps = sum(phase.epochs * (len(self.train_rows) // phase.batch) for phase in self.phases)
        done = self.step / max(steps, 1)
        fall = (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2
        return float(self.args.rate) * (done / WARM_UP if done < WARM_UP else fall)

    def run(self) -> None:
        """Train all phases, from the epoch that `resume` left."""
        train, val = (load_squares(rows, STORED_SIDE) for rows in (self.train_rows, self.val_rows))
        dataset = Degraded(train, self.train_rows, self.args)
        truth = targets(self.val_rows)[1]
        for phase, number in self.epochs():
            if number < self.epoch:
                continue
            began = time.monotonic()
            loss = self.one_epoch(dataset, phase, number)
            size = self.network.spec.size if phase is self.phases[-1] else phase.size
            logits = malignant_logits(self.ema.module, val, size, self.normalise)
            auc = float(roc_auc_score(truth, logits.numpy()))
            minutes = (time.monotonic() - began) / 60
            self.history.append({"epoch": number, "size": phase.size, "loss": loss, "val_auc": auc, "minutes": minutes})
            print(json.dumps(self.history[-1]), flush=True)
            self.epoch = number + 1
            self.save()

    def one_epoch(self, dataset: Degraded, phase: Phase, number: int) -> float:
        """One pass over as many images as there are, drawn with their sampling weights; the mean loss."""
        # Every random draw of an epoch follows from its number, so that a resumed run draws what an unbroken one would.
        torch.manual_seed(self.args.seed * 1000 + number)
        generator = torch.Generator().manual_seed(self.args.seed * 1000 + number)
        weights = sampling_weights(self.train_rows, balance_datasets=self.args.balance_datasets).tolist()
        sampler = WeightedRandomSampler(weights, len(dataset), generator=generator)
        loader = DataLoader(
            dataset, phase.batch, sampler=sampler, drop_last=True, num_workers=self.args.workers, generator=generator
        )
        self.network.train()
        total = 0.0
        bar = tqdm(loader, f"epoch {number}", unit="batch", mininterval=10)
        for copies, squares, diagnosis, malignant in bar:
            crops = random_crops(len(copies), generator, self.args.squashed)
            pixels = recolour(cut_out(copies.float() / 255, crops.stretched, phase.size), generator) * 255
            originals = cut_out(squares.float(), crops.plain, phase.size) if self.teachers is not None else pixels
            loss = self.loss(pixels, originals, Targets(diagnosis, malignant), generator)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.optimiser.param_groups[0]["lr"] = self.rate()
            self.optimiser.step()
            self.ema.update(self.network, step=self.step)
            self.step += 1
            total += float(loss.detach())
            bar.set_postfix(loss=f"{float(loss.detach()):.3f}")
        return total / max(len(loader), 1)

    def loss(self, pixels: torch.Tensor, originals: torch.Tensor, seen: Targets, generator: torch.Generator) -> torch.Tensor:
        """Loss of one batch of augmented pictures (N, 3, S, S), float 0..255.

        Teachers see the same crops of the originals, in their own aspect: the learner is to answer for a degraded and
        squashed copy what they answer for the photograph itself.
        """
        share = 1.0
        if self.args.mixup:
            share = mixing_share(self.args.mixup, generator)
            pixels, originals = mix(pixels, share), mix(originals, share)
        images = self.normalise(pixels).contiguous(memory_format=torch.channels_last)
        with FastDepthwise(), torch.autocast("cpu", torch.bfloat16):
            logit, classes = (output.float() for output in self.network(images))
            taught = self.teachers(originals) if self.teachers is not None else None
        loss = share * label_loss(logit, classes, seen)
        if share < 1:
            loss = loss + (1 - share) * label_loss(logit, classes, seen.flip())
        if taught is None:
            return loss
        part = float(self.args.teachers_share)
        return (1 - part) * loss + part * teacher_loss(logit, classes, *taught)

    def save(self) -> None:
        """Write the checkpoint."""
        recipe = {
            **{key: str(vars(self.args)[key]) for key in RECIPE},
            # By content: a path says nothing on another machine.
            "start": digest(self.args.start) if self.args.start else "",
            "teachers": [digest(path) for path in self.args.teachers],
            "phases": [asdict(phase) for phase in self.phases],
        }
        training = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
        }
        provenance = {"recipe": recipe, "images": len(self.train_rows), "data_sha256": fingerprint(self.train_rows)}
        write_checkpoint(self.args.out, self.network.spec, self.ema.module.state_dict(), provenance, training=training)

    def resume(self) -> None:
        """Take up the checkpoint in the output folder, if there is one.

        Raises:
            CheckpointError: it is of another network, or none that training wrote.
        """
        source = self.args.out / "checkpoint.pt"
        if not source.is_file():
            return
        state = torch.load(source, map_location="cpu", weights_only=True)
        training = state.get("training")
        if training is None or state["spec"] != asdict(self.network.spec):
            raise CheckpointError(
                f"{source} is not of this training: it has another network, or was not written by `train`. "
                "Give the options that it was begun with, or another --out."
            )
        self.network.load_state_dict(training["network"])
        self.ema.module.load_state_dict(state["weights"])
        self.optimiser.load_state_dict(training["optimiser"])
        self.epoch, self.step, self.history = training["epoch"], training["step"], training["history"]
        print(f"resuming after epoch {self.epoch - 1}")


def options() -> argparse.ArgumentParser:
    """The options of `python -m export train`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with metadata.csv and images")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt")
    parser.add_argument("--arch", default="tf_efficientnet_lite2", help="of timm, ending in pooling and one linear layer")
    parser.add_argument("--phases", nargs="+", type=Phase.parse, default=PHASES, metavar="SIZE:EPOCHS:BATCH")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate at its highest")
    parser.add_argument(
        "--balance-datasets", action=argparse.BooleanOptionalAction, default=True, help="do not reward knowing the camera"
    )
    parser.add_argument("--size", type=int, default=224, help="input side in pixels when serving")
    parser.add_argument("--colour-constancy", type=float, metavar="NORM", help="scale channels to one Minkowski norm, as 6")
    parser.add_argument("--mixup", type=float, default=0.0, metavar="ALPHA", help="blend pictures, Beta(ALPHA, ALPHA)")
    parser.add_argument(
        "--degraded", type=float, default=0.75, metavar="SHARE", help="of images, scaled, blurred, compressed"
    )
    parser.add_argument("--drawn-on", type=float, default=0.33, metavar="SHARE", help="of images, with hairs, rulers, ink")
    parser.add_argument("--squashed", type=float, default=0.2, metavar="SHARE", help="of images, from 5:4 to 3:2")
    parser.add_argument("--start", type=Path, help="checkpoint or released model file to start from, not ImageNet")
    parser.add_argument("--teachers", type=Path, nargs="+", default=[], help="checkpoints whose answers are learnt as well")
    parser.add_argument(
        "--teachers-share",
        type=float,
        default=0.6,
        metavar="SHARE",
        help="of the loss, the rest is the labels'; 1 is theirs alone",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare images")
    parser.add_argument("--resume", action="store_true", help="go on after the last finished epoch in --out")
    return parser


def main(args: argparse.Namespace) -> None:
    """Run `python -m export train`."""
    trainer = Trainer(args, args.phases, read_table(args.data))
    if args.resume:
        trainer.resume()
    trainer.run()
