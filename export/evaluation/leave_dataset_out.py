"""Leave-one-data-set-out refusals: whether the OOD detector refuses dermoscopic images of unknown cameras."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from lesion.inference.card import IMAGE_TYPES, ImageType

from export.arrays import Array, Figures, Labels, Mask
from export.data.labels import LabelledImage
from export.evaluation.bootstrap import bootstrap_interval
from export.evaluation.metrics import rate
from export.evaluation.ood import (
    TypedFeatures,
    extract_features,
    extract_features_by_type,
    fit_ood_statistics,
    ood_distances,
    typed_features,
)
from export.evaluation.thresholds import DISTANCE_QUANTILE

MIN_IMAGES = 50
"""Images that a data set needs to be left out."""


def refusals_per_dataset(model: onnx.ModelProto, rows: Sequence[LabelledImage]) -> dict[str, Figures]:
    """Return how many of each data set's images are refused as `not_a_lesion` when the detector was fitted without it.

    Statistics and limit are those of the images' recorded type. The limit is the quantile of the remaining `val` images that
    `python -m export convert` uses. No label takes part.

    Args:
        model: the model file; its own OOD statistics are not used.
        rows: of all splits.

    Returns:
        Data set -> figures of all its images under "all", and under "unseen" of those that the network was not trained on
        either (`val` and `test`). Data sets with fewer than `MIN_IMAGES`, and those that are most of `train` in one of their
        image types, are omitted.
    """
    train = extract_features_by_type(model, [row for row in rows if row.split == "train"])
    val_rows = {name: [row for row in rows if (row.split, row.image_type) == ("val", name)] for name in train}
    val = {name: typed_features(model, own) for name, own in val_rows.items() if own}
    figures = {}
    for name in sorted({row.dataset for row in rows}):
        own = [row for row in rows if row.dataset == name]
        if len(own) < MIN_IMAGES or not all(_suffices(train, val, image_type, name) for image_type in _types(own)):
            # Without the largest data set, too few images would be left to fit on.
            continue
        ordered, refused = [], []
        for image_type in _types(own):
            typed = [row for row in own if row.image_type == image_type]
            statistics = fit_ood_statistics(_without(train[image_type], name))
            limit = np.quantile(ood_distances(statistics, _without(val[image_type], name)), DISTANCE_QUANTILE)
            refused.append(ood_distances(statistics, extract_features(model, typed)) > limit)
            ordered += typed
        flags = np.concatenate(refused)
        unseen = np.array([row.split != "train" for row in ordered])
        groups = np.array([row.group for row in ordered])
        figures[name] = {"all": _refused(flags, groups), "unseen": _refused(flags[unseen], groups[unseen])}
    return figures


def _types(rows: Sequence[LabelledImage]) -> list[ImageType]:
    return sorted({row.image_type for row in rows}, key=IMAGE_TYPES.index)


def _suffices(
    train: Mapping[ImageType, TypedFeatures], val: Mapping[ImageType, TypedFeatures], image_type: ImageType, name: str
) -> bool:
    """Return whether at least half of `train`, and some of `val`, are left of a type without one data set."""
    if image_type not in train or image_type not in val:
        return False
    kept = len(_without(train[image_type], name))
    return 2 * kept >= len(train[image_type].rows) and len(_without(val[image_type], name)) > 0


def _without(typed: TypedFeatures, name: str) -> Array:
    """Return the middle features of the images of all other data sets, (N, M)."""
    kept = [place for place, row in enumerate(typed.rows) if row.dataset != name]
    return np.asarray(typed.middle[kept])


def _refused(refused: Mask, groups: Labels) -> Figures:
    everything = np.ones(len(refused), bool)
    share = bootstrap_interval(lambda weights: rate(refused, everything, weights), groups)
    return {"n": len(refused), "refused": share.json()}
