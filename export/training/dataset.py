"""Training images in memory, augmented one by one in the data loader's processes.

`export.training.batches` augments whole batches of them on a device instead.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset

from export.checkpoints.recipe import TrainConfig
from export.data.augment import degrade, occlude
from export.data.labels import LabelledImage, target_arrays

Item = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class AugmentedImages(Dataset[Item]):
    """Stored images with hairs, rulers or ink drawn on some, and some degraded as other software does.

    Augmentation of whole batches (crop, colour) follows in `export.training.trainer`.
    """

    def __init__(
        self, squares: torch.Tensor, rows: Sequence[LabelledImage], classes: Sequence[str], config: TrainConfig
    ) -> None:
        """Hold images and labels.

        Args:
            squares: uint8 (N, 3, S, S).
            rows: the N rows of the images.
            classes: diagnosis codes in the order of the network's outputs.
            config: its shares of images to draw on and to degrade, and its seed.
        """
        self.squares = squares
        diagnosis, malignant = target_arrays(rows, classes)
        self.diagnosis, self.malignant = torch.from_numpy(diagnosis), torch.from_numpy(malignant)
        self.clinical = torch.tensor([float(row.image_type == "clinical") for row in rows])
        self.config = config

    def to(self, device: torch.device) -> None:
        """Move images and labels to a device."""
        self.squares, self.diagnosis = self.squares.to(device), self.diagnosis.to(device)
        self.malignant, self.clinical = self.malignant.to(device), self.clinical.to(device)

    def __len__(self) -> int:
        return len(self.squares)

    def __getitem__(self, index: int) -> Item:
        """Return one image, augmented and unchanged, and its labels.

        The random state depends on the seed, the index and PyTorch's generator, which the trainer seeds for each epoch.

        Returns:
            The augmented image, uint8 (3, S, S); the stored one, the same; the index of its diagnosis, int64 (),
            -1 where only malignant or benign is known; 1.0 for malignant, float32 (); 1.0 for a clinical image, the same.
        """
        square = self.squares[index]
        rng = np.random.default_rng((self.config.seed, index, int(torch.randint(2**31, ()))))
        drawn_on = occlude(square.permute(1, 2, 0).numpy(), rng, self.config.drawn_on)
        degraded = degrade(drawn_on, rng, self.config.degraded)
        augmented = torch.from_numpy(np.ascontiguousarray(degraded.transpose(2, 0, 1)))
        return augmented, square, self.diagnosis[index], self.malignant[index], self.clinical[index]
