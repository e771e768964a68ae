"""Batches of training images: augmented in the data loader's processes, or on the device."""

from collections.abc import Iterator, Sequence
from typing import Protocol, cast

import torch
from torch.utils.data import BatchSampler, DataLoader, WeightedRandomSampler

from export.checkpoints.recipe import Balance
from export.data import augment_batch, occlude_batch
from export.data.labels import LabelledImage
from export.data.random_draws import RandomDraws
from export.data.sampling import sampling_weights, source_balanced_weights
from export.training.dataset import AugmentedImages, Item
from export.training.parallel import Processes, SharedBatches

ALONE = Processes()


class Batches(Protocol):
    """Batches of one epoch: the items of `AugmentedImages`, stacked."""

    def __len__(self) -> int:
        """Return the number of batches."""

    def __iter__(self) -> Iterator[Item]:
        """Yield the batches."""


class DeviceBatches:
    """Batches of stored images on a device, which are drawn on and degraded there."""

    def __init__(self, images: AugmentedImages, places: BatchSampler | SharedBatches, draws: RandomDraws) -> None:
        """Prepare one epoch.

        Args:
            images: their tensors are on the device.
            places: of the images of each batch.
            draws: source of every random draw of the augmentation.
        """
        self.images, self.places, self.draws = images, places, draws

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.places)

    def __iter__(self) -> Iterator[Item]:
        """Yield the items of `AugmentedImages` in batches, all on the device; the augmented images are float, 0..255."""
        images, config = self.images, self.images.config
        for places in self.places:
            chosen = torch.tensor(places, device=images.squares.device)
            squares = images.squares[chosen]
            drawn_on = occlude_batch.occlude(squares.float() / 255, self.draws, config.drawn_on)
            augmented = augment_batch.degrade(drawn_on, self.draws, config.degraded) * 255
            yield augmented, squares, images.diagnosis[chosen], images.malignant[chosen], images.clinical[chosen]


def create_batches(
    images: AugmentedImages,
    rows: Sequence[LabelledImage],
    size: int,
    generator: torch.Generator,
    host: torch.Generator,
    processes: Processes = ALONE,
) -> Batches:
    """Return the batches of one epoch: as many images as there are, drawn as `images.config.balance` says.

    They are augmented where `images.config.prepare` says. The last batch is left out if it is incomplete.

    Args:
        images: the training images.
        rows: their N rows.
        size: images of a batch.
        generator: of the device, for the augmentation there.
        host: of the CPU, for the choice of images.
        processes: that compute a share of each batch; all draw the same images.
    """
    config = images.config
    weights = image_weights(rows, config.balance).tolist()
    sampler = WeightedRandomSampler(weights, len(images), generator=host)
    places = processes.share(BatchSampler(sampler, size, drop_last=True))
    if config.prepare == "device":
        return DeviceBatches(images, places, RandomDraws(generator, host))
    # Pinned memory is copied to a GPU while it computes.
    pinned = torch.device(config.device).type == "cuda"
    loader = DataLoader(images, batch_sampler=places, num_workers=config.workers, generator=host, pin_memory=pinned)
    return cast(Batches, loader)


def image_weights(rows: Sequence[LabelledImage], balance: Balance) -> torch.Tensor:
    """Return the relative weight with which each of N training images is drawn, float64 (N,)."""
    if balance == "sources":
        return source_balanced_weights(rows)
    return sampling_weights(rows, balance_datasets=balance == "datasets")
