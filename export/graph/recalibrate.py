"""New calibrations in an existing model file: the parameters in the graph and their metadata; everything else stays."""

from collections.abc import Mapping

import numpy as np
import onnx
from lesion.inference.card import IMAGE_TYPES, VIEWS, Card, ImageType
from onnx import numpy_helper

from export.errors import DataError
from export.graph.calibration import Calibration

_PARAMETERS = ("below", "above", "intercept")


def replace_calibrations(
    model: onnx.ModelProto, card: Card, calibrations: Mapping[ImageType, Mapping[int, Calibration]]
) -> None:
    """Replace calibrations in the graph of a model file, in place.

    Args:
        model: the file, of format 1 with one calibration, or of format 2 with one for each image type and number of views.
        card: of the file.
        calibrations: those to replace. Format 1 has only that of one view.

    Raises:
        DataError: the graph has no such parameters, because an earlier version wrote it.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    size = 1 if card.format == "1" else len(IMAGE_TYPES) * len(VIEWS)
    if not all(name in tensors and int(np.prod(tensors[name].dims)) == size for name in _PARAMETERS):
        raise DataError(
            "The calibration in this model file cannot be replaced: its graph has no parameters `below`, `above` and "
            "`intercept`. Convert the checkpoint again with `python -m export convert`."
        )
    for name in _PARAMETERS:
        values = np.array(numpy_helper.to_array(tensors[name]), np.float32)
        flat = values.reshape(-1)
        for image_type, by_views in calibrations.items():
            for views, calibration in by_views.items():
                for place in _places(card, image_type, views):
                    flat[place] = getattr(calibration, name)
        tensors[name].CopyFrom(numpy_helper.from_array(flat.reshape(values.shape), name))


def _places(card: Card, image_type: ImageType, views: int) -> list[int]:
    """Return the rows of the parameters that belong to a type and a number of views."""
    if card.format == "1":
        return [0]
    # A model of one type has its rows twice.
    types = IMAGE_TYPES if len(card.image_types) == 1 else (image_type,)
    return [IMAGE_TYPES.index(one) * len(VIEWS) + VIEWS.index(views) for one in types]
