"""Classification in Python: a loaded model that takes paths, bytes and arrays. `lesion.load` returns one."""

from os import PathLike
from pathlib import Path

import numpy as np

from lesion.errors import InvalidImage
from lesion.imaging.decode import DecodedImage, Pixels
from lesion.inference.card import VIEWS, Card, ImageType
from lesion.inference.classify import analyse, analyse_pixels, answer_of
from lesion.inference.model import Model
from lesion.inference.schemas import Classification

ARRAY_FORMAT = "array"
"""`image.format` of the answer for an array."""


class Classifier:
    """A loaded model. `classify` may be called from several threads at once.

    Attributes:
        model: the loaded model.
    """

    def __init__(self, model: Model) -> None:
        """Use a loaded model."""
        self.model = model

    @property
    def card(self) -> Card:
        """The metadata of the model file."""
        return self.model.card

    def classify(
        self,
        image: "str | PathLike[str] | bytes | Pixels",
        *,
        views: int = 1,
        evidence: bool = True,
        image_type: ImageType | None = None,
    ) -> Classification:
        """Classify one image as the service does: a prediction, or a refusal.

        Args:
            image: path of a file or its bytes, in any of `lesion.imaging.formats.FORMATS`; or pixels, uint8 (H, W, 3), RGB,
                sRGB, upright.
            views: 1, or 8 for test-time augmentation (see `lesion.inference.model.Model.run`).
            evidence: whether to return the evidence map, if the model has one.
            image_type: whose calibration, threshold and limits are applied; None to let the model detect it.

        Raises:
            OSError: the file cannot be read.
            InvalidImage: the array is not one of pixels.
            ValueError: `views` is another number.
            UnsupportedImageType: the model has no operating point for the type.
            RequestError: the bytes are not an image that can be decoded.
            InferenceError: the model returned NaN or infinity.
        """
        if views not in VIEWS:
            raise ValueError(f"views is {views}. Give {' or '.join(map(str, VIEWS))}.")
        if isinstance(image, np.ndarray):
            analysis = analyse_pixels(_decoded(image), self.model, views=views, image_type=image_type)
        else:
            data = image if isinstance(image, bytes) else Path(image).read_bytes()
            analysis = analyse(data, self.model, views=views, image_type=image_type)
        return answer_of(analysis, self.model, evidence=evidence)


def _decoded(pixels: Pixels) -> DecodedImage:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise InvalidImage(
            f"The array is {pixels.dtype} of shape {pixels.shape}. Give pixels as uint8 of shape (height, width, 3), in RGB."
        )
    height, width = pixels.shape[:2]
    return DecodedImage(np.ascontiguousarray(pixels), width, height, ARRAY_FORMAT)
